-- The cells of every grain that changes make (day, since, unit, channel, sector, procedure and flows). The changes are
-- read once, and each grain is a plain GROUP BY: GROUPING SETS would sort them once for each set. Years are summed from
-- halves but where there are none. `since` stays where it lies in an earlier half, or year, than the day.
WITH placed AS MATERIALIZED (
    SELECT
        day, cell_half(day) AS half,
        CASE WHEN cell_half(since) < cell_half(day) THEN cell_half(since) END AS since,
        unit, channel, sector, procedure, $flows
    FROM $changes AS changed
),

sector_day AS MATERIALIZED (
    SELECT day, since, sector, $sums
    FROM placed
    GROUP BY day, since, sector
),

sector_half AS MATERIALIZED (
    SELECT cell_half(day) AS day, since, sector, $sums
    FROM sector_day
    GROUP BY cell_half(day), since, sector
),

unit_channel_half AS MATERIALIZED (
    SELECT half AS day, since, unit, channel, $sums
    FROM placed
    GROUP BY half, since, unit, channel
),

unit_sector_half AS MATERIALIZED (
    SELECT half AS day, since, unit, sector, $sums
    FROM placed
    GROUP BY half, since, unit, sector
),

procedure_half AS MATERIALIZED (
    SELECT half AS day, since, sector, procedure, $sums
    FROM placed
    GROUP BY half, since, sector, procedure
),

unit_half AS MATERIALIZED (
    SELECT day, since, unit, $sums
    FROM unit_channel_half
    GROUP BY day, since, unit
),

all_half AS MATERIALIZED (
    SELECT day, since, $sums
    FROM sector_half
    GROUP BY day, since
)

SELECT 'all day' AS grain, day, since, NULL AS unit, NULL AS channel, NULL AS sector, NULL AS procedure, $sums
FROM sector_day
GROUP BY day, since
UNION ALL
SELECT 'unit day', day, since, unit, NULL, NULL, NULL, $sums
FROM placed
GROUP BY day, since, unit
UNION ALL
SELECT 'sector day', day, since, NULL, NULL, sector, NULL, $flows
FROM sector_day
UNION ALL
SELECT 'procedure day', day, since, NULL, NULL, sector, procedure, $handling
FROM placed
WHERE $handled
GROUP BY day, since, sector, procedure
UNION ALL
SELECT 'all half', day, since, NULL, NULL, NULL, NULL, $flows
FROM all_half
UNION ALL
SELECT 'unit half', day, since, unit, NULL, NULL, NULL, $flows
FROM unit_half
UNION ALL
SELECT 'unit channel half', day, since, unit, channel, NULL, NULL, $flows
FROM unit_channel_half
UNION ALL
SELECT 'sector half', day, since, NULL, NULL, sector, NULL, $flows
FROM sector_half
UNION ALL
SELECT 'unit sector half', day, since, unit, NULL, sector, NULL, $flows
FROM unit_sector_half
UNION ALL
SELECT 'procedure half', day, since, NULL, NULL, sector, procedure, $flows
FROM procedure_half
UNION ALL
SELECT 'all year', cell_year(day), earlier.since, NULL, NULL, NULL, NULL, $sums
FROM all_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since
UNION ALL
SELECT 'unit year', cell_year(day), earlier.since, unit, NULL, NULL, NULL, $sums
FROM unit_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since, unit
UNION ALL
SELECT 'unit channel year', cell_year(day), earlier.since, unit, channel, NULL, NULL, $sums
FROM unit_channel_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since, unit, channel
UNION ALL
SELECT 'sector year', cell_year(day), earlier.since, NULL, NULL, sector, NULL, $sums
FROM sector_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since, sector
UNION ALL
SELECT 'unit sector year', cell_year(day), earlier.since, unit, NULL, sector, NULL, $sums
FROM unit_sector_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since, unit, sector
UNION ALL
SELECT 'procedure year', cell_year(day), earlier.since, NULL, NULL, sector, procedure, $sums
FROM procedure_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since, sector, procedure
UNION ALL
SELECT 'unit procedure year', cell_year(day), earlier.since, unit, NULL, sector, procedure, $sums
FROM placed
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(since) < cell_year(day) THEN since END) AS earlier (since)
GROUP BY cell_year(day), earlier.since, unit, sector, procedure
