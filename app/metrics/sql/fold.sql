-- Sum up the oldest changes into the cells of every grain, and forget them: readers see them before or after, never both.
WITH taken AS (
    DELETE FROM cell_delta
    WHERE id IN (SELECT id FROM cell_delta ORDER BY id LIMIT :most)
    RETURNING *
),

added AS (
    INSERT INTO cell AS held ($keys, $flows)
    SELECT $keys, $flows
    FROM (
$grains
    ) AS made
    WHERE $some
    ON CONFLICT ($keys) DO UPDATE SET $adds
)

SELECT count(*) FROM taken
