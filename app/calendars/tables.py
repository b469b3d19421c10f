"""Versions of calendars that administrators write, and which of them came in force since dossiers were last folded.

What ships with the product is no row here: `worktime` has it.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.kit.db import metadata

calendar_version = sa.Table(
    "calendar_version",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column(
        "terms", JSONB, nullable=False, comment="effective date, source document, days and week, as written"
    ),
    sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column(
        "in_force_at", sa.DateTime(timezone=True), comment="null: a draft; afterwards nothing of it changes"
    ),
    sa.Column("in_force_by", sa.Text, comment="name of the key that put it in force"),
)

calendar_change = sa.Table(
    "calendar_change",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("first_day", sa.Date, nullable=False, comment="the first local day that really differs"),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column(
        "through", sa.Text, comment="dossiers up to this code are marked where they differ; null: not begun"
    ),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
)
