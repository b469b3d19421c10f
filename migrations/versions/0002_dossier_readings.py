"""What figures read off a dossier: its kind, the intake duty, the portal's clock, the time it took.

Every dossier is folded again under the new rules, so that the defaults stand only until then.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in _columns():
        op.add_column("dossier", column)
    for name in ("full_eligible", "document_result", "repeat_waits", "online_payments"):
        op.alter_column("dossier", name, server_default=None)
    _comment("service_level", sa.Text(), "full, partial or none; the event's, else the procedure's")
    _comment("fee_bearing", sa.Boolean(), "as its events say, else as its procedure; null: unknown")


def downgrade() -> None:
    _comment("fee_bearing", sa.Boolean(), "as its events say; null: they do not say")
    _comment("service_level", sa.Text(), "full, partial or none, where an event says so")
    for column in reversed(_columns()):
        op.drop_column("dossier", column.name)


def _columns() -> list["sa.Column[object]"]:
    return [
        sa.Column("sector", sa.Text(), comment="the procedure's on the day of reception"),
        sa.Column(
            "full_eligible",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="the procedure is eligible for full service",
        ),
        sa.Column(
            "document_result",
            sa.Boolean(),
            nullable=False,
            server_default=sa.true(),
            comment="the procedure yields a document",
        ),
        sa.Column(
            "portal_due",
            _INSTANT,
            comment="as due_original, but moved by supplement pauses only (Decision 766)",
        ),
        sa.Column("portal_overdue_from", _INSTANT, comment="as overdue_from, by portal_due"),
        sa.Column(
            "repeat_waits",
            postgresql.TSTZMULTIRANGE(),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="supplement waits since the second request",
        ),
        sa.Column(
            "intake_deadline",
            _INSTANT,
            comment="null: not filed online, or withdrawn in time before any answer",
        ),
        sa.Column(
            "processing",
            sa.BigInteger(),
            comment="working microseconds from reception to end, net of pauses; null unless processed or returned",
        ),
        sa.Column(
            "online_payments", postgresql.ARRAY(_INSTANT), nullable=False, server_default=sa.text("'{}'")
        ),
    ]


def _comment(name: str, kind: "sa.types.TypeEngine[Any]", comment: str) -> None:
    op.alter_column("dossier", name, existing_type=kind, comment=comment)
