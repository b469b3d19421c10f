"""The register of commitments, and the schemes that administrators wrote; both only ever grow.

A row is one version and is never changed, so that what a unit was judged by can be shown for ever.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.kit.db import metadata

commitment = sa.Table(
    "commitment",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, comment="from 1; a new one supersedes"),
    sa.Column("unit", sa.Text, nullable=False, comment="with all units below it"),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False, comment="its name, such as 2026-Q1"),
    sa.Column("period_from", sa.Date, nullable=False),
    sa.Column("period_to", sa.Date, nullable=False),
    sa.Column("target", sa.Numeric(7, 6), nullable=False, comment="share between 0 and 1"),
    sa.Column("signed_by", sa.Text, nullable=False, comment="an office, not a person"),
    sa.Column("signed_on", sa.Date, nullable=False, comment="in force from this day on"),
    sa.Column("document", sa.Text),
    sa.Column("document_sha256", sa.Text),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False, comment="key id"),
    # Two commitments of one unit for the same metric and days would leave open which of them is owed.
    sa.Index(
        "uq_commitment_first",
        "unit",
        "metric",
        "period_from",
        "period_to",
        unique=True,
        postgresql_where=sa.text("version = 1"),
    ),
)

scheme = sa.Table(
    "scheme",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, comment="from 1"),
    sa.Column("terms", JSONB, nullable=False, comment="as it was written"),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False, comment="key id"),
)
