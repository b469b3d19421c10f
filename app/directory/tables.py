"""Units and procedures as their publishers describe them, and which of them changed since dossiers were last folded.

Facts do not wait for these tables: an event may name a unit or a procedure that is not in them yet.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.kit.db import metadata


def _key() -> "sa.Column[int]":
    return sa.Column(
        "key",
        sa.BigInteger,
        sa.Identity(always=True),
        primary_key=True,
        comment="of this period, for ever; a code alone may come to mean something else",
    )


def _validity() -> "list[sa.Column[object]]":
    return [
        sa.Column("valid_from", sa.Date, comment="first local day; null: since ever"),
        sa.Column("valid_to", sa.Date, comment="last local day; null: open"),
    ]


unit = sa.Table(
    "unit",
    metadata,
    _key(),
    sa.Column("code", sa.Text, nullable=False),
    *_validity(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent", sa.Text, comment="a code; the parent itself may come later"),
    sa.Column(
        "successors",
        JSONB,
        nullable=False,
        server_default="[]",
        comment="[{code, kind}] of those that took over after valid_to",
    ),
    sa.Column("settings", JSONB(none_as_null=True), comment="{intake_calendar}"),
    sa.UniqueConstraint(
        "code", "valid_from", name="uq_unit_code_valid_from", postgresql_nulls_not_distinct=True
    ),
    sa.Index("ix_unit_parent", "parent"),
)

procedure = sa.Table(
    "procedure",
    metadata,
    _key(),
    sa.Column("code", sa.Text, nullable=False, comment="canonical: the first two groups"),
    *_validity(),
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
    sa.Column(
        "offered_by",
        ARRAY(sa.Text),
        nullable=False,
        server_default="{}",
        comment="codes of units; empty: not told",
    ),
    sa.UniqueConstraint(
        "code", "valid_from", name="uq_procedure_code_valid_from", postgresql_nulls_not_distinct=True
    ),
    sa.Index("ix_procedure_sector", "sector"),
)

directory_change = sa.Table(
    "directory_change",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False, comment="unit, procedure or intake"),
    sa.Column("code", sa.Text, nullable=False, comment="its dossiers are to be folded again"),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
)

# Written by a trigger on `unit`, whoever writes there.
directory_version = sa.Table(
    "directory_version",
    metadata,
    sa.Column("single", sa.Boolean, primary_key=True),
    sa.Column(
        "units",
        sa.Uuid,
        nullable=False,
        comment="another one whenever units change, so that readers may remember",
    ),
)
