-- Every cell anew from the dossiers.
WITH flow AS NOT MATERIALIZED (
    SELECT (at AT TIME ZONE :zone)::date AS day, unit, channel, sector, procedure, $flow_columns
    FROM dossier
    CROSS JOIN LATERAL dossier_flows(
        received_at, counted_at, service_level, outcome, end_kind, overdue_from, supplement_waits, fee_waits,
        full_eligible, dossier.late_in_data_only
    ) AS flow
    WHERE NOT voided AND received_at IS NOT NULL
),

by_day AS MATERIALIZED (
    SELECT day, unit, channel, $sums
    FROM flow
    GROUP BY day, unit, channel
),

by_procedure AS MATERIALIZED (
    SELECT cell_half(day) AS day, unit, channel, sector, procedure, $sums
    FROM flow
    GROUP BY cell_half(day), unit, channel, sector, procedure
)

SELECT 'day' AS grain, day, unit, channel, NULL AS sector, NULL AS procedure, $flows
FROM by_day
UNION ALL
SELECT 'half', cell_half(day), unit, channel, NULL, NULL, $sums
FROM by_day
GROUP BY cell_half(day), unit, channel
UNION ALL
SELECT 'year', cell_year(day), unit, channel, NULL, NULL, $sums
FROM by_day
GROUP BY cell_year(day), unit, channel
UNION ALL
SELECT 'sector', day, unit, channel, sector, NULL, $sums
FROM by_procedure
GROUP BY day, unit, channel, sector
UNION ALL
SELECT 'procedure', day, unit, channel, sector, procedure, $flows
FROM by_procedure
