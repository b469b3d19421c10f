"""Endpoints, the outbox of messages, their deliveries and every attempt.

A message and its deliveries are written in the transaction of the fact they tell; nothing here knows what that fact is.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.kit.db import metadata

endpoint = sa.Table(
    "endpoint",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, comment="UUIDv7"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, comment="hears of this unit and all below it; null: of everything"),
    sa.Column("types", ARRAY(sa.Text), comment="null: every type"),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column(
        "ordered", sa.Boolean, nullable=False, comment="a unit's next message waits for the one before"
    ),
    sa.Column("secret", sa.LargeBinary, nullable=False, comment="encrypted"),
    sa.Column("previous_secret", sa.LargeBinary, comment="encrypted; signs too until previous_secret_until"),
    sa.Column("previous_secret_until", sa.DateTime(timezone=True)),
    sa.Column(
        "failing_since", sa.DateTime(timezone=True), comment="the first failure since the last success"
    ),
    sa.Column("disabled_at", sa.DateTime(timezone=True)),
    sa.Column("disabled_reason", sa.Text, comment="requested, gone (410) or failing (five days)"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("created_by", sa.Text, nullable=False, comment="key id"),
    sa.Column(
        "unit_limit",
        sa.Text,
        comment="of that key: a message from outside is not sent, wherever units move later",
    ),
    # So that a message finds the few who hear it among all that are registered.
    sa.Index("ix_endpoint_unit", "unit", postgresql_where=sa.text("disabled_at IS NULL")),
)

message = sa.Table(
    "message",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("id", sa.Uuid, nullable=False, unique=True, comment="UUIDv7; webhook-id is msg_ and its hex"),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("unit", sa.Text),
    sa.Column(
        "lineage", ARRAY(sa.Text), nullable=False, comment="the unit, its parent and so on, as it stood then"
    ),
    sa.Column("body", sa.Text, nullable=False, comment="exactly as sent and signed"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("ix_message_created_at", "created_at"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("endpoint", sa.Uuid, sa.ForeignKey(endpoint.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("message", sa.BigInteger, sa.ForeignKey(message.c.seq), primary_key=True),
    # Never null, because no index is known to be sorted behind "IS NULL".
    sa.Column(
        "lane", sa.Text, nullable=False, comment="'' not ordered; '/' and the unit: in order with its like"
    ),
    sa.Column("state", sa.Text, nullable=False),
    # -1 when it was retried or replayed while an attempt is under way, which does not count.
    sa.Column("attempts", sa.Integer, nullable=False, comment="since it was put, retried or replayed"),
    sa.Column("lease", sa.Uuid, comment="the attempt under way"),
    sa.Column(
        "next_attempt_at",
        sa.DateTime(timezone=True),
        nullable=False,
        comment="under a lease: its end, when the delivery is due again by itself",
    ),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed', 'cancelled')", name="state"),
    # Only what waits is indexed, so that a million past deliveries cost a claim nothing. The first index finds the
    # endpoints that wait and what is due at one of them, the second the head of each lane.
    sa.Index(
        "ix_delivery_waiting",
        "endpoint",
        "lane",
        "next_attempt_at",
        "message",
        postgresql_where=sa.text("state = 'pending'"),
    ),
    sa.Index(
        "ix_delivery_lane",
        "endpoint",
        "lane",
        "message",
        postgresql_include=["next_attempt_at"],
        postgresql_where=sa.text("state = 'pending' AND lane > ''"),
    ),
    # For forgetting old messages, whose deliveries must be found and seen to be gone.
    sa.Index("ix_delivery_message", "message"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("endpoint", sa.Uuid, primary_key=True),
    sa.Column("message", sa.BigInteger, primary_key=True),
    sa.Column("lease", sa.Uuid, primary_key=True, comment="one lease, one attempt"),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("status", sa.Integer, comment="of HTTP, where one was read"),
    sa.Column("error", sa.Text, comment="why there was no whole answer"),
    sa.Column("excerpt", sa.Text, nullable=False, comment="the first 2 kB of the answer"),
    sa.ForeignKeyConstraint(
        ["endpoint", "message"], [delivery.c.endpoint, delivery.c.message], ondelete="CASCADE"
    ),
)
