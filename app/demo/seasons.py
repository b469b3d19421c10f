"""How the year goes in the sample city: how much is filed on a day, how strained offices are, how usual it is to file online.

Pure, and repeatable: of a day it knows the date and the calendar alone.
"""

from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Final

from app.demo.places import REFORM
from app.worktime.calendar import Calendar
from app.worktime.vietnam import named_days

_FILED: Final = 22
"""Dossiers of an ordinary working day; a Monday has more, a day off only what is filed online."""

_MONDAY: Final = 30
_DAY_OFF: Final = 4
_AROUND_TET: Final = 0.4
_TET_NEAR: Final = timedelta(days=7)
_MONTHS: Final = (0.95, 0.9, 1.05, 1.0, 1.0, 1.1, 1.15, 1.2, 1.05, 1.0, 1.0, 1.15)
"""Summer brings schools and weddings, December the end of everybody's year."""

# Days since the reform, and how many times as often dossiers are late for that many days.
_STRAIN: Final = ((0, 1.0), (60, 2.2), (150, 1.4))
_DECEMBER: Final = 1.3
_GROWTH: Final = 540
"""Days in which the habit of filing online grew to what wards have now."""


def volume(random: Random, day: date, calendar: Calendar) -> int:
    """How many dossiers are filed on a day."""
    usual = (_FILED if day.weekday() else _MONDAY) if calendar.windows(day) else _DAY_OFF
    season = _AROUND_TET if day in _around_tet() else _MONTHS[day.month - 1]
    return round(usual * random.uniform(0.8, 1.2) * season)


def strain(day: date) -> float:
    """How many times as often as usual what is filed on a day ends late: offices had to find their feet after the reform."""
    since = (day - REFORM).days
    found = next((times for within, times in _STRAIN if since < within), 1.0)
    return found * (_DECEMBER if day.month == 12 else 1)  # noqa: PLR2004 - December


def habit(day: date) -> float:
    """How far the habit of doing things online has grown, as a share of today's."""
    return min(1.0, max(0.7, 1 + 0.3 * ((day - REFORM).days - _GROWTH) / _GROWTH))


@cache
def _around_tet() -> frozenset[date]:
    """The days within a week of the Lunar New Year holidays, when offices and applicants are away."""
    return frozenset(
        named.day + timedelta(days=away)
        for named in named_days()
        if "Tết Nguyên Đán" in named.vi
        for away in range(-_TET_NEAR.days, _TET_NEAR.days + 1)
    )
