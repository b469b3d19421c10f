"""Indexes that find the dossiers to which something happens in the cell that the present instant cuts in two.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for kind in ("supplement", "fee"):
        op.execute(
            sa.text(f"""
CREATE INDEX ix_dossier_{kind}_last ON dossier
((coalesce(upper({kind}_waits), upper('{{(,)}}'::tstzmultirange - {kind}_waits)))) WHERE {kind}_waits <> '{{}}'""")
        )
    op.create_index(
        "ix_dossier_fell_due",
        "dossier",
        ["overdue_from"],
        postgresql_where=sa.text("NOT voided AND (counted_at IS NULL OR counted_at > overdue_from)"),
    )


def downgrade() -> None:
    for name in ("ix_dossier_fell_due", "ix_dossier_fee_last", "ix_dossier_supplement_last"):
        op.drop_index(name, table_name="dossier")
