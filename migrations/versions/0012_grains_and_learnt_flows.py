"""Cells by unit alone and by years, and flows of what is learnt later: results, payments, apologies, answers.

All cells are made anew by the worker; until then figures are counted from the dossiers. `dossier_flows` of earlier
shapes stay: the release before asks them while this runs, and its triggers come back with them on the way down.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OLD_FLOWS: Final = (
    *("received", "received_full", "received_partial", "received_none", "received_unknown"),
    *("ended_early", "ended_on_time", "ended_late", "ended_undated", "withdrawn", "stopped"),
    *("open", "fell_due", "overdue", "waiting_supplement", "waiting_fee"),
    *("received_eligible", "received_eligible_full", "late_in_data_only"),
    *("finished_early", "finished_on_time", "finished_undated"),
    *("withdrawn_not_late", "stopped_not_late", "intake_refused_not_late"),
)
_OLD_INPUTS: Final = (
    *("received_at", "counted_at", "service_level", "outcome", "end_kind", "overdue_from"),
    *("supplement_waits", "fee_waits", "full_eligible", "late_in_data_only"),
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
)
_KEYS: Final = ("unit", "channel", "sector", "procedure")
_INPUTS: Final = {
    "unit": "text",
    "channel": "text",
    "received_at": "timestamptz",
    "counted_at": "timestamptz",
    "service_level": "text",
    "outcome": "text",
    "end_kind": "text",
    "overdue_from": "timestamptz",
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
_CHANGED: Final = {
    "insert": "SELECT 1 AS sign, * FROM after",
    "delete": "SELECT -1 AS sign, * FROM before",
    "update": "SELECT 1 AS sign, * FROM after UNION ALL SELECT -1 AS sign, * FROM before",
}
_READ: Final = (*_INPUTS, "sector", "procedure", "voided")
# Who folds a dossier again to what it was changes nothing, and should cost next to nothing.
_REALLY_CHANGED: Final = {
    **_CHANGED,
    "update": f"""
        SELECT d.* FROM after FULL JOIN before ON before.code = after.code
        CROSS JOIN LATERAL (
            VALUES (1, {", ".join(f"after.{name}" for name in _READ)}), (-1, {", ".join(f"before.{name}" for name in _READ)})
        ) AS d (sign, {", ".join(_READ)})
        WHERE ({", ".join(f"after.{name}" for name in _READ)})
            IS DISTINCT FROM ({", ".join(f"before.{name}" for name in _READ)})
    """,  # noqa: S608 - as below
}


def _row(at: str, where: str, *, learnt: str = "NULL::timestamptz", source: str = "", **flows: str) -> str:
    """One row of `dossier_flows`. What is not true of a dossier, or not known, adds nothing."""
    known = {"unit": "$unit", "channel": "$channel"} | {
        key: flows.pop(key) for key in ("unit", "channel") if key in flows
    }
    values = ", ".join(
        flow if (flow := flows.get(name, "0")).lstrip("-").isdigit() else f"coalesce(({flow})::int, 0)"
        for name in _FLOWS
    )
    return f"SELECT {at}, {learnt}, {known['unit']}, {known['channel']}, {values} {source} WHERE {where}"


_RECEIVED: Final = "$received_at IS NOT NULL"
_OPEN_AFTER: Final = "($counted_at IS NULL OR $counted_at > {})"
_KEPT: Final = "$apology_at <= $apology_deadline"
_FINISHED: Final = "$end_kind IN ('processed', 'returned')"
_LATE_AT_RECEPTION: Final = f"$overdue_from < $received_at AND {_OPEN_AFTER.format('$received_at')}"
_LATE_AT_END: Final = "$overdue_from < $counted_at AND $received_at < $counted_at"
_ALIVE: Final = (
    "tstzmultirange(tstzrange($received_at, greatest($counted_at, CASE WHEN $counted_at < $received_at THEN "
    "$received_at END), '(]'))"
)

# Whatever is true of a dossier "after A, up to and including B" is a flow of one at A and of minus one at B: before an
# instant E more has begun than ended exactly if A < E <= B. What counts once something else is learnt too stands in a
# row of its own that says when. Written to be inlined: one SELECT, immutable, not strict.
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
        open="1",
        overdue=_LATE_AT_RECEPTION,
        overdue_apologised=f"{_LATE_AT_RECEPTION} AND $apology_at < $received_at",
        overdue_apologised_in_time=f"{_LATE_AT_RECEPTION} AND $apology_at < $received_at AND {_KEPT}",
    ),
    _row(
        "$received_at",
        f"{_RECEIVED} AND $electronic_result_at IS NOT NULL AND $document_result AND $channel = 'online'",
        learnt="$electronic_result_at",
        received_online_with_result="1",
    ),
    _row(
        "$received_at",
        f"{_RECEIVED} AND $paid_online_at IS NOT NULL AND $fee_bearing",
        learnt="$paid_online_at",
        received_fee_paid_online="1",
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
        "$counted_at",
        f"{_RECEIVED} AND $counted_at IS NOT NULL AND $outcome = 'late' AND $apology_at IS NOT NULL",
        learnt="$apology_at",
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
        "$apology_at",
        f"$apology_at > $overdue_from AND $apology_at >= $received_at AND {_OPEN_AFTER.format('$apology_at')}",
        overdue_apologised="1",
        overdue_apologised_in_time=_KEPT,
    ),
    _row(
        "edge.at",
        "edge.at IS NOT NULL",
        source=f"""
    FROM (
        SELECT unnest($supplement_waits * {_ALIVE}), 1, 0 WHERE $supplement_waits <> '{{}}'
        UNION ALL
        SELECT unnest($fee_waits * {_ALIVE}), 0, 1 WHERE $fee_waits <> '{{}}'
    ) AS wait (span, supplement, fee)
    CROSS JOIN LATERAL (VALUES (lower(wait.span), 1), (upper(wait.span), -1)) AS edge (at, n)""",
        waiting_supplement="edge.n * wait.supplement",
        waiting_fee="edge.n * wait.fee",
    ),
    _row(
        "payment.at",
        _RECEIVED,
        learnt="$received_at",
        source="FROM unnest($online_payments) AS payment (at)",
        paid_online="1",
    ),
    _row(
        "$submitted_at",
        "$submitted_at IS NOT NULL AND $intake_deadline IS NOT NULL",
        learnt="least($intake_answered_at, $intake_deadline)",
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
RETURNS TABLE (at timestamptz, learnt_at timestamptz, unit text, channel text, {", ".join(f"{flow} int" for flow in _FLOWS)})
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    {_numbered(" UNION ALL ".join(_ROWS))}
$$
"""


