"""Indexes that find the dossiers whose deadline lies in some hours: ended ones too, and by the portal's clock.

The last fact of a dossier knows the waits since its second supplement request, too.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | Sequence[str] | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FACTS: Final = (
    *("received_at", "counted_at", "submitted_at", "least(intake_answered_at, intake_deadline)"),
    *(
        "electronic_result_at",
        "apology_at",
        "online_payments[cardinality(online_payments)]",
        "paid_online_at",
    ),
)


def upgrade() -> None:
    _last_fact("supplement_waits", "repeat_waits", "fee_waits")
    op.create_index(
        "ix_dossier_overdue_from", "dossier", ["overdue_from"], postgresql_where=sa.text("NOT voided")
    )
    op.create_index(
        "ix_dossier_portal_overdue_from",
        "dossier",
        ["portal_overdue_from"],
        postgresql_where=sa.text("NOT voided AND portal_overdue_from IS DISTINCT FROM overdue_from"),
    )


def downgrade() -> None:
    for name in ("ix_dossier_portal_overdue_from", "ix_dossier_overdue_from"):
        op.drop_index(name, table_name="dossier")
    _last_fact("supplement_waits", "fee_waits")


def _last_fact(*waits: str) -> None:
    """The index of the last instant at which something happened to a dossier, its waits among it."""
    edges = (f"coalesce(upper({kind}), upper('{{(,)}}'::tstzmultirange - {kind}))" for kind in waits)
    op.drop_index("ix_dossier_last_fact", table_name="dossier")
    op.execute(
        sa.text(f"CREATE INDEX ix_dossier_last_fact ON dossier (greatest({', '.join((*_FACTS, *edges))}))")
    )
