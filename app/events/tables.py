"""The log of facts, the marks it leaves on dossiers, and the records of calls and rejections.

The log is append-only and the only truth; nothing here is derived, and nothing here knows what a dossier looks like.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.kit.db import metadata

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="dossier code"),
    sa.Column("time", sa.DateTime(timezone=True), nullable=False, comment="happened_at, told by the source"),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="of type, subject, time and data"),
    sa.Column(
        "recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when this service stored it"
    ),
    sa.Column("receipt", sa.Uuid, nullable=False),
    sa.Column("unit_limit", sa.Text, comment="unit that the sending key was limited to"),
    sa.Column("traceparent", sa.Text),
    sa.Column("sequence", sa.Text),
    sa.UniqueConstraint("source", "id"),
    sa.Index("ix_event_subject", "subject"),
    sa.Index("ix_event_time_recorded_at", "time", "recorded_at", postgresql_using="brin"),
    sa.Index("ix_event_unit_limit", "unit_limit", postgresql_where=sa.text("unit_limit IS NOT NULL")),
)

dossier_mark = sa.Table(
    "dossier_mark",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column(
        "generation", sa.BigInteger, nullable=False, comment="grows with every new reason to fold again"
    ),
    sa.Column(
        "since", sa.DateTime(timezone=True), nullable=False, comment="of the oldest reason not yet folded"
    ),
    sa.Column("lease", sa.Uuid, comment="who is folding it"),
    sa.Column("claimed", sa.BigInteger, comment="the generation that is being folded"),
    sa.Column(
        "leased_until", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("'-infinity'")
    ),
    sa.Index("ix_dossier_mark_since", "since"),
    # Rows live for milliseconds: room for updates in place, and a vacuum that does not wait for a share of the table.
    postgresql_with={
        "fillfactor": "50",
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "20000",
        "autovacuum_vacuum_cost_delay": "0",
    },
)

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("receipt", sa.Uuid, primary_key=True),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("duplicate", sa.Integer, nullable=False),
    sa.Column("rejected", sa.Integer, nullable=False),
    sa.Column("results", JSONB, nullable=False, comment="what was not accepted, the first 1,000"),
)

rejected_event = sa.Table(
    "rejected_event",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("receipt", sa.Uuid, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column(
        "envelope", JSONB, nullable=False, comment="id, source, type, subject, time as sent; never data"
    ),
    sa.Column("errors", JSONB, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="of the bytes as sent"),
    sa.Index("ix_rejected_event_recorded_at", "recorded_at"),
)
