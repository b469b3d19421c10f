"""Cells: what dossiers did, summed by days, and the triggers that keep them equal to the dossier table.

`dossier_flows()` is the one place that says what a dossier adds to the cells; triggers, recount and readers call it.
Cells are counted for the first time by the worker; until then figures are counted from the dossiers.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS: Final = ("unit", "channel", "sector", "procedure")
FLOWS: Final = (
    "received",
    "received_full",
    "received_partial",
    "received_none",
    "received_unknown",
    "ended_early",
    "ended_on_time",
    "ended_late",
    "ended_undated",
    "withdrawn",
    "stopped",
    "open",
    "fell_due",
    "overdue",
    "waiting_supplement",
    "waiting_fee",
)
_LIST: Final = ", ".join((*KEYS, *FLOWS))

# Whatever is true of a dossier "after A, up to and including B" is a flow of one at A and of minus one at B: before an
# instant E more has begun than ended exactly if A < E <= B. All parts of a life are of this form, (received, ended].
# Written to be inlined: one SELECT, immutable, not strict.
_DOSSIER_FLOWS: Final = """
CREATE FUNCTION dossier_flows(
    received_at timestamptz, ended_at timestamptz, level text, outcome text, end_kind text,
    overdue_from timestamptz, supplement_waits tstzmultirange, fee_waits tstzmultirange
) RETURNS TABLE (
    at timestamptz, received int, received_full int, received_partial int, received_none int, received_unknown int,
    ended_early int, ended_on_time int, ended_late int, ended_undated int, withdrawn int, stopped int,
    open int, fell_due int, overdue int, waiting_supplement int, waiting_fee int
) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT $1, 1, ($3 IS NOT DISTINCT FROM 'full')::int, ($3 IS NOT DISTINCT FROM 'partial')::int,
           ($3 IS NOT DISTINCT FROM 'none')::int, ($3 IS NULL)::int,
           0, 0, 0, 0, 0, 0, 1, 0,
           coalesce($6 < $1 AND ($2 IS NULL OR $2 > $1), false)::int, 0, 0
    UNION ALL
    SELECT $2, 0, 0, 0, 0, 0,
           ($4 IS NOT DISTINCT FROM 'early')::int, ($4 IS NOT DISTINCT FROM 'on_time')::int,
           ($4 IS NOT DISTINCT FROM 'late')::int, ($4 IS NOT DISTINCT FROM 'undated')::int,
           ($5 IS NOT DISTINCT FROM 'withdrawn')::int, ($5 IS NOT DISTINCT FROM 'stopped')::int,
           -1, 0, -coalesce($6 < $2 AND $1 < $2, false)::int, 0, 0
    WHERE $2 IS NOT NULL
    UNION ALL
    SELECT $6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0
    WHERE $6 >= $1 AND ($2 IS NULL OR $6 < $2)
    UNION ALL
    SELECT edge.at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, edge.n * wait.supplement, edge.n * wait.fee
    FROM (
        SELECT unnest($7 * tstzmultirange(tstzrange($1, greatest($2, CASE WHEN $2 < $1 THEN $1 END), '(]'))), 1, 0
        WHERE $7 <> '{}'
        UNION ALL
        SELECT unnest($8 * tstzmultirange(tstzrange($1, greatest($2, CASE WHEN $2 < $1 THEN $1 END), '(]'))), 0, 1
        WHERE $8 <> '{}'
    ) AS wait (span, supplement, fee)
    CROSS JOIN LATERAL (VALUES (lower(wait.span), 1), (upper(wait.span), -1)) AS edge (at, n)
    WHERE edge.at IS NOT NULL
$$
"""

# Halves begin on the 1st and the 15th: months of both calendars are two of them.
_GRAINS: Final = (
    """
