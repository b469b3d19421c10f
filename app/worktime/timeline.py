"""Looks up working days and working time by cumulative counts: days in constant time, instants by one bisection.

It refuses to know what a deadline is, and counts in whole microseconds only, so that nothing is ever rounded.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate, compress, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
DAY = 86_400 * SECOND

STRETCH_DAYS = 400
STRETCH = STRETCH_DAYS * DAY
# Facts lie between 1900 and 2200; whole stretches reach from 1899-11-29 to 2201-01-29, so that no zone's
# midnight falls outside, and nothing can be counted for longer than that.
FIRST_STRETCH, LAST_STRETCH = -64, 210
FIRST_DAY = EPOCH_DAY + FIRST_STRETCH * STRETCH_DAYS
LAST_DAY = EPOCH_DAY + (LAST_STRETCH + 1) * STRETCH_DAYS - 1
BEGIN = FIRST_STRETCH * STRETCH
END = (LAST_STRETCH + 1) * STRETCH


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC); a naive datetime raises TypeError.

    Subtracting from a datetime in UTC honours `fold` and daylight saving, which subtracting or comparing two
    datetimes of one and the same zone does not: they are compared by their wall clocks.
    """
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant(count: int) -> datetime:
    """The instant `count` microseconds after 1970, in UTC."""
    return EPOCH + count * MICROSECOND


