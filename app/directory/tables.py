"""Units and procedures as their publishers describe them, and which of them changed since dossiers were last folded.

Facts do not wait for these tables: an event may name a unit or a procedure that is not in them yet.
"""

import sqlalchemy as sa

from app.kit.db import metadata

unit = sa.Table(
    "unit",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent", sa.Text, comment="a code; the parent itself may come later"),
    sa.Index("ix_unit_parent", "parent"),
)

procedure = sa.Table(
    "procedure",
    metadata,
    sa.Column("code", sa.Text, primary_key=True, comment="canonical: the first two groups"),
    sa.Column("raw_code", sa.Text, nullable=False, comment="as it was published"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text),
    sa.Column("sector", sa.Text, nullable=False),
    sa.Column("service_level", sa.Text, nullable=False),
    sa.Column("fee_required", sa.Boolean, nullable=False),
    sa.Column("full_eligible", sa.Boolean, nullable=False),
    sa.Column("document_result", sa.Boolean, nullable=False),
    sa.Column("duration_value", sa.Integer),
    sa.Column("duration_unit", sa.Text),
    sa.Column("fee_stops_clock", sa.Boolean, nullable=False),
    sa.Index("ix_procedure_sector", "sector"),
)

directory_change = sa.Table(
    "directory_change",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False, comment="unit or procedure"),
    sa.Column("code", sa.Text, nullable=False, comment="its dossiers are to be folded again"),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
)
