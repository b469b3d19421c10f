"""Which files are being imported, so that a run that broke off goes on where it stopped.

How far a run came stands in its receipt, which grows in the very transaction that stores its events.
"""

import sqlalchemy as sa

from app.kit.db import metadata

import_run = sa.Table(
    "import_run",
    metadata,
    sa.Column("receipt", sa.Uuid, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="of the file and of how it is read"),
    sa.Column("file", sa.Text, nullable=False, comment="its name, for people"),
    sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("finished_at", sa.DateTime(timezone=True), comment="absent: it broke off, or it is running"),
    sa.Index("ix_import_run_digest", "digest", postgresql_where=sa.text("finished_at IS NULL")),
)
