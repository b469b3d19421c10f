"""Lists of dossiers: what may be asked for, in which order they come, and where a page ends.

It reads the dossier table; a single dossier's story is for `views`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.schemas import DossierRow
from app.dossiers.tables import dossier
from app.kit import export, paging

_HEADER: Final = list(DossierRow.model_fields)


@dataclass(frozen=True)
class Choice:
    """Which dossiers are asked for; None means any. Instants are UTC."""

    units: Sequence[str] | None = None
    procedures: Sequence[str] | None = None
    state: str | None = None
    verdict: str | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None
    due_before: datetime | None = None
    finding: str | None = None
    among: sa.Subquery | None = None
    """Dossiers whose codes stand there."""


def midnight(day: date | None, zone: ZoneInfo, *, days_later: int = 0) -> datetime | None:
    """The beginning of a local day, or of one that comes later."""
    return datetime.combine(day + timedelta(days=days_later), time(), zone) if day is not None else None


async def page(
    connection: AsyncConnection, choice: Choice, now: datetime, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Rows by reception, newest first, those without one last; and the cursor of the next page."""
    judged = _verdict(now)
    query = (
        sa.select(dossier, judged.label("verdict"))
        .where(*_conditions(choice, judged))
        .order_by(dossier.c.received_at.desc().nulls_last(), dossier.c.code)
        .limit(limit + 1)
    )
    if (place := paging.read(cursor)) is not None:
        query = query.where(_after(place))
    rows = [dict(row) for row in (await connection.execute(query)).mappings()]
    if len(rows) <= limit:
        return rows, None
    rows.pop()
    last = rows[-1]["received_at"]
    return rows, paging.written(f"{last.isoformat() if last else ''}|{rows[-1]['code']}")


def _after(place: str) -> sa.ColumnElement[bool]:
    received, divider, code = place.partition("|")
    if not divider:
        raise paging.unreadable()
    without = sa.and_(dossier.c.received_at.is_(None), dossier.c.code > code)
    if not received:
        return without
    try:
        last = datetime.fromisoformat(received)
    except ValueError:
        raise paging.unreadable() from None
    if last.tzinfo is None:
        raise paging.unreadable()
    return sa.or_(
        dossier.c.received_at < last,
        sa.and_(dossier.c.received_at == last, dossier.c.code > code),
        dossier.c.received_at.is_(None),
    )


def _verdict(now: datetime) -> sa.ColumnElement[str]:
    """The verdict at `now`: as at the end of work, else by the clock."""
    return sa.case(
        (dossier.c.received_at.is_(None), sa.null()),
        (dossier.c.outcome.is_not(None), dossier.c.outcome),
        (dossier.c.due_original.is_(None), "undated"),
        (dossier.c.overdue_from < now, "overdue"),
        else_="not_due",
    )


def _conditions(choice: Choice, judged: sa.ColumnElement[str]) -> Iterator[sa.ColumnElement[bool]]:
    if choice.units is not None:
        accountable = sa.func.coalesce(dossier.c.unit, dossier.c.submitted_unit)
        yield accountable == sa.any_(sa.literal(list(choice.units), sa.ARRAY(sa.Text)))
    if choice.procedures is not None:
        yield dossier.c.procedure == sa.any_(sa.literal(list(choice.procedures), sa.ARRAY(sa.Text)))
    if choice.state is not None:
        yield dossier.c.state == choice.state
    if choice.verdict is not None:
        yield sa.and_(judged == choice.verdict, ~dossier.c.voided)
    if choice.received_from is not None:
        yield dossier.c.received_at >= choice.received_from
    if choice.received_until is not None:
        yield dossier.c.received_at < choice.received_until
    if choice.due_before is not None:
        yield dossier.c.due_original < choice.due_before
    if choice.finding is not None:
        yield dossier.c.findings.contains([choice.finding])
    if choice.among is not None:
        yield dossier.c.code.in_(sa.select(choice.among.c.code))


def csv_lines(items: Iterable[DossierRow]) -> Iterator[str]:
    """The rows as CSV, findings separated by spaces."""
    rows = ([_written(value) for value in item.model_dump(mode="json").values()] for item in items)
    return export.csv_lines(_HEADER, rows)


def _written(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
