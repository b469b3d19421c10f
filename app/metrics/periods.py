"""Periods of both reporting calendars, the instants they span, and their division into days, months, quarters, years.

It knows dates and the deployment's zone as an argument; it refuses to know the present time and what is counted.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from app.kit.text import Text

Calendar = Literal["calendar", "report"]
TimeGroup = Literal["day", "month", "quarter", "year"]

TIME_GROUPS: Final[tuple[TimeGroup, ...]] = ("day", "month", "quarter", "year")
"""Finest first; each one's buckets nest in those of the next."""

EARLIEST: Final = 1900
LATEST: Final = 2200
_REPORT_DAY: Final = 15
_DAY: Final = timedelta(days=1)

# First and last month of every named period (domain note §8). A report month begins on the 15th of the month before.
_MONTHS: Final[dict[str, tuple[int, int]]] = {
    "": (1, 12),
    "H1": (1, 6),
    "H2": (7, 12),
    "9M": (1, 9),
    **{f"Q{quarter}": (3 * quarter - 2, 3 * quarter) for quarter in range(1, 5)},
    **{f"{month:02}": (month, month) for month in range(1, 13)},
}
_NAME: Final = re.compile(r"(report:)?([0-9]{4})(?:-(H[12]|9M|Q[1-4]|0[1-9]|1[0-2]))?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS: Final = Text(
    f"Năm phải từ {EARLIEST} đến {LATEST}.", f"The year must lie between {EARLIEST} and {LATEST}."
)
_BOTH: Final = Text(
    "Dùng period, hoặc from và to; không dùng cả hai.", "Give period, or from and to; not both."
)
_FORM: Final = Text(
    "Kỳ phải có dạng 2024, 2024-H1, 2024-Q1, 2024-9M hoặc 2024-03; kỳ báo cáo thêm report: ở trước, ví dụ report:2024-Q1.",
    "A period looks like 2024, 2024-H1, 2024-Q1, 2024-9M or 2024-03; a reporting period has report: before it, such as report:2024-Q1.",
)
_NO_DATE: Final = Text(
    "Phải là ngày có thật, dạng 2024-03-31.", "It must be a date that exists, such as 2024-03-31."
)


class Misread(ValueError):  # noqa: N818 - named for what happened, like the rest of the house
    """A parameter that names no period: which one, and why."""

    def __init__(self, parameter: str, reason: Text) -> None:
        super().__init__(reason.en)
        self.parameter = parameter
        self.reason = reason


class Span(NamedTuple):
    """The instants from `begin` up to, not including, `end`; both in UTC."""

    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Period:
    """The local dates `from_` to `to`, both inclusive; `calendar` says where its months begin."""

    from_: date
    to: date
    calendar: Calendar = "calendar"

    def span(self, zone: tzinfo, now: datetime) -> Span:
        """From 00:00 of `from_` up to E, the earlier of `now` and 00:00 of the day after `to`.

        Only instants before E count. A period that has not begun is the empty span at `now`.
        """
        end = min(now, midnight(self.to + _DAY, zone))
        return Span(min(midnight(self.from_, zone), end), end)

    def split(self, by: TimeGroup) -> list["Period"]:
        """Its days, months, quarters or years in order, the first and the last cut to what lies inside."""
        pieces: list[Period] = []
        day = self.from_
        while day <= self.to:
            pieces.append(replace(self, from_=day, to=min(containing(day, by, self.calendar).to, self.to)))
            day = pieces[-1].to + _DAY
        return pieces

    def label(self, by: TimeGroup) -> str:
        """The name of the day, month, quarter or year that its first day lies in: `2024-03-05`, `2024-03`, `2024-Q1`, `2024`."""
        if by == "day":
            return self.from_.isoformat()
        year, month = _month_of(self.from_, self.calendar)
        return {
            "month": f"{year:04}-{month:02}",
            "quarter": f"{year:04}-Q{(month + 2) // 3}",
            "year": f"{year:04}",
        }[by]


