"""What the operation of the service leaves in the database.

Signs of life and counters only; no fact and no figure.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.kit.db import metadata

heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column(
        "counters", JSONB, nullable=False, server_default="[]", comment="its Prometheus counters at that time"
    ),
)
