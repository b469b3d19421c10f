"""Rules that say who is behind, and the alerts that they raised.

An alert keeps the exact figure that raised it and the one at which the unit had recovered, so that both can be
defended later, whatever becomes of the rule and of the dossiers.
"""

from typing import Any

import sqlalchemy as sa

from app.kit.db import metadata

lagging_rule = sa.Table(
    "lagging_rule",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("window", sa.Text, nullable=False),
    sa.Column("target", sa.Numeric(7, 6), nullable=False, comment="share between 0 and 1"),
    sa.Column("min_denominator", sa.Integer, nullable=False),
    sa.Column("margin", sa.Numeric(7, 6), nullable=False, comment="above the target, to recover"),
)


def _figure(prefix: str, *, nullable: bool) -> "list[sa.Column[Any]]":
    """The columns of one exact figure: which definition, which days, which dossiers, against which target."""
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "definition_version": sa.Integer(),
        "period_from": sa.Date(),
        "period_to": sa.Date(),
        "numerator": sa.BigInteger(),
        "denominator": sa.BigInteger(),
        "target": sa.Numeric(7, 6),
        "computed_through": sa.DateTime(timezone=True),
    }
    return [sa.Column(f"{prefix}{name}", kind, nullable=nullable) for name, kind in kinds.items()]


alert = sa.Table(
    "alert",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="UUIDv7"),
    sa.Column("rule", sa.Text, nullable=False, comment="its key; the rule may be gone"),
    sa.Column("unit", sa.Text, nullable=False, comment="with all units below it"),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("window", sa.Text, nullable=False),
    sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
    *_figure("", nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.Column("closed_as", sa.Text, comment="recovered, expired or withdrawn"),
    *_figure("closing_", nullable=True),
    sa.CheckConstraint("(closed_at IS NULL) = (closed_as IS NULL)", name="closed"),
    # One open alert for a rule and a unit, however many workers judge.
    sa.Index("uq_alert_open", "rule", "unit", unique=True, postgresql_where=sa.text("closed_at IS NULL")),
    sa.Index("ix_alert_unit", "unit", "id"),
)
