"""What a calendar says: in which windows of which local days an office works, and which versions made it so.

It refuses to know where versions are kept, which dossier uses one, and what a deadline is.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.kit.text import Text
from app.worktime.timeline import DAY, FIRST_DAY, LAST_DAY, MICROSECOND, WorkingDays, WorkingTime


class Window(NamedTuple):
    """Wall-clock hours of one local day, up to but not including `closes`; closing at 00:00 is the day's end."""

    opens: time
    closes: time


Windows = tuple[Window, ...]
Week = tuple[Windows, ...]
"""The windows of seven days, Monday first."""

OFFICE_HOURS: Windows = (Window(time(7, 30), time(11, 30)), Window(time(13), time(17)))
DAY_OFF: Windows = ()
MONDAY_TO_FRIDAY: Week = (OFFICE_HOURS,) * 5 + (DAY_OFF,) * 2


class ListedDay(NamedTuple):
    """A day that differs from its week, with its name; a holiday has no window."""

    windows: Windows
    name: Text


@dataclass(frozen=True)
class Version:
    """What one version of a calendar says, of local days from `effective_from` on; without a week it changes none."""

    number: int
    effective_from: date = date.min
    week: Week | None = None
    days: Mapping[date, ListedDay] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Calendar:
    """A calendar to count by: the windows of the week from Monday on, and the days that differ from it.

    `days` holds holidays (no window), make-up days and half days (their windows); `later_weeks` are the weeks that
    replace the first one, each from its day on. `versions` tell where it all is from. Everything that could make
    counting wrong or endless is refused with ValueError: a week that is not seven days or never works, windows
    that are empty, out of order or overlapping, days outside the horizon (1899-11-29 to 2201-01-29).
    """

    key: str
    version: int
    zone: ZoneInfo
    week: Week = MONDAY_TO_FRIDAY
    days: Mapping[date, Windows] = field(default_factory=dict, hash=False)
    later_weeks: tuple[tuple[date, Week], ...] = ()
    versions: tuple[Version, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", dict(self.days))  # nobody else may change it afterwards
        weeks = [self.week, *(week for _, week in self.later_weeks)]
        if any(len(week) != 7 for week in weeks):  # noqa: PLR2004 - the days of a week
            raise ValueError("a week has seven days, Monday first")
        if not all(any(week) for week in weeks):
            raise ValueError("a calendar without any working day in its week cannot measure anything")
        for day in self.days:
            if not FIRST_DAY <= day.toordinal() <= LAST_DAY:
                raise ValueError(f"{day} lies outside the years a calendar covers")
        for windows in {*(day for week in weeks for day in week), *self.days.values()}:
            _check(windows)

    def windows(self, day: date) -> Windows:
        """The working hours of a local day, in order; none on a day off."""
        exception = self.days.get(day)
        if exception is not None:
            return exception
        week = self.week_of(day) if self.later_weeks else self.week
        return week[day.weekday()]

    def week_of(self, day: date) -> Week:
        """The week that holds on a local day."""
        later = bisect_right(self.later_weeks, day, key=_begin)
        return self.later_weeks[later - 1][1] if later else self.week

    def is_holiday(self, day: date) -> bool:
        """Whether the day is off by its date, and not only by the week."""
        return self.days.get(day) == DAY_OFF

    @cached_property
    def working_days(self) -> WorkingDays:
        """The working days as an index, laid out on first use."""
        weeks = [(date.min, self.week), *self.later_weeks]
        return WorkingDays(
            [(begin, bytes(map(bool, week))) for begin, week in weeks],
            {day: bool(windows) for day, windows in self.days.items()},
        )

    @cached_property
    def working_time(self) -> WorkingTime:
        """The working time as an index over instants, laid out piece by piece on use."""
        return WorkingTime(self.zone, lambda day: map(_bounds, self.windows(day)))


@cache
def plain(zone: ZoneInfo) -> Calendar:
    """Office hours from Monday to Friday without any holiday."""
    return Calendar(key="plain", version=1, zone=zone)


def _begin(later_week: tuple[date, Week]) -> date:
    return later_week[0]


def _check(windows: Windows) -> None:
    bounds = [_bounds(window) for window in windows]
    if any(opens >= closes for opens, closes in bounds):
        raise ValueError("a window closes after it opens")
    if any(closes > opens for (_, closes), (opens, _) in pairwise(bounds)):
        raise ValueError("the windows of a day follow one another without overlap")


def _bounds(window: Window) -> tuple[int, int]:
    """A window in microseconds since local midnight."""
    return _since_midnight(window.opens), _since_midnight(window.closes) or DAY


def _since_midnight(clock: time) -> int:
    if clock.tzinfo is not None:
        raise ValueError("a window is told by the local clock, without a zone")
    span = timedelta(
        hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond
    )
    return span // MICROSECOND
