"""A mark says which generation of it is being folded, so that letting go of thousands needs no join.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "dossier_mark",
        sa.Column("claimed", sa.BigInteger(), nullable=True, comment="the generation that is being folded"),
    )


def downgrade() -> None:
    op.drop_column("dossier_mark", "claimed")
