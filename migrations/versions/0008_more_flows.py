"""Cells also sum ends that were late in the data only, results and other ends by verdict, and eligible receptions.

The cells there are follow other rules from now on: figures are counted from the dossiers until the worker has recounted.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OLD: Final = (
    *("received", "received_full", "received_partial", "received_none", "received_unknown"),
    *("ended_early", "ended_on_time", "ended_late", "ended_undated", "withdrawn", "stopped"),
    *("open", "fell_due", "overdue", "waiting_supplement", "waiting_fee"),
)
_NEW: Final = (
    *("received_eligible", "received_eligible_full", "late_in_data_only"),
    *("finished_early", "finished_on_time", "finished_undated"),
    *("withdrawn_not_late", "stopped_not_late", "intake_refused_not_late"),
)
_KEYS: Final = ("unit", "channel", "sector", "procedure")
_TYPES: Final = "timestamptz, timestamptz, text, text, text, timestamptz, tstzmultirange, tstzmultirange"
_READ: Final = (
    "d.received_at, d.counted_at, d.service_level, d.outcome, d.end_kind, d.overdue_from, "
    "d.supplement_waits, d.fee_waits"
)
_CHANGED: Final = {
    "insert": "SELECT 1 AS sign, * FROM after",
    "delete": "SELECT -1 AS sign, * FROM before",
    "update": "SELECT 1 AS sign, * FROM after UNION ALL SELECT -1 AS sign, * FROM before",
}

# What is new adds to the rows of the reception and of the end; the old function says the rest. Inlined like that one.
_FLOWS: Final = f"""
CREATE FUNCTION dossier_flows(
    received_at timestamptz, ended_at timestamptz, level text, outcome text, end_kind text, overdue_from timestamptz,
    supplement_waits tstzmultirange, fee_waits tstzmultirange, eligible boolean, late_in_data_only boolean
) RETURNS TABLE (at timestamptz, {", ".join(f"{flow} int" for flow in (*_OLD, *_NEW))})
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT flow.*, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM dossier_flows($1, $2, $3, $4, $5, $6, $7, $8) AS flow
    UNION ALL
    SELECT $1, {"0, " * len(_OLD)} 1, ($3 IS NOT DISTINCT FROM 'full')::int, 0, 0, 0, 0, 0, 0, 0
    WHERE $9
    UNION ALL
    SELECT $2, {"0, " * len(_OLD)} 0, 0, $10::int,
           coalesce($4 = 'early' AND $5 IN ('processed', 'returned'), false)::int,
           coalesce($4 = 'on_time' AND $5 IN ('processed', 'returned'), false)::int,
           coalesce($4 = 'undated' AND $5 IN ('processed', 'returned'), false)::int,
           coalesce($4 <> 'late' AND $5 = 'withdrawn', false)::int, coalesce($4 <> 'late' AND $5 = 'stopped', false)::int,
           coalesce($4 <> 'late' AND $5 = 'intake_refused', false)::int
    WHERE $2 IS NOT NULL
$$
"""  # noqa: S608 - the names are this migration's own


def upgrade() -> None:
    for table in ("cell", "cell_delta"):
        for name in _NEW:
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
            op.alter_column(table, name, server_default=None)
    op.execute(sa.text(_FLOWS))
    _note((*_OLD, *_NEW), f"{_READ}, d.full_eligible, d.late_in_data_only")


def downgrade() -> None:
    _note(_OLD, _READ)
    op.execute(sa.text(f"DROP FUNCTION dossier_flows({_TYPES}, boolean, boolean)"))
    for table in ("cell", "cell_delta"):
        for name in reversed(_NEW):
            op.drop_column(table, name)


def _note(flows: Sequence[str], read: str) -> None:
    """Let the triggers note these flows."""
    listed = ", ".join((*_KEYS, *flows))
    keys = ", ".join(f"d.{key}" for key in _KEYS)
    sums = ", ".join(f"sum(d.sign * flow.{flow})" for flow in flows)
    some = " OR ".join(f"sum(d.sign * flow.{flow}) <> 0" for flow in flows)
    for event, changed in _CHANGED.items():
        op.execute(
            sa.text(f"""
CREATE OR REPLACE FUNCTION note_cells_on_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    zone text := (SELECT timezone FROM cell_rules);
BEGIN
    IF zone IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO cell_delta (day, {listed})
    SELECT (flow.at AT TIME ZONE zone)::date, {keys}, {sums}
    FROM ({changed}) AS d
    CROSS JOIN LATERAL dossier_flows({read}) AS flow
    WHERE NOT d.voided AND d.received_at IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
    HAVING {some};
    RETURN NULL;
END
$$""")  # noqa: S608 - the names are this migration's own
        )
