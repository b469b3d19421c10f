"""How a due date is counted: working days, working hours, calendar days, the cut-off hour and pauses.

It refuses to know dossiers and events, where a calendar comes from, and what time it is now.

Instants are taken in any zone and given back in UTC, because datetimes of one daylight-saving zone compare and
subtract by their wall clocks; a naive one raises TypeError. Days are local days of the calendar's zone. What
would lie beyond the calendar's horizon is put at the horizon's end (January 2201): every fact gets an answer.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from app.worktime.calendar import DAY_OFF, Calendar, Windows
from app.worktime.timeline import BEGIN, LAST_DAY, MICROSECOND, instant, microseconds

CUTOFF = time(15)
ONE_DAY = timedelta(days=1)
HOUR = timedelta(hours=1) // MICROSECOND

Pause = tuple[datetime, datetime]


class Due(NamedTuple):
    """A due date: a dossier that ends at `at` or before is in time.

    A bare date (`is_date`) is due until the last microsecond of its local day, and stays a date when moved.
    """

    at: datetime
    is_date: bool

    @classmethod
    def on(cls, day: date, zone: ZoneInfo) -> Self:
        """Due on a bare date, of the given zone."""
        return cls(end_of_day(day, zone), True)

    @classmethod
    def by(cls, moment: datetime) -> Self:
        """Due at an instant."""
        at = moment if moment.tzinfo is UTC else _seen_in(UTC, moment)
        # Half of the time that `cls(at, False)` takes.
        return tuple.__new__(cls, (at, False))

    def day(self, zone: ZoneInfo) -> date:
        """The local date of the due date."""
        return self.at.astimezone(zone).date()


def day_of_reception(
    calendar: Calendar, received: datetime, cutoff: time = CUTOFF, intake: Calendar | None = None
) -> date:
    """The local day that counts as the day of reception.

    What comes after the cut-off hour (at 15:00 sharp is still in time) or on a day off counts as received on the
    next working day. On a half day the same hour holds, also when the office has closed before it.

    An intake calendar adds days off on which the shop takes in dossiers all the same, until its own hours end.
    """
    local = _seen_in(calendar.zone, received)
    day = local.date()
    if day in calendar.working_days:
        if local.time() <= cutoff:
            return day
    elif intake is not None and _takes_in_until(calendar, intake, day) >= microseconds(local):
        return day
    following = calendar.working_days.nth(calendar.working_days.count_to(day) + 1)
    while intake is not None and (day := day + ONE_DAY) < following:
        if intake_hours(calendar, intake, day):
            return day
    return following


def intake_hours(calendar: Calendar, intake: Calendar, day: date) -> Windows:
    """The hours in which the shop takes in dossiers on a day off; none on a holiday, unless `intake` lists that day."""
    if calendar.is_holiday(day) and day not in intake.days:
        return DAY_OFF
    return intake.windows(day)


def _takes_in_until(calendar: Calendar, intake: Calendar, day: date) -> int:
    """The end of the day's intake hours, itself still in time; before every instant when there are none."""
    hours = intake_hours(calendar, intake, day)
    if not hours:
        return BEGIN - 1
    closes = hours[-1].closes
    if closes == time():
        return _midnight(day + ONE_DAY, calendar.zone) - 1
    return microseconds(datetime.combine(day, closes, calendar.zone))


def add_working_days(
    calendar: Calendar, received: datetime, n: int, cutoff: time = CUTOFF, intake: Calendar | None = None
) -> date:
    """The bare date `n` working days after the day of reception, which itself does not count.

    With n = 0 the result is due on the day of reception, or on the next working day if that is a day off: a Saturday
    on which the shop takes in dossiers is a day of reception, but never a due date.
    """
    day = day_of_reception(calendar, received, cutoff, intake)
    if n > 0:
        return calendar.working_days.after(day, n)
    _refuse_negative(n)
    return calendar.working_days.after(day - ONE_DAY, 1)


def add_calendar_days(
    calendar: Calendar, received: datetime, n: int, cutoff: time = CUTOFF, intake: Calendar | None = None
) -> date:
    """The bare date `n` days of any kind after the day of reception, which is found as for working days.

    A result on a day off stays there: no rule of the office moves it.
    """
    _refuse_negative(n)
    day = day_of_reception(calendar, received, cutoff, intake)
    return date.fromordinal(min(day.toordinal() + n, LAST_DAY))


def add_working_hours(calendar: Calendar, start: datetime, hours: int | Fraction) -> datetime:
    """The instant at which so many working hours since `start` are over, always inside a window.

    There is no cut-off: the first hour begins at the next working moment. Hours used up at the end of a window end
    there, not when the next one opens. Parts of a microsecond are dropped.
    """
    amount = int(hours * HOUR)
    if amount > 0:
        return instant(calendar.working_time.after(microseconds(start), amount))
    _refuse_negative(hours)
    return next_working_moment(calendar, start)


