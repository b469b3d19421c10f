-- What every dossier adds to the cells.
SELECT
    (flow.at AT TIME ZONE :zone)::date AS day, (flow.since_at AT TIME ZONE :zone)::date AS since,
    flow.unit, flow.channel, dossier.sector, dossier.procedure, $flow_columns
FROM dossier
CROSS JOIN LATERAL dossier_flows($inputs) AS flow
WHERE NOT dossier.voided
