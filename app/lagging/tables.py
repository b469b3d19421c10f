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
    sa.Column("target", sa.Numeric(7, 6), comment="share between 0 and 1; null: each unit's commitment"),
    sa.Column("min_denominator", sa.Integer, nullable=False),
    sa.Column("margin", sa.Numeric(7, 6), nullable=False, comment="above the target, to recover"),
    sa.Column("hold", sa.Integer, nullable=False, server_default="0", comment="working days"),
    sa.Column("repeat_after", sa.Integer, comment="working days; null: never"),
    sa.Column("escalate_after", sa.Integer, comment="working days; null: never"),
    sa.Column("warns", sa.Boolean, nullable=False, server_default=sa.false(), comment="of units at risk"),
)

pending = sa.Table(
    "lagging_pending",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("toward", sa.Text, nullable=False, comment="raise or recover"),
    sa.Column("since", sa.Date, nullable=False, comment="local day since which every judgement said so"),
    sa.Column("begins", sa.Date, nullable=False, comment="first day of the window it was said of"),
)

notice = sa.Table(
    "notice",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True, comment="the message's type"),
    sa.Column("subject", sa.Text, primary_key=True, comment="a unit, a dossier or a source"),
    sa.Column("day", sa.Date, primary_key=True, comment="the local day it speaks of"),
    sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
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
    sa.Column("level", sa.Text, nullable=False, server_default="lagging", comment="lagging or at_risk"),
    sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
    *_figure("", nullable=False),
    sa.Column("commitment", sa.Text, comment="whose target it is; null: the rule's own"),
    sa.Column("commitment_version", sa.Integer),
    sa.Column("told_on", sa.Date, comment="local day of the last unit.lagging; null: of raised_at"),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "escalations", sa.Integer, nullable=False, server_default="0", comment="units above told so far"
    ),
    sa.Column("escalated_on", sa.Date),
    sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
    sa.Column("acknowledged_by", sa.Text, comment="key id"),
    sa.Column("note", sa.Text),
    sa.Column("action_plan", sa.Text),
    sa.Column("muted_until", sa.Date, comment="no message about it up to and including this local day"),
    sa.Column("muted_by", sa.Text, comment="key id"),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.Column("closed_as", sa.Text, comment="recovered, expired or withdrawn"),
    *_figure("closing_", nullable=True),
    sa.CheckConstraint("(closed_at IS NULL) = (closed_as IS NULL)", name="closed"),
    # One open alert of a level for a rule and a unit, however many workers judge.
    sa.Index(
        "uq_alert_open", "rule", "unit", "level", unique=True, postgresql_where=sa.text("closed_at IS NULL")
    ),
    sa.Index("ix_alert_unit", "unit", "id"),
)
