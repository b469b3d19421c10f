"""What counts once a second thing has happened stands in the cells of that thing, with the half of the first.

The counts that turn on two deadlines have flows, too. All cells are counted anew by the worker; until then figures are counted from the dossiers. `dossier_flows` of the earlier
shape stays: its triggers come back with it on the way down.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | Sequence[str] | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ADDED: Final = (
    *("received_dated", "received_undated", "received_late", "received_fell_late"),
    *("due", "due_kept", "due_at_reception", "due_kept_at_reception"),
    *("waiting_overdue", "waiting_fell_overdue"),
)
_FLOWS: Final = (
    *("received", "received_online", "received_counter", "received_post"),
    *("received_full", "received_partial", "received_none", "received_unknown"),
    *("received_full_online", "received_eligible", "received_eligible_full_online"),
    *("received_online_with_result", "received_fee", "received_fee_unknown", "received_fee_paid_online"),
    *("ended_early", "ended_on_time", "ended_late", "ended_undated", "withdrawn", "stopped"),
    *("ended_late_apologised", "ended_late_apologised_in_time", "late_in_data_only"),
    *("finished_early", "finished_on_time", "finished_undated"),
    *("withdrawn_not_late", "stopped_not_late", "intake_refused_not_late"),
    *("open", "overdue", "overdue_apologised", "overdue_apologised_in_time"),
    *("fell_due", "fell_due_apologised", "fell_due_apologised_in_time"),
    *("waiting_supplement", "waiting_fee", "paid_online", "submitted", "submitted_answered_in_time"),
    *_ADDED,
)
_INPUTS: Final = {
    "unit": "text",
    "channel": "text",
    "received_at": "timestamptz",
    "counted_at": "timestamptz",
    "ended_at": "timestamptz",
    "service_level": "text",
    "outcome": "text",
    "end_kind": "text",
    "due_original": "timestamptz",
    "overdue_from": "timestamptz",
    "portal_due": "timestamptz",
    "portal_overdue_from": "timestamptz",
    "repeat_waits": "tstzmultirange",
    "supplement_waits": "tstzmultirange",
    "fee_waits": "tstzmultirange",
    "full_eligible": "boolean",
    "document_result": "boolean",
    "electronic_result_at": "timestamptz",
    "fee_bearing": "boolean",
    "paid_online_at": "timestamptz",
    "online_payments": "timestamptz[]",
    "apology_at": "timestamptz",
    "apology_deadline": "timestamptz",
    "late_in_data_only": "boolean",
    "submitted_unit": "text",
    "submitted_at": "timestamptz",
    "intake_answered_at": "timestamptz",
    "intake_deadline": "timestamptz",
}
_READ: Final = (*_INPUTS, "sector", "procedure", "voided")
_BEFORE, _AFTER = (", ".join(f"{side}.{name}" for name in _READ) for side in ("before", "after"))
# Who folds a dossier again to what it was changes nothing, and should cost next to nothing.
_CHANGED: Final = {
    "insert": "SELECT 1 AS sign, * FROM after",
    "delete": "SELECT -1 AS sign, * FROM before",
    "update": f"""
        SELECT d.* FROM after FULL JOIN before ON before.code = after.code
        CROSS JOIN LATERAL (VALUES (1, {_AFTER}), (-1, {_BEFORE})) AS d (sign, {", ".join(_READ)})
        WHERE ({_AFTER}) IS DISTINCT FROM ({_BEFORE})
    """,  # noqa: S608 - the names are this migration's own
}


def _row(at: str, where: str, *, since: str = "NULL::timestamptz", source: str = "", **flows: str) -> str:
    """One row of `dossier_flows`. What is not true of a dossier, or not known, adds nothing."""
    known = {"unit": "$unit", "channel": "$channel"} | {
        key: flows.pop(key) for key in ("unit", "channel") if key in flows
    }
    values = ", ".join(
        flow if (flow := flows.get(name, "0")).lstrip("-").isdigit() else f"coalesce(({flow})::int, 0)"
        for name in _FLOWS
    )
    return f"SELECT {at}, {since}, {known['unit']}, {known['channel']}, {values} {source} WHERE {where}"


_RECEIVED: Final = "$received_at IS NOT NULL"
_OPEN_AFTER: Final = "($counted_at IS NULL OR $counted_at > {})"
_KEPT: Final = "$apology_at <= $apology_deadline"
_FINISHED: Final = "$end_kind IN ('processed', 'returned')"
_LATE_AT_RECEPTION: Final = f"$overdue_from < $received_at AND {_OPEN_AFTER.format('$received_at')}"
_LATE_AT_END: Final = "$overdue_from < $counted_at AND $received_at < $counted_at"
_DUE_KEPT: Final = "$outcome IN ('early', 'on_time')"
_ALIVE: Final = (
    "tstzmultirange(tstzrange($received_at, greatest($counted_at, CASE WHEN $counted_at < $received_at THEN "
    "$received_at END), '(]'))"
)
_AFTER_IT: Final = "tstzmultirange(tstzrange({}, NULL, '()'))"
_EDGES: Final = "CROSS JOIN LATERAL (VALUES (lower({0}), 1), (upper({0}), -1)) AS edge (at, n)"

# Decision 766/QĐ-TTg: late once overdue by the portal's clock, or waiting again, while open; and ended after its date.
_BY_PORTAL: Final = f"{_RECEIVED} AND $portal_due IS NOT NULL"
_NEVER_AGAIN: Final = f"{_BY_PORTAL} AND $repeat_waits = '{{}}'"
_ENDED_LATE: Final = "coalesce($ended_at > $portal_due, false)"
_OPEN_LATE: Final = "coalesce($portal_overdue_from < $counted_at AND $received_at < $counted_at, false)"
_LATE_TO_PORTAL: Final = f"""
    FROM unnest(
        ($repeat_waits + CASE WHEN $portal_overdue_from IS NULL THEN '{{}}'
            ELSE {_AFTER_IT.format("$portal_overdue_from")} END) * {_ALIVE}
        + CASE WHEN {_ENDED_LATE} AND $counted_at IS NOT NULL THEN {_AFTER_IT.format("$counted_at")} ELSE '{{}}' END
    ) AS late (span)
    {_EDGES.format("late.span")}"""
_WAITS: Final = f"""
    FROM (
        SELECT unnest($supplement_waits * {_ALIVE}), 1, 0, 0 WHERE $supplement_waits <> '{{}}'
        UNION ALL
        SELECT unnest($supplement_waits * {_ALIVE} * {_AFTER_IT.format("$overdue_from")}), 0, 1, 0
        WHERE $supplement_waits <> '{{}}' AND $overdue_from IS NOT NULL
        UNION ALL
        SELECT unnest($fee_waits * {_ALIVE}), 0, 0, 1 WHERE $fee_waits <> '{{}}'
    ) AS wait (span, supplement, overdue, fee)
    {_EDGES.format("wait.span")}"""
# What begins by a deadline, and not by a fact, has a flow of its own: deadlines lie ahead, facts do not.
_BY_DEADLINE: Final = "(edge.n = 1 AND edge.at = {})"

# Whatever is true of a dossier "after A, up to and including B" is a flow of one at A and of minus one at B: before an
# instant E more has begun than ended exactly if A < E <= B. What counts by its own instant once a second thing has
# happened is a flow at the later of the two, and `since` is the first. Written to be inlined: one SELECT, immutable,
# not strict.
_ROWS: Final = (
    _row(
        "$received_at",
        _RECEIVED,
        received="1",
        **{f"received_{channel}": f"$channel = '{channel}'" for channel in ("online", "counter", "post")},
        **{f"received_{level}": f"$service_level = '{level}'" for level in ("full", "partial", "none")},
        received_unknown="$service_level IS NULL",
        received_full_online="$service_level = 'full' AND $channel = 'online'",
        received_eligible="$full_eligible",
        received_eligible_full_online="$full_eligible AND $service_level = 'full' AND $channel = 'online'",
        received_online_with_result="$channel = 'online' AND NOT $document_result",
        received_fee="$fee_bearing",
        received_fee_unknown="$fee_bearing IS NULL",
        received_dated="$portal_due IS NOT NULL",
        received_undated="$portal_due IS NULL",
        received_late=(
            f"{_NEVER_AGAIN} AND $portal_overdue_from < $received_at AND {_OPEN_AFTER.format('$received_at')}"
        ),
        open="1",
        overdue=_LATE_AT_RECEPTION,
        overdue_apologised=f"{_LATE_AT_RECEPTION} AND $apology_at < $received_at",
        overdue_apologised_in_time=f"{_LATE_AT_RECEPTION} AND $apology_at < $received_at AND {_KEPT}",
    ),
    _row(
        "greatest($received_at, $electronic_result_at)",
        f"{_RECEIVED} AND $electronic_result_at IS NOT NULL AND $document_result AND $channel = 'online'",
        since="$received_at",
        received_online_with_result="1",
    ),
    _row(
        "greatest($received_at, $paid_online_at)",
        f"{_RECEIVED} AND $paid_online_at IS NOT NULL AND $fee_bearing",
        since="$received_at",
        received_fee_paid_online="1",
    ),
    _row(
        "$portal_overdue_from",
        f"{_NEVER_AGAIN} AND $portal_overdue_from >= $received_at AND {_OPEN_AFTER.format('$portal_overdue_from')}",
        since="$received_at",
        received_fell_late="1",
    ),
    _row(
        "$counted_at",
        f"{_NEVER_AGAIN} AND $counted_at IS NOT NULL AND {_ENDED_LATE} <> {_OPEN_LATE}",
        since="$received_at",
        received_late=f"CASE WHEN {_ENDED_LATE} THEN 1 ELSE -1 END",
    ),
    _row(
        "edge.at",
        f"{_BY_PORTAL} AND $repeat_waits <> '{{}}' AND edge.at IS NOT NULL",
        since="$received_at",
        source=_LATE_TO_PORTAL,
        received_late=f"CASE WHEN {_BY_DEADLINE.format('$portal_overdue_from')} THEN 0 ELSE edge.n END",
        received_fell_late=_BY_DEADLINE.format("$portal_overdue_from"),
    ),
    _row(
        "$counted_at",
        f"{_RECEIVED} AND $counted_at IS NOT NULL",
        **{
            f"ended_{outcome}": f"$outcome = '{outcome}'"
            for outcome in ("early", "on_time", "late", "undated")
        },
        withdrawn="$end_kind = 'withdrawn'",
        stopped="$end_kind = 'stopped'",
        late_in_data_only="$late_in_data_only",
        **{
            f"finished_{outcome}": f"$outcome = '{outcome}' AND {_FINISHED}"
            for outcome in ("early", "on_time", "undated")
        },
        **{
            f"{kind}_not_late": f"$end_kind = '{kind}' AND $outcome <> 'late'"
            for kind in ("withdrawn", "stopped", "intake_refused")
        },
        open="-1",
        overdue=f"-({_LATE_AT_END})::int",
        overdue_apologised=f"-({_LATE_AT_END} AND $apology_at < $counted_at)::int",
        overdue_apologised_in_time=f"-({_LATE_AT_END} AND $apology_at < $counted_at AND {_KEPT})::int",
    ),
    _row(
        "greatest($counted_at, $apology_at)",
        f"{_RECEIVED} AND $counted_at IS NOT NULL AND $outcome = 'late' AND $apology_at IS NOT NULL",
        since="$counted_at",
        ended_late_apologised="1",
        ended_late_apologised_in_time=_KEPT,
    ),
    _row(
        "$overdue_from",
        f"$overdue_from >= $received_at AND {_OPEN_AFTER.format('$overdue_from')}",
        fell_due="1",
        fell_due_apologised="$apology_at <= $overdue_from",
        fell_due_apologised_in_time=f"$apology_at <= $overdue_from AND {_KEPT}",
    ),
    _row(
        "$overdue_from",
        "$overdue_from >= $received_at",
        since="$due_original",
        due="1",
        due_kept=_DUE_KEPT,
    ),
    _row(
        "$received_at",
        "$overdue_from < $received_at",
        since="$due_original",
        due_at_reception="1",
        due_kept_at_reception=_DUE_KEPT,
    ),
    _row(
        "$apology_at",
        f"$apology_at > $overdue_from AND $apology_at >= $received_at AND {_OPEN_AFTER.format('$apology_at')}",
        overdue_apologised="1",
        overdue_apologised_in_time=_KEPT,
    ),
    _row(
        "edge.at",
        "edge.at IS NOT NULL",
        source=_WAITS,
        waiting_supplement="edge.n * wait.supplement",
        waiting_overdue=f"CASE WHEN {_BY_DEADLINE.format('$overdue_from')} THEN 0 ELSE edge.n * wait.overdue END",
        waiting_fell_overdue=f"CASE WHEN {_BY_DEADLINE.format('$overdue_from')} THEN wait.overdue ELSE 0 END",
        waiting_fee="edge.n * wait.fee",
    ),
    _row(
        "greatest(payment.at, $received_at)",
        _RECEIVED,
        since="payment.at",
        source="FROM unnest($online_payments) AS payment (at)",
        paid_online="1",
    ),
    _row(
        "greatest($submitted_at, least($intake_answered_at, $intake_deadline))",
        "$submitted_at IS NOT NULL AND $intake_deadline IS NOT NULL",
        since="$submitted_at",
        unit="$submitted_unit",
        channel="'online'",
        submitted="1",
        submitted_answered_in_time="$intake_answered_at <= $intake_deadline",
    ),
)


def _numbered(sql: str) -> str:
    """Inputs as $1, $2, …, since their names are those of columns too; the longest first."""
    for number, name in sorted(enumerate(_INPUTS, 1), key=lambda named: -len(named[1])):
        sql = sql.replace(f"${name}", f"${number}")
    return sql


_DOSSIER_FLOWS: Final = f"""
CREATE FUNCTION dossier_flows({", ".join(_INPUTS.values())})
RETURNS TABLE (at timestamptz, since_at timestamptz, unit text, channel text, {", ".join(f"{flow} int" for flow in _FLOWS)})
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    {_numbered(" UNION ALL ".join(_ROWS))}
$$
"""

# Noted by the halves that cells tell apart, so that most of what a dossier does in one day stays one row.
_DAY: Final = "(flow.at AT TIME ZONE zone)::date"
_HALF: Final = "cell_half((flow.since_at AT TIME ZONE zone)::date)"
_NOTE: Final = f"""
CREATE OR REPLACE FUNCTION note_cells_on_{{event}}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    zone text := (SELECT timezone FROM cell_rules);
BEGIN
    IF zone IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO cell_delta (day, unit, channel, sector, procedure, since, {", ".join(_FLOWS)})
    SELECT {_DAY}, flow.unit, flow.channel, d.sector, d.procedure, CASE WHEN {_HALF} < cell_half({_DAY}) THEN {_HALF} END,
        {", ".join(f"sum(d.sign * flow.{flow})" for flow in _FLOWS)}
    FROM ({{changed}}) AS d
    CROSS JOIN LATERAL dossier_flows({", ".join(f"d.{name}" for name in _INPUTS)}) AS flow
    WHERE NOT d.voided
    GROUP BY 1, 2, 3, 4, 5, 6
    HAVING {" OR ".join(f"sum(d.sign * flow.{flow}) <> 0" for flow in _FLOWS)};
    RETURN NULL;
