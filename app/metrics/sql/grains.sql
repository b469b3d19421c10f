-- The cells of every grain that changes make (day, learnt, unit, channel, sector, procedure and flows). The changes are
-- read once; years are summed from halves but where there are none. By days nothing is told apart that was learnt later.
WITH placed AS (
    SELECT
        day, cell_half(day) AS half, cell_year(day) AS year,
        CASE WHEN cell_half(learnt) > cell_half(day) THEN cell_half(learnt) END AS learnt,
        CASE WHEN cell_year(learnt) > cell_year(day) THEN cell_half(learnt) END AS learnt_later,
        unit, channel, sector, procedure, $flows
    FROM $changes AS changed
),

finest AS MATERIALIZED (
    SELECT
        CASE
            WHEN grouping(day) = 0 THEN 'unit day'
            WHEN grouping(year) = 0 THEN 'unit procedure year'
            WHEN grouping(channel) = 0 THEN 'channel half'
            WHEN grouping(unit) = 0 THEN 'sector half'
            ELSE 'procedure half'
        END AS grain,
        coalesce(day, year, half) AS day, coalesce(learnt, learnt_later) AS learnt, unit, channel, sector, procedure, $sums
    FROM placed
    GROUP BY GROUPING SETS (
        (day, unit), (half, learnt, unit, channel), (half, learnt, unit, sector), (half, learnt, sector, procedure),
        (year, learnt_later, unit, sector, procedure)
    )
),

unit_half AS MATERIALIZED (
    SELECT day, learnt, unit, $sums
    FROM finest
    WHERE grain = 'channel half'
    GROUP BY day, learnt, unit
)

SELECT $keys, $flows
FROM finest
UNION ALL
SELECT 'unit half', day, learnt, unit, NULL, NULL, NULL, $flows
FROM unit_half
UNION ALL
SELECT 'unit year', cell_year(day), later.learnt, unit, NULL, NULL, NULL, $sums
FROM unit_half
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
GROUP BY cell_year(day), later.learnt, unit
UNION ALL
SELECT
    CASE grain WHEN 'channel half' THEN 'channel year' WHEN 'sector half' THEN 'sector year' ELSE 'procedure year' END,
    cell_year(day), later.learnt, unit, channel, sector, procedure, $sums
FROM finest
CROSS JOIN LATERAL (SELECT CASE WHEN cell_year(learnt) > cell_year(day) THEN learnt END) AS later (learnt)
WHERE grain IN ('channel half', 'sector half', 'procedure half')
GROUP BY grain, cell_year(day), later.learnt, unit, channel, sector, procedure