class WorkingDays:
    """Which days are worked, and the n-th one after or before a day, between the ends of the horizon."""

    def __init__(self, weeks: Iterable[tuple[date, bytes]], exceptions: Mapping[date, bool]) -> None:
        """Lay the weeks (from a day on, Monday first) out over the horizon and put the exceptions in."""
        worked = bytearray(LAST_DAY - FIRST_DAY + 1)
        for begin, week in weeks:
            first = max(begin.toordinal(), FIRST_DAY)
            turned = week[(first - 1) % 7 :] + week[: (first - 1) % 7]  # ordinal 1 was a Monday
            length = LAST_DAY - first + 1
            worked[first - FIRST_DAY :] = (turned * (length // 7 + 1))[:length]
        for day, is_worked in exceptions.items():
            worked[day.toordinal() - FIRST_DAY] = is_worked
        self._worked = bytes(worked)
        self._count = array("i", accumulate(worked))  # working days up to and including each day
        self._days = array("i", compress(range(FIRST_DAY, LAST_DAY + 1), worked))

    def __contains__(self, day: date) -> bool:
        """Whether `day` is worked; beyond the horizon nothing is."""
        ordinal = day.toordinal()
        return FIRST_DAY <= ordinal <= LAST_DAY and self._worked[ordinal - FIRST_DAY] == 1

    def count_to(self, day: date) -> int:
        """How many working days there are from the horizon's begin up to and including `day`."""
        ordinal = day.toordinal()
        if ordinal < FIRST_DAY:
            return 0
        return self._count[ordinal - FIRST_DAY] if ordinal <= LAST_DAY else len(self._days)

    def after(self, day: date, n: int) -> date:
        """The `n`-th working day after `day`, inside the horizon."""
        ordinal = day.toordinal()
        if FIRST_DAY <= ordinal <= LAST_DAY:
            place = self._count[ordinal - FIRST_DAY] + n
            if 0 < place <= len(self._days):
                return date.fromordinal(self._days[place - 1])
        return self.nth(self.count_to(day) + n)

    def nth(self, count: int) -> date:
        """The working day that is the `count`-th since the horizon's begin, or the horizon's end that it passes."""
        if count < 1:
            return date.fromordinal(FIRST_DAY)
        if count > len(self._days):
            return date.fromordinal(LAST_DAY)
        return date.fromordinal(self._days[count - 1])


class Stretch(NamedTuple):
    """The windows of 400 days as instants, with the working time of this stretch that lies before each."""

    opens: list[int]
    closes: list[int]
    before: list[int]
    total: int

    def worked(self, moment: int) -> int:
        """Working microseconds from the begin of the stretch to `moment`."""
        window = bisect_right(self.opens, moment) - 1
        if window < 0:
            return 0
        return self.before[window] + min(moment, self.closes[window]) - self.opens[window]


NOTHING = Stretch([], [], [], 0)


class WorkingTime:
    """Working time on the line of instants; stretches are laid out when first asked for.

    An instant is worked exactly when the local clock reads inside a window of the local day. So a window in a
    night of daylight saving lasts as long as the clock stays in it: shorter where the hour is left out, longer
    where it comes twice.
    """

    def __init__(self, zone: ZoneInfo, windows: Callable[[date], Iterable[tuple[int, int]]]) -> None:
        """`windows` answers a local day's windows in microseconds since its midnight, in order."""
        self._zone = zone
        self._windows = windows
        self._stretch = cache(self._lay_out)

    def between(self, begin: int, end: int) -> int:
        """Working microseconds from `begin` to `end`, 0 if the end is not later."""
        if end <= begin:
            return 0
        first, last = begin // STRETCH, end // STRETCH
        stretch = self._stretch(first)
        if first == last:
            return stretch.worked(end) - stretch.worked(begin)
        whole = sum(self._stretch(number).total for number in range(first, last))
        return whole - stretch.worked(begin) + self._stretch(last).worked(end)

    def after(self, begin: int, amount: int) -> int:
        """The instant at which `amount` > 0 of working time since `begin` is over, at the latest the horizon's end.

        An amount used up at the very end of a window ends there, not when the next one opens.
        """
        number = begin // STRETCH
        opens, closes, before, total = self._stretch(number)
        window = bisect_right(opens, begin) - 1
        if window >= 0:
            # As `Stretch.worked`, written out: most of what is computed here passes through these lines.
            closed = closes[window]
            amount += before[window] - opens[window] + (begin if begin < closed else closed)  # noqa: FURB136 - a call is dear here
        while amount > total:
            if number >= LAST_STRETCH:
                return END
            amount -= total
            number += 1
            opens, _, before, total = self._stretch(number)
            window = 0
        window = bisect_left(before, amount, max(window, 0)) - 1
        return opens[window] + amount - before[window]

    def closes_before(self, moment: int) -> int:
        """The end of the last window that opens in the 400 days before an instant; before every instant if none does."""
        number = (moment - 1) // STRETCH
        for opens, closes, _, _ in (self._stretch(number), self._stretch(number - 1)):
            window = bisect_left(opens, moment) - 1
            if window >= 0:
                return closes[window]
        return BEGIN - 1

    def _lay_out(self, number: int) -> Stretch:
        if not FIRST_STRETCH <= number <= LAST_STRETCH:
            return NOTHING
        opens, closes = [], []
        for begin, end, offset in _offsets(self._zone, number):
            for day in range((begin + offset) // DAY, (end + offset - 1) // DAY + 1):
                midnight = day * DAY - offset
                for window_opens, window_closes in self._windows(date.fromordinal(EPOCH_DAY + day)):
                    # A day that changes its offset is seen once on either side, and cut where it changes.
                    opened, closed = max(midnight + window_opens, begin), min(midnight + window_closes, end)
                    if opened < closed:
                        opens.append(opened)
                        closes.append(closed)
        *before, total = accumulate((c - o for o, c in zip(opens, closes, strict=True)), initial=0)
        return Stretch(opens, closes, before, total)


@lru_cache(maxsize=1024)
def _offsets(zone: ZoneInfo, number: int) -> tuple[tuple[int, int, int], ...]:
    """The parts (begin, end, offset from UTC) of a stretch in which the zone keeps its offset."""
    begin, end = number * STRETCH, (number + 1) * STRETCH
    days = range(begin, end, DAY)
    changes = [_change(zone, day) for day in days if _offset(zone, day) != _offset(zone, day + DAY)]
    edges = [begin, *changes, end]
    return tuple((since, until, _offset(zone, since)) for since, until in pairwise(edges) if since < until)


def _change(zone: ZoneInfo, begin: int) -> int:
    """The second, within a day from `begin`, since which the zone has its new offset."""
    seconds = range(begin, begin + DAY + SECOND, SECOND)
    offset = _offset(zone, begin)
    return seconds[bisect_left(seconds, True, key=lambda second: _offset(zone, second) != offset)]


def _offset(zone: ZoneInfo, moment: int) -> int:
    return (instant(moment).astimezone(zone).utcoffset() or timedelta()) // MICROSECOND
