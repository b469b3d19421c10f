"""Writes versions of calendars and puts them in force, each in one transaction with the change that it means.

It keeps what was in force unchangeable; which dossiers feel a change, the projector finds out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import queries
from app.calendars.schemas import VersionTerms
from app.calendars.terms import faults, normal, version
from app.kit.problems import Problem
from app.kit.text import Text
from app.worktime.calendar import Calendar
from app.worktime.shipped import BEGINNING, SHIPPED
from app.worktime.versions import difference, overlay

NO_VERSION: Final = Text(
    "Lịch {key} không có phiên bản {number}.", "The calendar {key} has no version {number}."
)
_WRONG: Final = Text("Phiên bản không hợp lệ; xem errors.", "The version is not valid; see errors.")
_IN_FORCE: Final = Text(
    "Phiên bản {number} của lịch {key} đã có hiệu lực, không sửa được; hãy viết phiên bản sau.",
    "Version {number} of the calendar {key} is in force and cannot be changed; write a later one.",
)
_GAP: Final = Text(
    "Phiên bản tiếp theo của lịch {key} là {next}.", "The next version of the calendar {key} is {next}."
)
_OUT_OF_ORDER: Final = Text(
    "Phiên bản {before} chưa có hiệu lực; các phiên bản có hiệu lực theo thứ tự.",
    "Version {before} is not in force yet; versions come in force in the order of their numbers.",
)


async def write(
    connection: AsyncConnection, key: str, number: int, terms: VersionTerms, now: datetime
) -> sa.Row[Any]:
    """Write a draft, anew if there is one. Raises Problem conflict (in force, a gap in the numbers) or invalid."""
    await queries.lock(connection)
    if number == 1 and key in SHIPPED:
        raise Problem("conflict", _IN_FORCE.filled(key=key, number=number))
    rows = {row.number: row for row in await queries.versions(connection, [key])}
    following = max(rows, default=1 if key in SHIPPED else 0) + 1
    if number > following:
        raise Problem("conflict", _GAP.filled(key=key, next=following))
    if number in rows and rows[number].in_force_at is not None:
        raise Problem("conflict", _IN_FORCE.filled(key=key, number=number))
    if wrong := faults(terms):
        raise Problem("invalid", _WRONG, wrong)
    await queries.write(connection, key, number, normal(terms).model_dump(mode="json"), now)
    return await found(connection, key, number)


async def put_in_force(
    connection: AsyncConnection, key: str, number: int, *, by: str, zone: ZoneInfo, now: datetime
) -> sa.Row[Any]:
    """Put a draft in force, and note the days on which dossiers feel it; once in force, it stays so.

    Raises Problem not-found, or conflict when the version before it is still a draft.
    """
    await queries.lock(connection)
    rows = {row.number: row for row in await queries.versions(connection, [key])}
    if number not in rows:
        raise Problem("not-found", NO_VERSION.filled(key=key, number=number))
    if rows[number].in_force_at is not None:
        return rows[number]
    if number - 1 in rows and rows[number - 1].in_force_at is None:
        raise Problem("conflict", _OUT_OF_ORDER.filled(before=number - 1))
    before, after = await both(connection, key, rows[number], zone)
    await queries.put_in_force(connection, key, number, by, now)
    if (span := difference(before, after)) is not None:
        await queries.note_change(connection, key, number, span, now)
    return await found(connection, key, number)


async def both(
    connection: AsyncConnection, key: str, row: sa.Row[Any], zone: ZoneInfo
) -> tuple[Calendar, Calendar]:
    """The calendar as it is in force, and as it would be with this version too."""
    in_force = (SHIPPED.get(key, BEGINNING), *(await queries.versions_in_force(connection, [key]))[key])
    drafted = version(row.number, read(row.terms))
    together = sorted({one.number: one for one in (drafted, *in_force[1:])}.values(), key=_number)
    return overlay(key, zone, in_force), overlay(key, zone, (in_force[0], *together))


def _number(version: Any) -> int:
    return int(version.number)


def read(terms: Mapping[str, Any]) -> VersionTerms:
    """Stored terms."""
    return VersionTerms.model_validate(terms)


async def found(connection: AsyncConnection, key: str, number: int) -> sa.Row[Any]:
    """One written version. Raises Problem not-found."""
    row = await queries.version(connection, key, number)
    if row is None:
        raise Problem("not-found", NO_VERSION.filled(key=key, number=number))
    return row
