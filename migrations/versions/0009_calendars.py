"""Versions of calendars, and the queue of those that came in force.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "calendar_version",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "terms",
            postgresql.JSONB(),
            nullable=False,
            comment="effective date, source document, days and week, as written",
        ),
        sa.Column("written_at", _INSTANT, nullable=False),
        sa.Column("in_force_at", _INSTANT, comment="null: a draft; afterwards nothing of it changes"),
        sa.Column("in_force_by", sa.Text(), comment="name of the key that put it in force"),
        sa.PrimaryKeyConstraint("key", "number", name=op.f("pk_calendar_version")),
    )
    op.create_table(
        "calendar_change",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False, comment="the first local day that really differs"),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column(
            "through",
            sa.Text(),
            comment="dossiers up to this code are marked where they differ; null: not begun",
        ),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_calendar_change")),
    )

    _comment_changes("unit, procedure or intake")


def downgrade() -> None:
    _comment_changes("unit or procedure")
    op.drop_table("calendar_change")
    op.drop_table("calendar_version")


def _comment_changes(comment: str) -> None:
    op.alter_column(
        "directory_change", "kind", existing_type=sa.Text(), existing_nullable=False, comment=comment
    )
