"""Triggers that note changes for the cells group by hash: sorting by four texts took most of their time.

The planner takes a dossier for hundreds of flows, and would rather sort them than hold a few groups.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for event in ("insert", "update", "delete"):
        op.execute(sa.text(f"ALTER FUNCTION note_cells_on_{event}() SET enable_sort TO off"))


def downgrade() -> None:
    for event in ("insert", "update", "delete"):
        op.execute(sa.text(f"ALTER FUNCTION note_cells_on_{event}() RESET enable_sort"))
