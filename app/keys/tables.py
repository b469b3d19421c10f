"""API keys as they are stored: a hash, never the key.

This module knows nothing of routes.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.kit.db import metadata

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True, comment="SHA-256 of the key"),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("unit", sa.Text, comment="limits the key to this unit and all below it"),
    sa.Column("sources", ARRAY(sa.Text), comment="event sources that the key may speak for; null: any"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
)
