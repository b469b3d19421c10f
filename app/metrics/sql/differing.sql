-- Cells that, with what is not summed up yet, are not what a recount finds; each flow by how much there is too many.
SELECT $keys, $sums
FROM (
    SELECT $keys, $flows
    FROM cell
    UNION ALL
    SELECT $keys, $flows
    FROM (
$pending
    ) AS pending
    UNION ALL
    SELECT $keys, $negated
    FROM (
$recount
    ) AS recounted
) AS compared
GROUP BY $keys
HAVING $some_sums
ORDER BY $keys
