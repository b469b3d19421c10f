-- Put the recounted cells in the place of those that differ; what is right already is left alone.
WITH recounted AS MATERIALIZED (
$recount
),

told AS (
    SELECT grain, day, unit, channel, sector, procedure, $flows
    FROM recounted
    UNION ALL
    SELECT grain, day, unit, channel, sector, procedure, $zeros
    FROM (
        SELECT grain, day, unit, channel, sector, procedure FROM cell WHERE $some
        EXCEPT
        SELECT grain, day, unit, channel, sector, procedure FROM recounted
    ) AS gone
)

INSERT INTO cell AS held (grain, day, unit, channel, sector, procedure, $flows)
SELECT grain, day, unit, channel, sector, procedure, $flows
FROM told
ON CONFLICT (grain, day, unit, channel, sector, procedure) DO UPDATE SET $puts
WHERE (held.*) IS DISTINCT FROM (excluded.*)
