"""What a calendar says: in which windows of which local days an office works, as one frozen version.

It refuses to know where versions are kept, which dossier uses one, and what a deadline is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.worktime.timeline import DAY, FIRST_DAY, LAST_DAY, MICROSECOND, WorkingDays, WorkingTime


class Window(NamedTuple):
    """Wall-clock hours of one local day, up to but not including `closes`; closing at 00:00 is the day's end."""

    opens: time
    closes: time


Windows = tuple[Window, ...]

OFFICE_HOURS: Windows = (Window(time(7, 30), time(11, 30)), Window(time(13), time(17)))
DAY_OFF: Windows = ()
MONDAY_TO_FRIDAY = (OFFICE_HOURS,) * 5 + (DAY_OFF,) * 2


@dataclass(frozen=True)
class Calendar:
    """One version of a calendar: the windows of the week from Monday on, and the days that differ from it.

    `days` holds holidays (no window), make-up days and half days (their windows). Everything that could make
    counting wrong or endless is refused with ValueError: a week that is not seven days or never works, windows
    that are empty, out of order or overlapping, days outside the horizon (1899-11-29 to 2201-01-29).
    """

    key: str
    version: int
    zone: ZoneInfo
    week: tuple[Windows, ...] = MONDAY_TO_FRIDAY
    days: Mapping[date, Windows] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", dict(self.days))  # nobody else may change it afterwards
        if len(self.week) != 7:  # noqa: PLR2004 - the days of a week
            raise ValueError("a week has seven days, Monday first")
        if not any(self.week):
            raise ValueError("a calendar without any working day in its week cannot measure anything")
        for day in self.days:
            if not FIRST_DAY <= day.toordinal() <= LAST_DAY:
                raise ValueError(f"{day} lies outside the years a calendar covers")
        for windows in {*self.week, *self.days.values()}:
            _check(windows)

    def windows(self, day: date) -> Windows:
        """The working hours of a local day, in order; none on a day off."""
        exception = self.days.get(day)
        return self.week[day.weekday()] if exception is None else exception

    @cached_property
    def working_days(self) -> WorkingDays:
        """The working days as an index, laid out on first use."""
        return WorkingDays(map(bool, self.week), {day: bool(windows) for day, windows in self.days.items()})

    @cached_property
    def working_time(self) -> WorkingTime:
        """The working time as an index over instants, laid out piece by piece on use."""
        return WorkingTime(self.zone, lambda day: map(_bounds, self.windows(day)))


@cache
def plain(zone: ZoneInfo) -> Calendar:
    """Office hours from Monday to Friday without any holiday."""
    return Calendar(key="plain", version=0, zone=zone)


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
