"""Indexes for many endpoints and a long past: who hears of a unit, and which deliveries a message had.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_endpoint_unit", "endpoint", ["unit"], postgresql_where=sa.text("disabled_at IS NULL"))
    op.create_index("ix_delivery_message", "delivery", ["message"])


def downgrade() -> None:
    op.drop_index("ix_delivery_message", table_name="delivery")
    op.drop_index("ix_endpoint_unit", table_name="endpoint")