END
$$"""  # noqa: S608 - the names are this migration's own


_GRAINS: Final = "unit, channel, sector, procedure or unit procedure, and year, half or day"


def upgrade() -> None:
    _empty()
    for table in ("cell", "cell_delta"):
        op.alter_column(table, "learnt", new_column_name="since")
        for flow in _ADDED:
            op.add_column(table, sa.Column(flow, sa.Integer(), nullable=False))
    op.alter_column(
        "cell", "grain", comment="all, or unit and channel, sector or procedure; and year, half or day"
    )
    op.execute(sa.text(_DOSSIER_FLOWS))
    for event, changed in _CHANGED.items():
        op.execute(sa.text(_NOTE.format(event=event, changed=changed)))


def downgrade() -> None:
    _empty()
    for table in ("cell", "cell_delta"):
        for flow in _ADDED:
            op.drop_column(table, flow)
        op.alter_column(table, "since", new_column_name="learnt")
    op.alter_column("cell", "grain", comment=_GRAINS)
    op.execute(sa.text(f"DROP FUNCTION dossier_flows({', '.join(_INPUTS.values())})"))
    before = _migration("0012_grains_and_learnt_flows.py")
    keys = "flow.unit, flow.channel, d.sector, d.procedure"
    before._note(before._FLOWS, inputs=before._INPUTS, keys=keys, learnt=True)  # noqa: SLF001 - what it did is done again


def _empty() -> None:
    """No cells, and no rules, so that nobody asks them before they are counted."""
    op.execute(sa.text("DELETE FROM cell_rules"))
    op.execute(sa.text("TRUNCATE cell, cell_delta"))


def _migration(name: str) -> ModuleType:
    """Another migration, by the name of its file."""
    spec = importlib.util.spec_from_file_location("before", Path(__file__).with_name(name))
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{name} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
