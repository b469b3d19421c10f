-- Cells that, with what is not summed up yet, are not what a recount finds; each flow by how much there is too many.
WITH recounted AS (
$recount
),

compared AS (
    SELECT grain, day, unit, channel, sector, procedure, $flows
    FROM cell
    UNION ALL
    SELECT grain.name, grain.first, unit, channel, grain.sector_key, grain.procedure_key, $flows
    FROM cell_delta
    CROSS JOIN LATERAL cell_grains(cell_delta.day, cell_delta.sector, cell_delta.procedure) AS grain
    UNION ALL
    SELECT grain, day, unit, channel, sector, procedure, $negated
    FROM recounted
)

SELECT grain, day, unit, channel, sector, procedure, $sums
FROM compared
GROUP BY grain, day, unit, channel, sector, procedure
HAVING $some_sums
ORDER BY grain, day, unit, channel, sector, procedure
