"""The periods that a score is compared with: the one before of the same kind, and the same one last year.

Pure: it knows periods, and not what is compared.
"""

from datetime import date, timedelta
from typing import Final

from app.metrics.periods import EARLIEST, Period, parse

_DAY: Final = timedelta(days=1)
_KINDS: Final = (
    tuple(f"{month:02}" for month in range(1, 13)),
    ("Q1", "Q2", "Q3", "Q4"),
    ("H1", "H2"),
    ("9M",),
    ("",),
)
"""Parts of a year by kind; the one before the first lies in the year before."""


def previous(period: Period, today: date) -> Period | None:
    """The month before a month, the quarter before a quarter and so on; of other dates as many days before."""
    for kind in _KINDS:
        for place, part in enumerate(kind):
            if _named(period, period.to.year, part) == period:
                year = period.to.year - (place == 0)
                return _cut(_named(period, year, kind[place - 1]), period, today)
    before = period.from_ - _DAY
    return _cut(Period(before - (period.to - period.from_), before, period.calendar), period, today)


def last_year(period: Period, today: date) -> Period | None:
    """The period of the same name a year before; of other dates the same dates."""
    for part in (part for kind in _KINDS for part in kind):
        if _named(period, period.to.year, part) == period:
            return _cut(_named(period, period.to.year - 1, part), period, today)
    return _cut(Period(_earlier(period.from_), _earlier(period.to), period.calendar), period, today)


def _named(like: Period, year: int, part: str) -> Period | None:
    if year < EARLIEST:
        return None
    prefix = "report:" if like.calendar == "report" else ""
    return parse(f"{prefix}{year:04}" + (f"-{part}" if part else ""))


def _cut(earlier: Period | None, period: Period, today: date) -> Period | None:
    """As many days of the earlier period as have passed of the period, while it runs."""
    if earlier is None or not period.from_ <= today < period.to:
        return earlier
    return Period(earlier.from_, min(earlier.to, earlier.from_ + (today - period.from_)), earlier.calendar)


def _earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)
