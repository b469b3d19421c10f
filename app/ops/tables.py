"""What the operation of the service leaves in the database.

Signs of life only; no fact and no figure.
"""

import sqlalchemy as sa

from app.kit.db import metadata

heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
)
