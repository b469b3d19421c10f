"""Every statement on versions of calendars and on the queue of those that came in force.

Statements only: what may be written is decided in `register`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars.tables import calendar_change, calendar_version
from app.calendars.terms import stored_version
from app.worktime.calendar import Calendar, Version
from app.worktime.shipped import BEGINNING, SHIPPED
from app.worktime.versions import Span, overlay

_BYTES = "C"


class UnknownCalendarError(LookupError):
    """The deployment counts by a calendar that neither ships nor has a version in force."""

    def __init__(self, key: str) -> None:
        super().__init__(f"DUNGHEN_CALENDAR: no calendar {key} ships, and no version of it is in force")


class Change(NamedTuple):
    """A version that came in force, the local days on which it differs, and how far its dossiers were looked at."""

    seq: int
    key: str
    span: Span
    through: str | None


async def calendars(
    connection: AsyncConnection, keys: Collection[str], zone: ZoneInfo
) -> dict[str, Calendar]:
    """Key → the calendar that its versions in force make; a key that neither ships nor has a version in force is absent."""
    in_force = await versions_in_force(connection, keys)
    return {
        key: overlay(key, zone, (SHIPPED.get(key, BEGINNING), *own))
        for key, own in in_force.items()
        if own or key in SHIPPED
    }


async def calendar(connection: AsyncConnection, key: str, zone: ZoneInfo) -> Calendar:
    """The calendar of one key. Raises UnknownCalendarError: nothing can be counted by it."""
    found = await calendars(connection, [key], zone)
    if key not in found:
        raise UnknownCalendarError(key)
    return found[key]


async def versions_in_force(
    connection: AsyncConnection, keys: Collection[str]
) -> dict[str, tuple[Version, ...]]:
    """Key → its written versions in force by number, of every key asked for."""
    rows = await connection.execute(
        sa.select(
            calendar_version.c.key, calendar_version.c.number, sa.cast(calendar_version.c.terms, sa.Text)
        )
        .where(
            calendar_version.c.key == sa.any_(sa.literal(list(keys), sa.ARRAY(sa.Text))),
            calendar_version.c.in_force_at.is_not(None),
        )
        .order_by(calendar_version.c.number)
    )
    found: dict[str, list[Version]] = {key: [] for key in keys}
    for key, number, terms in rows:
        found[key].append(stored_version(number, terms))
    return {key: tuple(versions) for key, versions in found.items()}


async def keys(connection: AsyncConnection) -> list[str]:
    """Every key that ships or has a version, in order."""
    return sorted({*SHIPPED, *await connection.scalars(sa.select(calendar_version.c.key).distinct())})


async def versions(connection: AsyncConnection, of: Collection[str]) -> Sequence[sa.Row[Any]]:
    """The rows of these keys, by key and number."""
    return (
        await connection.execute(
            sa.select(calendar_version)
            .where(calendar_version.c.key == sa.any_(sa.literal(list(of), sa.ARRAY(sa.Text))))
            .order_by(calendar_version.c.key.collate(_BYTES), calendar_version.c.number)
        )
    ).all()


async def version(connection: AsyncConnection, key: str, number: int) -> sa.Row[Any] | None:
    """One row."""
    found = sa.and_(calendar_version.c.key == key, calendar_version.c.number == number)
    return (await connection.execute(sa.select(calendar_version).where(found))).one_or_none()


async def lock(connection: AsyncConnection) -> None:
    """Keep other writers of versions out until the transaction ends; readers are not held up."""
    await connection.execute(sa.text("LOCK TABLE calendar_version IN SHARE ROW EXCLUSIVE MODE"))


async def write(
    connection: AsyncConnection, key: str, number: int, terms: dict[str, Any], now: datetime
) -> None:
    """Write a draft, in the place of what stood there."""
    statement = insert(calendar_version).values(key=key, number=number, terms=terms, written_at=now)
    written = {"terms": statement.excluded.terms, "written_at": statement.excluded.written_at}
    await connection.execute(statement.on_conflict_do_update(index_elements=["key", "number"], set_=written))


async def put_in_force(connection: AsyncConnection, key: str, number: int, by: str, now: datetime) -> None:
    """Mark a draft as in force."""
    await connection.execute(
        sa.update(calendar_version)
        .where(calendar_version.c.key == key, calendar_version.c.number == number)
        .values(in_force_at=now, in_force_by=by)
    )


async def note_change(connection: AsyncConnection, key: str, number: int, span: Span, now: datetime) -> None:
    """Note that dossiers that rest on these local days are to be looked at."""
    row = {"key": key, "number": number, "first_day": span.first, "last_day": span.last, "changed_at": now}
    await connection.execute(sa.insert(calendar_change).values(row))


async def oldest_change(connection: AsyncConnection) -> Change | None:
    """The change to work on, held until the transaction ends: portions follow one another, whichever worker does them."""
    change = calendar_change.c
    row = (
        await connection.execute(
            sa.select(change.seq, change.key, change.first_day, change.last_day, change.through)
            .order_by(change.seq)
            .limit(1)
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        return None
    return Change(row.seq, row.key, Span(row.first_day, row.last_day), row.through)


async def advance(connection: AsyncConnection, change: Change, through: str) -> None:
    """Note how far a change's dossiers were looked at."""
    await connection.execute(
        sa.update(calendar_change).where(calendar_change.c.seq == change.seq).values(through=through)
    )


async def finish(connection: AsyncConnection, change: Change) -> None:
    """Take a change off the queue: all its dossiers were looked at."""
    await connection.execute(sa.delete(calendar_change).where(calendar_change.c.seq == change.seq))
