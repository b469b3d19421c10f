-- Add to the cells what a recount of the dossiers finds more or less than there is; what is right already is left alone.
-- In the order of their index, so that those of one question lie on a few pages: it takes a third of the time to read them.
INSERT INTO cell AS held ($keys, $flows)
SELECT $keys, $sums
FROM (
    SELECT $keys, $negated
    FROM cell
    UNION ALL
    SELECT $keys, $flows
    FROM (
$recount
    ) AS recounted
) AS compared
GROUP BY $keys
HAVING $some_sums
ORDER BY grain, day, unit, channel, sector, procedure, since
ON CONFLICT ($keys) DO UPDATE SET $adds
