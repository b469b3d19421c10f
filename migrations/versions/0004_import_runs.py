"""import runs.

Before you merge this: it runs on a live database under a lock timeout of 5 s. Add columns without a volatile default,
create indexes on large tables in a migration of their own, never rewrite `event`, and keep the code of the release
before working while it runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("receipt", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of the file and of how it is read"),
        sa.Column("file", sa.Text(), nullable=False, comment="its name, for people"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="absent: it broke off, or it is running",
        ),
        sa.PrimaryKeyConstraint("receipt", name=op.f("pk_import_run")),
    )
    op.create_index(
        "ix_import_run_digest",
        "import_run",
        ["digest"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_import_run_digest", table_name="import_run", postgresql_where=sa.text("finished_at IS NULL")
    )
    op.drop_table("import_run")
