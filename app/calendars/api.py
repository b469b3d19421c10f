"""The routes of calendars: versions are written, read and put in force here, and days are read.

They know HTTP; which dossiers a version would change is told by the dossiers' own routes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, timedelta
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request

from app.calendars import queries, register
from app.calendars.schemas import (
    KEY_PATTERN,
    CalendarDay,
    CalendarOut,
    CalendarSummary,
    VersionOut,
    VersionSummary,
    VersionTerms,
)
from app.calendars.terms import SHIPPED_SOURCE, terms_of, written
from app.events.instants import Day
from app.keys.guard import Caller, DirectoryWrite, MetricsRead
from app.kit import paging
from app.kit.deployment import Here, Snapshot, Transaction
from app.kit.http import language, problem_responses
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Fault, Problem
from app.kit.text import Language, Text
from app.worktime.calendar import Calendar
from app.worktime.shipped import BEGINNING, SHIPPED
from app.worktime.versions import overlay, says

router: Final = APIRouter(prefix="/v1", tags=["calendars"])

Key = Annotated[str, Path(pattern=KEY_PATTERN, description="Key of the calendar.", examples=["vn"])]
Number = Annotated[int, Path(ge=1, le=100_000, description="Number of the version.", examples=[2])]

MOST_DAYS: Final = 1_100
"""Days of one answer: three years."""

_NO_CALENDAR: Final = Text("Không có lịch {key}.", "There is no calendar {key}.")
_EVERYBODYS: Final = Text(
    "Lịch áp dụng cho mọi đơn vị; khóa giới hạn ở đơn vị {limit} không được sửa.",
    "Calendars hold for every unit; a key that is limited to the unit {limit} may not change them.",
)
_BACKWARDS: Final = Text("Ngày cuối trước ngày đầu.", "The last day is before the first.")
_TOO_LONG: Final = Text(
    "Nhiều nhất {most} ngày mỗi lần hỏi.", "At most {most} days at once; ask for a shorter range."
)


@router.get("/calendars", summary="Calendars by key")
async def list_calendars(
    _: MetricsRead, here: Here, connection: Snapshot, limit: Limit = 100, cursor: Cursor = None
) -> Page[CalendarSummary]:
    """Those that ship, and those that have a version of their own, drafts included."""
    after = paging.read(cursor) or ""
    keys = [key for key in await queries.keys(connection) if key > after]
    summaries = await _summaries(connection, keys[:limit])
    items = [
        CalendarSummary(key=key, in_use=key == here.settings.calendar, versions=versions)
        for key, versions in summaries.items()
    ]
    return Page(items=items, next_cursor=paging.written(items[-1].key) if len(keys) > limit else None)


@router.get("/calendars/{key}", summary="One calendar with its days")
async def get_calendar(
    _: MetricsRead,
    request: Request,
    here: Here,
    connection: Snapshot,
    key: Key,
    from_: Annotated[
        Day | None, Query(alias="from", description="First local day; by default the first of this year.")
    ] = None,
    to: Annotated[
        Day | None, Query(description="Last local day, inclusive; by default the last of that year.")
    ] = None,
) -> CalendarOut:
    """Every local day of the range as the versions in force make it: its hours, its name, the version it is from."""
    zone = here.settings.zone
    first = from_ or here.clock().astimezone(zone).date().replace(month=1, day=1)
    last = to or first.replace(month=12, day=31)
    _refuse_range(first, last)
    versions = (await _summaries(connection, [key]))[key]
    if not versions:
        raise Problem("not-found", _NO_CALENDAR.filled(key=key))
    own = (await queries.versions_in_force(connection, [key]))[key]
    calendar = overlay(key, zone, (SHIPPED.get(key, BEGINNING), *own))
    return CalendarOut(
        key=key,
        in_use=key == here.settings.calendar,
        versions=versions,
        timezone=zone.key,
        days=_days(calendar, first, last, language(request)),
    )


@router.get("/calendars/{key}/versions/{number}", summary="One version as it was written")
async def get_version(_: MetricsRead, connection: Snapshot, key: Key, number: Number) -> VersionOut:
    """With the hours of every day that it lists."""
    if number == 1 and key in SHIPPED:
        days, week = terms_of(SHIPPED[key])
        return VersionOut(**_shipped(), calendar=key, days=days, week=week)
    return _out(await register.found(connection, key, number))


@router.put(
    "/calendars/{key}/versions/{number}", summary="Write a draft", responses=problem_responses("conflict")
)
async def put_version(
    caller: DirectoryWrite, here: Here, connection: Transaction, key: Key, number: Number, terms: VersionTerms
) -> VersionOut:
    """Anew, as long as it is a draft; it counts nowhere before it is put in force, and never changes afterwards.

    Numbers follow one another. The calendars that ship have their version 1; a key that is new begins as office
    hours from Monday to Friday, and its first version says what differs.
    """
    _require_whole(caller)
    return _out(await register.write(connection, key, number, terms, here.clock()))


@router.post(
    "/calendars/{key}/versions/{number}/put-in-force",
    summary="Put a draft in force",
    responses=problem_responses("conflict"),
)
async def put_in_force(
    caller: DirectoryWrite, here: Here, connection: Transaction, key: Key, number: Number
) -> VersionOut:
    """For good: what is in force is corrected by a later version. Repeating the call changes nothing.

    Every dossier whose due date or verdict it changes, and no other, is then folded again; `preview` lists them before.
    """
    _require_whole(caller)
    zone, now = here.settings.zone, here.clock()
    return _out(await register.put_in_force(connection, key, number, by=caller.name, zone=zone, now=now))


async def _summaries(connection: Snapshot, keys: Iterable[str]) -> dict[str, list[VersionSummary]]:
    """Key → its versions by number, of these keys."""
    keys = list(keys)
    own: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in await queries.versions(connection, keys):
        own[row.key].append(row)
    return {
        key: [
            *([VersionSummary(**_shipped())] if key in SHIPPED else []),
            *(VersionSummary(**_summary(row)) for row in own[key]),
        ]
        for key in keys
    }


def _shipped() -> dict[str, Any]:
    return {
        "number": 1,
        "state": "in_force",
        "effective_from": None,
        "source": SHIPPED_SOURCE,
        "in_force_at": None,
        "in_force_by": None,
    }


def _summary(row: sa.Row[Any]) -> dict[str, Any]:
    terms = register.read(row.terms)
    return {
        "number": row.number,
        "state": "draft" if row.in_force_at is None else "in_force",
        "effective_from": terms.effective_from,
        "source": terms.source,
        "in_force_at": row.in_force_at and row.in_force_at.astimezone(UTC),
        "in_force_by": row.in_force_by,
    }


def _out(row: sa.Row[Any]) -> VersionOut:
    terms = register.read(row.terms)
    return VersionOut(**_summary(row), calendar=row.key, days=terms.days, week=terms.week)


def _days(calendar: Calendar, first: date, last: date, spoken: Language) -> Sequence[CalendarDay]:
    days = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        said = says(calendar.versions, day)
        days.append(
            CalendarDay(
                day=day,
                windows=written(said.windows),
                name=said.name.said(spoken) if said.name is not None else None,
                version=said.version,
            )
        )
    return days


def _refuse_range(first: date, last: date) -> None:
    if last < first:
        raise Problem("invalid", _BACKWARDS, [Fault("query:to", _BACKWARDS)])
    if (last - first).days >= MOST_DAYS:
        detail = _TOO_LONG.filled(most=MOST_DAYS)
        raise Problem("invalid", detail, [Fault("query:to", detail)])


def _require_whole(caller: Caller) -> None:
    if caller.unit is not None:
        raise Problem("forbidden", _EVERYBODYS.filled(limit=caller.unit))