def next_working_moment(calendar: Calendar, moment: datetime) -> datetime:
    """The first instant from `moment` on at which work goes on; at the end of a window this is the next one's begin."""
    return instant(calendar.working_time.after(microseconds(moment), 1) - 1)


def worked_between(calendar: Calendar, begin: datetime, end: datetime) -> timedelta:
    """The working time from `begin` to `end`; nothing if `end` is not later."""
    return timedelta(microseconds=calendar.working_time.between(microseconds(begin), microseconds(end)))


def working_day_fractions(calendar: Calendar, begin: datetime, end: datetime) -> Fraction:
    """The working days from `begin` to `end`: each day's working time between them over that of the whole day."""
    return _day_fractions(calendar, microseconds(begin), microseconds(end))


def shift(due: Due, calendar: Calendar, pauses: Iterable[Pause]) -> Due:
    """The due date moved by the pauses (begin, end); what they share counts once.

    An instant moves by the paused working time, and stays where it is, even outside office hours, if there is none.
    A bare date moves by whole working days: the fractions of all pauses together, rounded up once. Give all pauses
    that count at once with the due date before any of them, or the rounding is done more than once.
    """
    return move(due, calendar, paused(due, calendar, pauses))


def paused(due: Due, calendar: Calendar, pauses: Iterable[Pause]) -> int | Fraction:
    """How far the pauses move a due date of this kind: working microseconds for an instant, working days for a date.

    What is paused in times that do not overlap adds up, so that one pause after the other can be counted in.
    """
    measure = _day_fractions if due.is_date else _worked
    first, *others = [measure(calendar, begin, end) for begin, end in _union(pauses)] or [0]
    return sum(others, first)


def move(due: Due, calendar: Calendar, amount: int | Fraction) -> Due:
    """The due date moved by what `paused` measured."""
    if amount == 0:
        return due
    if due.is_date:
        days = calendar.working_days
        return Due.on(days.nth(days.count_to(due.day(calendar.zone)) + ceil(amount)), calendar.zone)
    return Due.by(instant(calendar.working_time.after(microseconds(due.at), int(amount))))


@lru_cache(maxsize=1 << 14)
def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond of a local day, in UTC, so that `end <= due` judges bare dates and instants alike."""
    return instant(_midnight(day + ONE_DAY, zone) - 1)


def last_working_day_before(calendar: Calendar, day: date) -> date:
    """The last working day that is earlier than `day`."""
    return calendar.working_days.nth(calendar.working_days.count_to(day - ONE_DAY))


def end_of_working_day(calendar: Calendar, day: date) -> datetime:
    """The end of the day's last window; on a day off, the end of the day."""
    begin, end = _midnight(day, calendar.zone), _midnight(day + ONE_DAY, calendar.zone)
    closes = calendar.working_time.closes_before(end)
    return instant(closes if closes > begin else end - 1)


def _worked(calendar: Calendar, begin: int, end: int) -> int:
    return calendar.working_time.between(begin, end)


def _day_fractions(calendar: Calendar, begin: int, end: int) -> Fraction:
    if begin >= end:
        return Fraction()
    (since, begun), (until, over) = _days_until(calendar, begin), _days_until(calendar, end)
    if begun == over:  # days of one length, as nearly all are
        return Fraction(until - since, over)
    return Fraction(until, over) - Fraction(since, begun)


def _days_until(calendar: Calendar, moment: int) -> tuple[int, int]:
    """Working days since the horizon's begin, the last one by the part of its working time that is over: a fraction."""
    day = instant(moment).astimezone(calendar.zone).date()
    midnight, next_midnight = _midnight(day, calendar.zone), _midnight(day + ONE_DAY, calendar.zone)
    worked, whole = calendar.working_time.between(midnight, moment), 1
    if worked:
        whole = calendar.working_time.between(midnight, next_midnight)
    return calendar.working_days.count_to(day - ONE_DAY) * whole + worked, whole


def _union(pauses: Iterable[Pause]) -> list[tuple[int, int]]:
    """The time that any of the pauses covers, each part once."""
    spans, until = [], BEGIN
    for begin, end in sorted((microseconds(begin), microseconds(end)) for begin, end in pauses):
        spans.append((max(begin, until), end))
        until = max(until, end)
    return spans


@lru_cache(maxsize=1 << 14)
def _midnight(day: date, zone: ZoneInfo) -> int:
    return microseconds(datetime.combine(day, time(), zone))


def _seen_in(zone: tzinfo, moment: datetime) -> datetime:
    if moment.tzinfo is zone:
        return moment
    if moment.tzinfo is None:
        raise TypeError("an instant needs a zone")
    return moment.astimezone(zone)


def _refuse_negative(amount: int | Fraction) -> None:
    if amount < 0:
        raise ValueError("a duration is not negative")
