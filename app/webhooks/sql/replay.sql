-- Send again every message since an instant that this endpoint would hear today, in order where it keeps order.
INSERT INTO delivery (endpoint, message, lane, state, attempts, next_attempt_at)
SELECT
    endpoint.id,
    message.seq,
    CASE WHEN endpoint.ordered THEN '/' || coalesce(message.unit, '') ELSE '' END,
    'pending',
    0,
    :now
FROM endpoint
INNER JOIN message
    ON
        message.created_at >= :since
        AND message.type <> :test  -- was meant for one endpoint, once
        AND (endpoint.types IS NULL OR message.type = ANY(endpoint.types))
        AND (endpoint.unit IS NULL OR endpoint.unit = ANY(message.lineage))
        AND (endpoint.unit_limit IS NULL OR endpoint.unit_limit = ANY(message.lineage))
WHERE endpoint.id = :endpoint
ORDER BY message.seq  -- rows are locked in the order in which outcomes are settled, so that the two cannot deadlock
FOR KEY SHARE OF message  -- one that is being forgotten at this moment is waited for, and is gone
ON CONFLICT (endpoint, message) DO UPDATE
    -- What is under way stays with its holder, for it must not be sent beside itself; see settle.sql for what comes of it.
    SET (lane, state, attempts, lease, next_attempt_at) = (
        SELECT
            excluded.lane,
            'pending',
            CASE WHEN is_under_way THEN -1 ELSE 0 END,
            CASE WHEN is_under_way THEN delivery.lease END,
            CASE WHEN is_under_way THEN delivery.next_attempt_at ELSE excluded.next_attempt_at END
        FROM (SELECT delivery.lease IS NOT NULL AND delivery.next_attempt_at > :now AS is_under_way) AS holder
    )
