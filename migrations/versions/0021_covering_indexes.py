"""Indexes that hold all that procedures by unit and urgent dossiers are counted by, so that no dossier is read for it.

That of procedures also finds the last end of each unit's dossiers of one.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OPEN: Final = "ended_at IS NULL AND NOT voided"


def upgrade() -> None:
    _replaced("ix_dossier_unit_received_at", ["unit", "received_at"], ["procedure", "voided"])
    _replaced("ix_dossier_procedure", ["procedure", "unit", "counted_at"], None)
    _replaced(
        "ix_dossier_overdue_from_open",
        ["overdue_from"],
        ["unit", "submitted_unit", "received_at", "apology_at"],
        where=_OPEN,
    )
    op.create_index(
        "ix_dossier_apology_deadline_open",
        "dossier",
        ["apology_deadline"],
        postgresql_include=["unit", "submitted_unit", "received_at"],
        postgresql_where=sa.text(f"{_OPEN} AND apology_at IS NULL"),
    )
    op.create_index(
        "ix_dossier_unit_paid_online",
        "dossier",
        ["unit", "procedure", "paid_online_at"],
        postgresql_include=["received_at"],
        postgresql_where=sa.text("NOT voided AND paid_online_at IS NOT NULL"),
    )
    op.create_index(
        "ix_dossier_unit_paid_again",
        "dossier",
        ["unit", "procedure", sa.text("(online_payments[cardinality(online_payments)])")],
        postgresql_where=sa.text("NOT voided AND cardinality(online_payments) > 1"),
    )


def downgrade() -> None:
    for name in ("unit_paid_again", "unit_paid_online", "apology_deadline_open"):
        op.drop_index(f"ix_dossier_{name}", table_name="dossier")
    _replaced("ix_dossier_overdue_from_open", ["overdue_from"], None, where=_OPEN)
    _replaced("ix_dossier_procedure", ["procedure"], None)
    _replaced("ix_dossier_unit_received_at", ["unit", "received_at"], None)


def _replaced(name: str, columns: list[str], include: list[str] | None, where: str | None = None) -> None:
    """The index of this name over other columns; nobody is without it for longer than it takes to make it."""
    op.drop_index(name, table_name="dossier")
    condition = None if where is None else sa.text(where)
    op.create_index(name, "dossier", columns, postgresql_include=include, postgresql_where=condition)
