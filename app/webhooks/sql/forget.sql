-- Delete messages of the past with their deliveries and attempts. One that an endpoint still waits for stays, however old.
WITH old AS MATERIALIZED (
    SELECT seq
    FROM message
    WHERE
        created_at < :before
        AND NOT EXISTS (SELECT FROM delivery WHERE delivery.message = message.seq AND delivery.state = 'pending')
    ORDER BY created_at
    LIMIT :most
    FOR UPDATE SKIP LOCKED  -- another worker forgets it, or a replay is sending it again at this moment
),

heard AS (
    DELETE FROM delivery
    USING old
    WHERE delivery.message = old.seq
)

DELETE FROM message
USING old
WHERE message.seq = old.seq
