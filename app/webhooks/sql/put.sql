-- A message and its deliveries, in the caller's transaction: they exist when its fact does, and not before.
WITH put AS (
    INSERT INTO message (id, type, unit, lineage, body, created_at)
    VALUES (:id, :type, :unit, CAST(:lineage AS text[]), :body, :now)
    RETURNING seq, unit
)
INSERT INTO delivery (endpoint, message, lane, state, attempts, next_attempt_at)
SELECT
    endpoint.id,
    put.seq,
    CASE WHEN endpoint.ordered THEN '/' || coalesce(put.unit, '') ELSE '' END,
    'pending',
    0,
    :now
FROM put
CROSS JOIN endpoint
WHERE
    endpoint.disabled_at IS NULL
    AND (endpoint.types IS NULL OR :type = ANY(endpoint.types))
    AND (endpoint.unit IS NULL OR endpoint.unit = ANY(CAST(:lineage AS text[])))
    AND (endpoint.unit_limit IS NULL OR endpoint.unit_limit = ANY(CAST(:lineage AS text[])))