def midnight(day: date, zone: tzinfo) -> datetime:
    """The instant at which the local day begins, in UTC; where the clock skips 00:00, the first instant after."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def containing(day: date, by: TimeGroup, calendar: Calendar = "calendar") -> Period:
    """The whole day, month, quarter or year of `calendar` that `day` lies in."""
    if by == "day":
        return Period(day, day, calendar)
    year, month = _month_of(day, calendar)
    part = {"month": f"{month:02}", "quarter": f"Q{(month + 2) // 3}", "year": ""}[by]
    return _named(calendar, year, part)


def to_date(today: date, by: TimeGroup = "year") -> Period:
    """This year, quarter or month so far, `today` included."""
    return replace(containing(today, by), to=today)


def asked(period: str | None, begin: str | None, end: str | None, today: date) -> Period:
    """The period that `period=`, or `from=` and `to=`, name; without any of them this year to date.

    `2024`, `2024-H1`, `2024-Q1`, `2024-9M`, `2024-03`, each also as `report:2024-Q1`; or local dates, inclusive.
    Raises Misread with the parameter's name for anything else, and outside of the years 1900 to 2200.
    """
    if period is not None and (begin is not None or end is not None):
        raise Misread("period", _BOTH)
    if period is not None:
        return parse(period)
    if begin is None and end is None:
        return to_date(today)
    if begin is None or end is None:
        missing = "from" if begin is None else "to"
        raise Misread(missing, Text("from và to phải đi cùng nhau.", "from and to go together."))
    first, last = _date("from", begin), _date("to", end)
    if first > last:
        raise Misread("from", Text("from không được sau to.", "from must not be after to."))
    return Period(first, last)


def parse(name: str) -> Period:
    """The period of this name (domain note §8). Raises Misread."""
    found = _NAME.fullmatch(name)
    if not found:
        raise Misread("period", _FORM)
    if not EARLIEST <= int(found[2]) <= LATEST:
        raise Misread("period", _YEARS)
    return _named("report" if found[1] else "calendar", int(found[2]), found[3] or "")


Comparison = Literal["previous", "last_year"]


def before(name: str | None, period: Period, how: Comparison, today: date) -> Period | None:
    """The period that `period` is compared with: the one of the same kind before it, or a year before.

    `name` is what `period=` said, None for a free range (the days right before; or the same dates a year before) and
    for this year to date (last year). While the period runs, `today` included, the other is cut at as many days as
    have begun. None if it has not begun, so that there is nothing to compare.
    """
    if today < period.from_:
        return None
    if name is not None:
        found = _before(name, how)
    elif how == "last_year":
        found = replace(period, from_=_year_before(period.from_), to=_year_before(period.to))
    else:
        length = period.to - period.from_ + _DAY
        found = replace(period, from_=period.from_ - length, to=period.from_ - _DAY)
    if period.to < today:
        return found
    return replace(found, to=min(found.to, found.from_ + (today - period.from_)))


def _before(name: str, how: Comparison) -> Period:
    found = _NAME.fullmatch(name)
    assert found  # noqa: S101 - it has been parsed before
    calendar: Calendar = "report" if found[1] else "calendar"
    year, part = int(found[2]), found[3] or ""
    if how == "previous" and part not in {"", "9M"}:
        kind = (
            [other for other in _MONTHS if other[:-1] == part[:-1]]
            if part[0] in "HQ"
            else list(_MONTHS)[-12:]
        )
        place = kind.index(part)
        return _named(calendar, year - (place == 0), kind[place - 1])
    return _named(calendar, year - 1, part)


def _year_before(day: date) -> date:
    """The same day of the year before; 29 February gives the 28th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _date(parameter: str, text: str) -> date:
    if not _DATE.fullmatch(text):  # the library reads more forms than the contract names
        raise Misread(parameter, _NO_DATE)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Misread(parameter, _NO_DATE) from None
    if not EARLIEST <= day.year <= LATEST:
        raise Misread(parameter, _YEARS)
    return day


def _named(calendar: Calendar, year: int, part: str) -> Period:
    first, last = _MONTHS[part]
    return Period(_begins(calendar, year, first), _begins(calendar, year, last + 1) - _DAY, calendar)


def _begins(calendar: Calendar, year: int, month: int) -> date:
    """The first day of a month; months outside of 1 to 12 lie in the neighbouring year."""
    report = calendar == "report"
    years, index = divmod(month - 1 - report, 12)
    return date(year + years, index + 1, _REPORT_DAY if report else 1)


def _month_of(day: date, calendar: Calendar) -> tuple[int, int]:
    """The year and the month that `day` lies in."""
    years, index = divmod(day.month - 1 + (calendar == "report" and day.day >= _REPORT_DAY), 12)
    return day.year + years, index + 1
