-- Sum up the oldest changes into the cells of every grain, and forget them: readers see them before or after, never both.
WITH taken AS (
    DELETE FROM cell_delta
    WHERE id IN (SELECT id FROM cell_delta ORDER BY id LIMIT :most)
    RETURNING *
),

added AS (
    INSERT INTO cell AS held (grain, day, unit, channel, sector, procedure, $flows)
    SELECT grain.name, grain.first, unit, channel, grain.sector_key, grain.procedure_key, $sums
    FROM taken
    CROSS JOIN LATERAL cell_grains(taken.day, taken.sector, taken.procedure) AS grain
    GROUP BY grain.name, grain.first, unit, channel, grain.sector_key, grain.procedure_key
    HAVING $some_sums
    ON CONFLICT (grain, day, unit, channel, sector, procedure) DO UPDATE SET $adds
)

SELECT count(*) FROM taken
