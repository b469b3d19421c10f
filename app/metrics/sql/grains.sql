-- The cells of every grain that changes make (day, learnt, unit, channel, sector, procedure and flows). The changes are
-- read once, and each grain is a plain GROUP BY: GROUPING SETS would sort them once for each set. Years are summed from
-- halves but where there are none. By days nothing is told apart that was learnt later.
WITH placed AS MATERIALIZED (
    SELECT
        day, cell_half(day) AS half,
        CASE WHEN cell_half(learnt) > cell_half(day) THEN cell_half(learnt) END AS learnt,
        unit, channel, sector, procedure, $flows
    FROM $changes AS changed
),

channel_half AS MATERIALIZED (
    SELECT half AS day, learnt, unit, channel, $sums
    FROM placed
    GROUP BY half, learnt, unit, channel
),

sector_half AS MATERIALIZED (
    SELECT half AS day, learnt, unit, sector, $sums
    FROM placed
    GROUP BY half, learnt, unit, sector
),

procedure_half AS MATERIALIZED (
    SELECT half AS day, learnt, sector, procedure, $sums
    FROM placed
    GROUP BY half, learnt, sector, procedure
),

unit_half AS MATERIALIZED (
    SELECT day, learnt, unit, $sums
    FROM channel_half
    GROUP BY day, learnt, unit
)

SELECT 'unit day' AS grain, day, NULL AS learnt, unit, NULL AS channel, NULL AS sector, NULL AS procedure, $sums
FROM placed
GROUP BY day, unit
UNION ALL
SELECT 'unit half', day, learnt, unit, NULL, NULL, NULL, $flows
FROM unit_half
UNION ALL
SELECT 'channel half', day, learnt, unit, channel, NULL, NULL, $flows
FROM channel_half
UNION ALL
SELECT 'sector half', day, learnt, unit, NULL, sector, NULL, $flows
FROM sector_half
UNION ALL
SELECT 'procedure half', day, learnt, NULL, NULL, sector, procedure, $flows
FROM procedure_half
UNION ALL
SELECT 'unit year', cell_year(day), later.learnt, unit, NULL, NULL, NULL, $sums
FROM unit_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
GROUP BY cell_year(day), later.learnt, unit
UNION ALL
SELECT 'channel year', cell_year(day), later.learnt, unit, channel, NULL, NULL, $sums
FROM channel_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
GROUP BY cell_year(day), later.learnt, unit, channel
UNION ALL
SELECT 'sector year', cell_year(day), later.learnt, unit, NULL, sector, NULL, $sums
FROM sector_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
GROUP BY cell_year(day), later.learnt, unit, sector
UNION ALL
SELECT 'procedure year', cell_year(day), later.learnt, NULL, NULL, sector, procedure, $sums
FROM procedure_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
GROUP BY cell_year(day), later.learnt, sector, procedure
UNION ALL
SELECT 'unit procedure year', cell_year(day), later.learnt, unit, NULL, sector, procedure, $sums
FROM placed
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
GROUP BY cell_year(day), later.learnt, unit, sector, procedure
