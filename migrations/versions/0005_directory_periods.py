"""Units and procedures have periods: several for one code, each with a key of its own.

What was described so far becomes one period without bounds. While the release before still runs, it reads as before and
its writes to the directory are refused by the database, which nobody loses anything by: they can be repeated.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("unit", "procedure")


def upgrade() -> None:
    for table in _TABLES:
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.add_column(
            table,
            sa.Column(
                "key",
                sa.BigInteger(),
                sa.Identity(always=True),
                nullable=False,
                comment="of this period, for ever; a code alone may come to mean something else",
            ),
        )
        op.create_primary_key(f"pk_{table}", table, ["key"])
        op.add_column(table, sa.Column("valid_from", sa.Date(), comment="first local day; null: since ever"))
        op.add_column(table, sa.Column("valid_to", sa.Date(), comment="last local day; null: open"))
        op.create_unique_constraint(
            f"uq_{table}_code_valid_from", table, ["code", "valid_from"], postgresql_nulls_not_distinct=True
        )
    op.add_column(
        "unit",
        sa.Column(
            "successors",
            postgresql.JSONB(),
            nullable=False,
            server_default="[]",
            comment="[{code, kind}] of those that took over after valid_to",
        ),
    )
    op.add_column("unit", sa.Column("settings", postgresql.JSONB(), comment="{intake_calendar}"))
    op.add_column(
        "procedure",
        sa.Column(
            "offered_by",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            server_default="{}",
            comment="codes of units; empty: not told",
        ),
    )
    op.create_table(
        "directory_version",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column(
            "units",
            sa.Uuid(),
            nullable=False,
            comment="another one whenever units change, so that readers may remember",
        ),
        sa.PrimaryKeyConstraint("single", name="pk_directory_version"),
    )


def downgrade() -> None:
    """Back to one description for a code: its last one."""
    op.drop_table("directory_version")
    op.drop_column("procedure", "offered_by")
    op.drop_column("unit", "settings")
    op.drop_column("unit", "successors")
    for table in _TABLES:
        op.execute(
            f"DELETE FROM {table} AS one USING {table} AS other WHERE one.code = other.code "  # noqa: S608 - names of this module
            "AND coalesce(one.valid_from, '-infinity') < coalesce(other.valid_from, '-infinity')"
        )
        op.drop_constraint(f"uq_{table}_code_valid_from", table, type_="unique")
        op.drop_column(table, "valid_to")
        op.drop_column(table, "valid_from")
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.drop_column(table, "key")
        op.create_primary_key(f"pk_{table}", table, ["code"])
