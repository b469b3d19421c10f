"""An index that tells since when a procedure bears a fee: from its first dossier that does.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_dossier_fee_bearing",
        "dossier",
        ["procedure", "received_at"],
        postgresql_where=sa.text("fee_bearing AND NOT voided"),
    )


def downgrade() -> None:
    op.drop_index("ix_dossier_fee_bearing", table_name="dossier")