def upgrade() -> None:
    _remake((*_KEYS,), _FLOWS, learnt=True)
    op.execute(sa.text(_DOSSIER_FLOWS))
    op.execute(sa.text("DROP FUNCTION cell_grains"))
    _note(
        _FLOWS,
        inputs=_INPUTS,
        keys="flow.unit, flow.channel, d.sector, d.procedure",
        learnt=True,
    )


def downgrade() -> None:
    _remake((*_KEYS,), _OLD_FLOWS, learnt=False)
    types = ", ".join(_INPUTS.values())
    op.execute(sa.text(f"DROP FUNCTION dossier_flows({types})"))
    op.execute(
        sa.text("""
CREATE FUNCTION cell_grains(day date, sector text, procedure text)
RETURNS TABLE (name text, first date, sector_key text, procedure_key text) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES ('day', $1, NULL, NULL),
           ('half', cell_half($1), NULL, NULL),
           ('year', cell_year($1), NULL, NULL),
           ('sector', cell_half($1), $2, NULL),
           ('procedure', cell_half($1), $2, $3)
$$""")
    )
    _note(
        _OLD_FLOWS,
        inputs=_OLD_INPUTS,
        keys=", ".join(f"d.{key}" for key in _KEYS),
        learnt=False,
    )


def _remake(keys: Sequence[str], flows: Sequence[str], *, learnt: bool) -> None:
    """Tables of cells for these flows, empty; and no rules, so that nobody asks them before they are counted."""
    op.execute(sa.text("DELETE FROM cell_rules"))
    op.drop_table("cell_delta")
    op.drop_table("cell")
    told = (
        "unit, channel, sector, procedure or unit procedure, and year, half or day"
        if learnt
        else "day, half, year; sector and procedure: halves by these too"
    )
    op.create_table(
        "cell",
        sa.Column("grain", sa.Text(), nullable=False, comment=told),
        sa.Column("day", sa.Date(), nullable=False, comment="the first local day"),
        *_columns(keys, flows, learnt=learnt),
    )
    op.create_index(
        "uq_cell",
        "cell",
        ["grain", "day", *keys, *(("learnt",) if learnt else ())],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    for key in ("procedure", "sector"):
        if learnt:
            condition = sa.text(f"{key} IS NOT NULL")
            op.create_index(f"ix_cell_{key}", "cell", [key, "grain", "day"], postgresql_where=condition)
        else:
            condition = sa.text(f"grain = '{key}'")
            op.create_index(f"ix_cell_{key}", "cell", [key, "day"], postgresql_where=condition)
    if learnt:
        op.create_index("ix_cell_unit", "cell", ["unit", "grain", "day"])
    op.create_table(
        "cell_delta",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *_columns(keys, flows, learnt=learnt),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell_delta")),
        comment="what changes of dossiers add to the cells; figures count it, and it is summed up soon",
    )


def _columns(keys: Sequence[str], flows: Sequence[str], *, learnt: bool) -> Iterator["sa.Column[object]"]:
    for name in keys:
        yield sa.Column(name, sa.Text())
    for name in flows:
        yield sa.Column(name, sa.Integer(), nullable=False)
    if learnt:
        yield sa.Column("learnt", sa.Date())


def _note(flows: Sequence[str], *, inputs: Sequence[str] | dict[str, str], keys: str, learnt: bool) -> None:
    """Let the triggers note these flows."""
    sums = ", ".join(f"sum(d.sign * flow.{flow})" for flow in flows)
    some = " OR ".join(f"sum(d.sign * flow.{flow}) <> 0" for flow in flows)
    day = "(flow.at AT TIME ZONE zone)::date"
    # What is learnt by the end of the day on which it counts needs no row of its own.
    later = ", CASE WHEN (flow.learnt_at AT TIME ZONE zone)::date > {0} THEN (flow.learnt_at AT TIME ZONE zone)::date END"
    listed = ", ".join(("day", *_KEYS, *(("learnt",) if learnt else ()), *flows))
    grouped = ", ".join(str(n) for n in range(1, 7 if learnt else 6))
    taking_part = "NOT d.voided" if learnt else "NOT d.voided AND d.received_at IS NOT NULL"
    for event, changed in (_REALLY_CHANGED if learnt else _CHANGED).items():
        op.execute(
            sa.text(f"""
CREATE OR REPLACE FUNCTION note_cells_on_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    zone text := (SELECT timezone FROM cell_rules);
BEGIN
    IF zone IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO cell_delta ({listed})
    SELECT {day}, {keys}{later.format(day) if learnt else ""}, {sums}
    FROM ({changed}) AS d
    CROSS JOIN LATERAL dossier_flows({", ".join(f"d.{name}" for name in inputs)}) AS flow
    WHERE {taking_part}
    GROUP BY {grouped}
    HAVING {some};
    RETURN NULL;
END
$$""")  # noqa: S608 - the names are this migration's own
        )
