"""Cells: how many dossiers did what in some days, by unit, channel, sector and procedure; and what is not summed up yet.

Triggers on the dossier table (migrations 0006 and 0020) write them in the very transaction that changes a dossier;
everything here is derived, and `verify` proves it.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from app.kit.db import metadata
from app.metrics.cells import FLOWS


def _columns() -> Iterator["sa.Column[object]"]:
    for name in ("unit", "channel", "sector", "procedure"):
        yield sa.Column(name, sa.Text)
    for name in FLOWS:
        yield sa.Column(name, sa.Integer, nullable=False)
    yield sa.Column("since", sa.Date)


cell = sa.Table(
    "cell",
    metadata,
    sa.Column(
        "grain",
        sa.Text,
        nullable=False,
        comment="all, or unit and channel, sector or procedure; and year, half or day",
    ),
    sa.Column("day", sa.Date, nullable=False, comment="the first local day"),
    *_columns(),
    sa.Index(
        "uq_cell",
        "grain",
        "day",
        "unit",
        "channel",
        "sector",
        "procedure",
        "since",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    sa.Index("ix_cell_unit", "unit", "grain", "day"),
    *(
        sa.Index(f"ix_cell_{key}", key, "grain", "day", postgresql_where=sa.text(f"{key} IS NOT NULL"))
        for key in ("procedure", "sector")
    ),
)
"""`since`: the begin of the earlier half by which these flows count, having been learnt in this cell; null: no earlier one."""

cell_delta = sa.Table(
    "cell_delta",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    *_columns(),
    comment="what changes of dossiers add to the cells; figures count it, and it is summed up soon",
)
"""`since`: the begin of the earlier half by which these flows count, having been learnt on this day; null: no earlier one."""

cell_rules = sa.Table(
    "cell_rules",
    metadata,
    sa.Column("single", sa.Boolean, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False, comment="of flows and grains"),
    sa.Column("timezone", sa.Text, nullable=False, comment="whose days the cells hold"),
    comment="what the cells are counted by; without a row there are none",
)
