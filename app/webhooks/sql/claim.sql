-- Take a lease on deliveries that are due, a few of each endpoint, so that a backlog of one hides nothing of another.
-- The cost grows with the endpoints that have something waiting, not with their backlogs nor with what is past.
WITH RECURSIVE waiting AS (
    -- Skips from endpoint to endpoint through the index of what waits. It begins after the last endpoint served, so
    -- that the first of many cannot take every turn. The order is spelt out down to the index, because the primary key
    -- has endpoints in order too, but with all that is past between them.
    (
        SELECT endpoint
        FROM delivery
        WHERE state = 'pending' AND endpoint > :after
        ORDER BY endpoint, lane, next_attempt_at
        LIMIT 1
    )
    UNION ALL
    SELECT following.endpoint
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT endpoint
        FROM delivery
        WHERE state = 'pending' AND endpoint > waiting.endpoint
        ORDER BY endpoint, lane, next_attempt_at
        LIMIT 1
    ) AS following
),

busy AS (
    SELECT endpoint, under_way
    FROM unnest(CAST(:busy AS uuid[]), CAST(:under_way AS integer[])) AS given (endpoint, under_way)
),

due AS MATERIALIZED (
    SELECT waiting.endpoint, candidate.message
    FROM waiting
    INNER JOIN endpoint ON waiting.endpoint = endpoint.id
    LEFT JOIN busy ON waiting.endpoint = busy.endpoint
    CROSS JOIN LATERAL (
        -- No lane: whatever is due, the longest waiting first. What is leased or waits for its next try is not due.
        (
            SELECT message
            FROM delivery
            WHERE
                delivery.endpoint = waiting.endpoint
                AND state = 'pending'
                AND lane = ''
                AND next_attempt_at <= :now
            ORDER BY next_attempt_at, message
            LIMIT :share
        )
        UNION ALL
        -- A lane: its oldest message alone. While that one is under way or waits for its next try it is not due, and
        -- nothing behind it is looked at.
        (
            WITH RECURSIVE head AS (
                (
                    SELECT lane, message, next_attempt_at
                    FROM delivery
                    WHERE delivery.endpoint = waiting.endpoint AND state = 'pending' AND lane > ''
                    ORDER BY lane, message
                    LIMIT 1
                )
                UNION ALL
                SELECT following.lane, following.message, following.next_attempt_at
                FROM head
                CROSS JOIN LATERAL (
                    SELECT lane, message, next_attempt_at
                    FROM delivery
                    WHERE
                        delivery.endpoint = waiting.endpoint
                        AND state = 'pending'
                        AND lane > ''  -- follows from the next line, but the planner must be told to use the lanes' index
                        AND lane > head.lane
                    ORDER BY lane, message
                    LIMIT 1
                ) AS following
            )

            SELECT message
            FROM head
            WHERE next_attempt_at <= :now
            ORDER BY next_attempt_at, message  -- else the first lanes of many would take every turn
            LIMIT :share
        )
        LIMIT greatest(0, :share - coalesce(busy.under_way, 0))  -- no more at once than one endpoint's share
    ) AS candidate
    WHERE
        endpoint.disabled_at IS NULL  -- put while the endpoint was being disabled: it waits until enabled again
        -- Endpoints in trouble, and those that are a burden, have a room of their own.
        AND (endpoint.failing_since IS NOT NULL OR waiting.endpoint = ANY(CAST(:heavy AS uuid[]))) = :failing
    LIMIT :room
),

mine AS (
    -- Lateral and limited, so that the planner can only look the few rows up by their key: what it knows of a queue is
    -- always of yesterday, and other ways cost the square of the backlog.
    SELECT due.endpoint, due.message
    FROM due
    CROSS JOIN LATERAL (
        SELECT delivery.state, delivery.next_attempt_at
        FROM delivery
        WHERE delivery.endpoint = due.endpoint AND delivery.message = due.message
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED  -- another worker is leasing or settling it at this moment
    ) AS locked
    -- Asked again of the locked row, because another worker may have leased or settled it since our snapshot.
    WHERE locked.state = 'pending' AND locked.next_attempt_at <= :now
)

UPDATE delivery
SET
    lease = gen_random_uuid(),
    next_attempt_at = :until,
    attempts = greatest(delivery.attempts, 0)  -- asked for again while a worker held it that died: this is the first
FROM mine
INNER JOIN endpoint ON mine.endpoint = endpoint.id
INNER JOIN message ON mine.message = message.seq
WHERE delivery.endpoint = mine.endpoint AND delivery.message = mine.message
RETURNING
    delivery.endpoint,
    delivery.message,
    delivery.lease,
    delivery.attempts,
    message.id,
    message.body,
    endpoint.url,
    endpoint.secret,
    CASE WHEN endpoint.previous_secret_until > :now THEN endpoint.previous_secret END AS previous_secret
