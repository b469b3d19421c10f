-- Record attempts, and what follows for their deliveries and endpoints.
WITH outcome AS (
    SELECT *
    FROM
        unnest(
            CAST(:endpoint AS uuid[]),
            CAST(:message AS bigint[]),
            CAST(:lease AS uuid[]),
            CAST(:at AS timestamptz[]),
            CAST(:duration_ms AS integer[]),
            CAST(:status AS integer[]),
            CAST(:error AS text[]),
            CAST(:excerpt AS text[]),
            CAST(:delivered AS boolean[]),
            CAST(:next_attempt_at AS timestamptz[])
        ) AS given (
            endpoint, message, lease, at, duration_ms, status, error, excerpt, delivered, next_attempt_at
        )
),

known AS (
    -- Locked in one order, so that two workers cannot deadlock. An endpoint deleted meanwhile took its deliveries with it.
    -- A delivery that was cancelled, or asked for again (attempts < 0), since its attempt began has no use for a failure
    -- of that: the endpoint may have been mended and enabled in between.
    SELECT
        outcome.*,
        outcome.delivered OR (delivery.state = 'pending' AND delivery.attempts >= 0) AS counts
    FROM delivery
    INNER JOIN outcome ON delivery.endpoint = outcome.endpoint AND delivery.message = outcome.message
    ORDER BY delivery.endpoint, delivery.message
    FOR NO KEY UPDATE OF delivery
),

logged AS (
    -- Every attempt, also one that came back after its lease was lost. The same outcome twice (a commit whose answer was
    -- lost) is one attempt.
    INSERT INTO attempt (endpoint, message, lease, at, duration_ms, status, error, excerpt)
    SELECT endpoint, message, lease, at, duration_ms, status, error, excerpt
    FROM known
    ON CONFLICT DO NOTHING
),

settled AS (
    -- Only the holder of the lease decides: a late result must not undo what a later attempt found.
    UPDATE delivery
    SET
        state = CASE
            WHEN known.delivered THEN 'delivered'
            WHEN delivery.state <> 'pending' THEN delivery.state  -- cancelled while it was under way
            WHEN known.counts AND known.next_attempt_at IS NULL THEN 'failed'
            ELSE 'pending'
        END,
        attempts = delivery.attempts + 1,
        lease = NULL,
        next_attempt_at = CASE
            WHEN delivery.attempts < 0 THEN CAST(:now AS timestamptz)
            ELSE coalesce(known.next_attempt_at, delivery.next_attempt_at)
        END
    FROM known
    WHERE delivery.endpoint = known.endpoint AND delivery.message = known.message AND delivery.lease = known.lease
    RETURNING delivery.endpoint, known.at, known.delivered, known.status, known.counts
),

health AS (
    SELECT endpoint, min(at) AS at, bool_or(delivered) AS is_well, bool_or(status IS NOT DISTINCT FROM 410) AS is_gone
    FROM settled
    WHERE counts
    GROUP BY endpoint
)

UPDATE endpoint
SET
    failing_since = CASE WHEN NOT health.is_well THEN coalesce(endpoint.failing_since, health.at) END,
    disabled_at = CASE WHEN verdict.reason IS NOT NULL THEN CAST(:now AS timestamptz) END,
    disabled_reason = coalesce(verdict.reason, endpoint.disabled_reason)
FROM health
INNER JOIN endpoint AS before ON health.endpoint = before.id
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN health.is_gone THEN 'gone'
            WHEN NOT health.is_well AND before.failing_since <= CAST(:given_up AS timestamptz) THEN 'failing'
        END AS reason
) AS verdict
WHERE
    endpoint.id = health.endpoint
    AND endpoint.disabled_at IS NULL
    -- Most attempts change nothing about their endpoint, and then its row is not written.
    AND (verdict.reason IS NOT NULL OR health.is_well = (endpoint.failing_since IS NOT NULL))
RETURNING endpoint.id, verdict.reason
