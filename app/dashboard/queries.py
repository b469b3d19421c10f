"""What the pages ask of the dossier table besides figures: lists of dossiers with their number, in the order of urgency.

It reads only; which units a reader may see is handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.events.samples import SOURCE
from app.events.tables import event

Kind = Literal["all", "overdue", "due_soon", "no_apology", "apology_due"]
URGENT: Final[tuple[Kind, ...]] = ("overdue", "due_soon", "no_apology", "apology_due")

_d: Final = dossier.c
_open: Final = sa.and_(~_d.voided, _d.received_at.is_not(None), _d.ended_at.is_(None))


@dataclass(frozen=True)
class Moment:
    """Now, and the instant up to which a dossier counts as due soon; both UTC."""

    now: datetime
    soon: datetime


def urgent(kind: Kind, moment: Moment) -> sa.ColumnElement[bool]:
    """Open dossiers: overdue; overdue soon; overdue without any apology; or owing one soon, should they miss their date."""
    return sa.true() if kind == "all" else sa.and_(_open, _urgent_if_open(kind, moment))


def _urgent_if_open(kind: Kind, moment: Moment) -> sa.ColumnElement[bool]:
    overdue = _d.overdue_from < moment.now
    return {
        "overdue": overdue,
        "due_soon": sa.and_(_d.overdue_from >= moment.now, _d.overdue_from < moment.soon),
        "no_apology": sa.and_(overdue, _d.apology_at.is_(None)),
        "apology_due": sa.and_(
            _d.apology_at.is_(None),
            _d.apology_deadline >= moment.now,
            _d.apology_deadline < moment.soon,
        ),
    }[kind]


def of(units: Sequence[str] | None, procedure: str | None = None) -> sa.ColumnElement[bool]:
    """Dossiers of these very units (None: of all) and of this procedure (None: of any; empty: of an unknown one)."""
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if units is not None:
        accountable = sa.func.coalesce(_d.unit, _d.submitted_unit)
        conditions.append(accountable == sa.any_(sa.literal(list(units), ARRAY(sa.Text))))
    if procedure is not None:
        conditions.append(_d.procedure == procedure if procedure else _d.procedure.is_(None))
    return sa.and_(*conditions)


async def urgencies(
    connection: AsyncConnection, moment: Moment, within: sa.ColumnElement[bool]
) -> dict[Kind, int]:
    """How many dossiers are urgent in each way.

    The indexes of open dossiers hold all that is asked, as long as nothing but the condition says that they are open.
    """
    counts = (
        sa.func.count().filter(_urgent_if_open(kind, moment)).label(kind)
        for kind in URGENT
        if kind != "apology_due"
    )
    by_deadline = sa.select(*counts).where(_open, _d.overdue_from < moment.soon, within).subquery()
    number = sa.func.count().label("apology_due")
    by_apology = sa.select(number).where(urgent("apology_due", moment), within).subquery()
    both = sa.select(by_deadline, by_apology).select_from(by_deadline.join(by_apology, sa.true()))
    found = (await connection.execute(both)).mappings().one()
    return {kind: int(found[kind]) for kind in URGENT}


async def how_many(
    connection: AsyncConnection, condition: sa.ColumnElement[bool], most: int | None = None
) -> int:
    """The number of dossiers; with `most` no further than one above it, for counting takes as long as there are dossiers."""
    found: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(dossier).where(condition)
    counted = found.limit(None if most is None else most + 1).subquery()
    return int(await connection.scalar(sa.select(sa.func.count()).select_from(counted)) or 0)


async def listed(
    connection: AsyncConnection,
    condition: sa.ColumnElement[bool],
    *,
    by_urgency: Kind | None,
    now: datetime,
    offset: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Rows with their verdict at `now`: the most urgent first in this way, or else the latest reception first."""
    judged = sa.case(
        (_d.received_at.is_(None), sa.null()),
        (_d.outcome.is_not(None), _d.outcome),
        (_d.due_original.is_(None), "undated"),
        (_d.overdue_from < now, "overdue"),
        else_="not_due",
    )
    chosen = sa.select(dossier, judged.label("verdict")).where(condition)
    if by_urgency == "all":
        chosen = _latest(chosen, offset + limit)
    order = chosen.selected_columns.received_at.desc().nulls_last()
    if by_urgency is not None and by_urgency != "all":
        order = (_d.apology_deadline if by_urgency == "apology_due" else _d.overdue_from).asc()
    rows = await connection.execute(
        chosen.order_by(order, chosen.selected_columns.code).offset(offset).limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def _latest(chosen: sa.Select[Any], most: int) -> sa.Select[Any]:
    """Of all dossiers chosen so many: those received, the latest first, then those that are not.

    Each part is an end of the index of receptions, however many dossiers there are; together they would all be sorted.
    """
    received = chosen.where(_d.received_at.is_not(None)).order_by(_d.received_at.desc(), _d.code)
    others = chosen.where(_d.received_at.is_(None)).order_by(_d.code)
    both = sa.union_all(received.limit(most), others.limit(most)).subquery("both")
    return sa.select(both)


async def has_samples(connection: AsyncConnection) -> bool:
    """Whether the log holds generated facts."""
    return bool(await connection.scalar(sa.select(sa.exists().where(event.c.source == SOURCE))))


async def has_dossiers(connection: AsyncConnection) -> bool:
    """Whether there is any dossier."""
    return bool(await connection.scalar(sa.select(sa.exists().select_from(dossier))))