CREATE FUNCTION cell_half(day date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT $1 - (extract(DAY FROM $1)::int - CASE WHEN extract(DAY FROM $1) < 15 THEN 1 ELSE 15 END)
$$""",
    """
CREATE FUNCTION cell_year(day date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT make_date(extract(YEAR FROM $1)::int, 1, 1)
$$""",
    """
CREATE FUNCTION cell_grains(day date, sector text, procedure text)
RETURNS TABLE (name text, first date, sector_key text, procedure_key text) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES ('day', $1, NULL, NULL),
           ('half', cell_half($1), NULL, NULL),
           ('year', cell_year($1), NULL, NULL),
           ('sector', cell_half($1), $2, NULL),
           ('procedure', cell_half($1), $2, $3)
$$""",
)

# The days of a dossier's waits, its reception and its end before the change are taken back, those after it are added;
# what did not change cancels out, and is not written.
_NOTE: Final = f"""
    INSERT INTO cell_delta (day, {_LIST})
    SELECT (flow.at AT TIME ZONE zone)::date, {", ".join(f"d.{key}" for key in KEYS)},
           {", ".join(f"sum(d.sign * flow.{flow})" for flow in FLOWS)}
    FROM ({{changed}}) AS d
    CROSS JOIN LATERAL dossier_flows(
        d.received_at, d.counted_at, d.service_level, d.outcome, d.end_kind, d.overdue_from,
        d.supplement_waits, d.fee_waits
    ) AS flow
    WHERE NOT d.voided AND d.received_at IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
    HAVING {" OR ".join(f"sum(d.sign * flow.{flow}) <> 0" for flow in FLOWS)};
"""  # noqa: S608 - the names are this migration's own


def upgrade() -> None:
    op.create_table(
        "cell",
        sa.Column(
            "grain",
            sa.Text(),
            nullable=False,
            comment="day, half, year; sector and procedure: halves by these too",
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="the first local day"),
        *_columns(),
    )
    op.create_index(
        "uq_cell",
        "cell",
        ["grain", "day", "unit", "channel", "sector", "procedure"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_cell_procedure",
        "cell",
        ["procedure", "day"],
        postgresql_where=sa.text("grain = 'procedure'"),
    )
    op.create_index("ix_cell_sector", "cell", ["sector", "day"], postgresql_where=sa.text("grain = 'sector'"))
    op.create_table(
        "cell_delta",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell_delta")),
        comment="what changes of dossiers add to the cells; figures count it, and it is summed up soon",
    )
    op.create_table(
        "cell_rules",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of flows and grains"),
        sa.Column("timezone", sa.Text(), nullable=False, comment="whose days the cells hold"),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_cell_rules")),
        comment="what the cells are counted by; without a row there are none",
    )
    for function in (_DOSSIER_FLOWS, *_GRAINS):
        op.execute(sa.text(function))
    for event, changed, tables in (
        ("insert", "SELECT 1 AS sign, * FROM after", "NEW TABLE AS after"),
        ("delete", "SELECT -1 AS sign, * FROM before", "OLD TABLE AS before"),
        (
            "update",
            "SELECT 1 AS sign, * FROM after UNION ALL SELECT -1 AS sign, * FROM before",
            "OLD TABLE AS before NEW TABLE AS after",
        ),
    ):
        op.execute(
            sa.text(f"""
CREATE FUNCTION note_cells_on_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    zone text := (SELECT timezone FROM cell_rules);
BEGIN
    IF zone IS NULL THEN
        RETURN NULL;
    END IF;
    {_NOTE.format(changed=changed)}
    RETURN NULL;
END
$$""")  # noqa: S608 - as above
        )
        op.execute(
            sa.text(f"""
CREATE TRIGGER cells_on_{event} AFTER {event} ON dossier REFERENCING {tables}
FOR EACH STATEMENT EXECUTE FUNCTION note_cells_on_{event}()""")
        )


def downgrade() -> None:
    for event in ("insert", "delete", "update"):
        op.execute(sa.text(f"DROP TRIGGER cells_on_{event} ON dossier"))
        op.execute(sa.text(f"DROP FUNCTION note_cells_on_{event}()"))
    for function in ("cell_grains", "cell_year", "cell_half", "dossier_flows"):
        op.execute(sa.text(f"DROP FUNCTION {function}"))
    op.drop_table("cell_rules")
    op.drop_table("cell_delta")
    op.drop_table("cell")


def _columns() -> Iterator["sa.Column[object]"]:
    for name in KEYS:
        yield sa.Column(name, sa.Text())
    for name in FLOWS:
        yield sa.Column(name, sa.Integer(), nullable=False)
