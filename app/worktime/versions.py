"""How the versions of a calendar make one: a later version replaces what earlier ones say, from its effective date on.

Pure. It refuses to know who writes versions and when they come in force.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.kit.text import Text
from app.worktime.calendar import DAY_OFF, Calendar, Version, Windows
from app.worktime.timeline import FIRST_DAY, LAST_DAY

_ONE_DAY = timedelta(days=1)


class Saying(NamedTuple):
    """What versions say of one local day: its windows, the version that last really changed them, and its name."""

    windows: Windows
    version: int
    name: Text | None


class Span(NamedTuple):
    """Local days from the first to the last, both inclusive."""

    first: date
    last: date


def says(versions: Sequence[Version], day: date) -> Saying:
    """What these versions, in the order of their numbers, say of a local day; before any of them it is a day off.

    A day that is listed keeps its windows when a later version changes the week. A version that says of a day what
    was said before has not changed it.
    """
    said, listed = Saying(DAY_OFF, versions[0].number, None), False
    for version in versions:
        if day < version.effective_from:
            continue
        told = version.days.get(day)
        if told is not None:
            said, listed = _changed(said, told.windows, version.number)._replace(name=told.name), True
        elif version.week is not None and not listed:
            said = _changed(said, version.week[day.weekday()], version.number)
    return said


def _changed(said: Saying, windows: Windows, version: int) -> Saying:
    return said if windows == said.windows else said._replace(windows=windows, version=version)


@lru_cache(maxsize=64)
def overlay(key: str, zone: ZoneInfo, versions: tuple[Version, ...]) -> Calendar:
    """The calendar that these versions, in the order of their numbers, make together; the first must have a week.

    Raises ValueError, as Calendar does, where it could not be counted by.
    """
    begins = sorted({version.effective_from for version in versions if version.week is not None})
    (_, week), *later_weeks = [(begin, _week(versions, begin)) for begin in begins]
    listed = {day for version in versions for day in version.days if day >= version.effective_from}
    return Calendar(
        key=key,
        version=versions[-1].number,
        zone=zone,
        week=week,
        days={day: says(versions, day).windows for day in listed},
        later_weeks=tuple(later_weeks),
        versions=versions,
    )


def _week(versions: Iterable[Version], day: date) -> tuple[Windows, ...]:
    *_, last = (
        version.week for version in versions if version.week is not None and version.effective_from <= day
    )
    return last


def name_of(calendar: Calendar, day: date) -> Text | None:
    """The name of a listed day."""
    return says(calendar.versions, day).name if day in calendar.days and calendar.versions else None


def version_used(calendar: Calendar, first: date, last: date) -> int:
    """The version that a count over these local days rests on: the latest that really changed one of them, else the first."""
    if len(calendar.versions) < 2:  # noqa: PLR2004 - then there is only one to rest on
        return calendar.version
    return max(says(calendar.versions, day).version for day in _days(first, last))


def difference(one: Calendar, other: Calendar) -> Span | None:
    """The first and the last local day on which two calendars differ; None when they count alike.

    A day off that becomes a holiday differs: shops take in nothing then.
    """

    def differs(day: date) -> bool:
        return one.windows(day) != other.windows(day) or one.is_holiday(day) is not other.is_holiday(day)

    found = {day for day in {*one.days, *other.days} if differs(day)}
    begins = {begin for calendar in (one, other) for begin, _ in calendar.later_weeks}
    first, after = date.fromordinal(FIRST_DAY), date.fromordinal(LAST_DAY) + _ONE_DAY
    for begin, end in pairwise((first, *sorted(begins), after)):
        if one.week_of(begin) != other.week_of(begin):
            # The weeks differ all along, so that the first and the last such day are near the ends.
            found.update(next(([day] for day in _days(begin, end - _ONE_DAY) if differs(day)), []))
            found.update(next(([day] for day in _days_back(end - _ONE_DAY, begin) if differs(day)), []))
    return Span(min(found), max(found)) if found else None


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE_DAY


def _days_back(last: date, first: date) -> Iterator[date]:
    while first <= last:
        yield last
        last -= _ONE_DAY
