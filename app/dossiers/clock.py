"""The clock of one dossier: its due date, and how pauses move it.

Pure, after §3 of the domain note and Decree 118/2025/NĐ-CP on supplements and re-appointments. It knows intervals and
due dates; which events they come from, the fold says.
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from app.events.instants import due
from app.worktime.calendar import Calendar
from app.worktime.deadline import Due, move, paused

WaitKind = Literal["supplement", "fee"]


def told(text: str | None, zone: ZoneInfo) -> Due | None:
    """A due date as an event tells it: an RFC 3339 instant, or a bare date of `zone`; None if it tells none."""
    if text is None:
        return None
    date = due(text)
    return Due.by(date) if isinstance(date, datetime) else Due.on(date, zone)


class Wait(NamedTuple):
    """The applicant is waited for, from `begin` (UTC); `end` is None while it lasts.

    `stops` tells whether the clock stands still meanwhile; `new_due` is the date on the slip that ended it.
    """

    kind: WaitKind
    begin: datetime
    end: datetime | None
    stops: bool
    new_due: Due | None = None


class Stretch(NamedTuple):
    """Overlapping pauses as one: from the first begin to the last end (None while one lasts)."""

    begin: datetime
    end: datetime | None
    waits: tuple[Wait, ...]


class Clock(NamedTuple):
    """Where the clock stands: `due` moved by what counted, `counted` and `ignored` stretches.

    `overdue_from` is the instant after which the open dossier is overdue: the later of the due date and the end
    of the last pause that counted; None without a due date, or while such a pause lasts. `amount` is how far the pauses
    since the last date on a slip moved it: working days of a bare date, working microseconds of an instant.
    """

    due: Due | None
    overdue_from: datetime | None
    counted: Sequence[Stretch] = ()
    ignored: Sequence[Stretch] = ()
    amount: int | Fraction = 0


def run(base: Due | None, waits: Sequence[Wait], calendar: Calendar) -> Clock:
    """The clock of a dossier that was first due at `base`.

    A pause begun by the due date (as moved until then) moves it by its working time, or to the date on the slip
    that ends it. A pause begun later changes nothing: no pause cures lateness.
    """
    moved = anchor = base
    amount: int | Fraction = 0
    counted: list[Stretch] = []
    ignored: list[Stretch] = []
    for stretch in stretches(waits):
        if moved is not None and stretch.begin > moved.at:
            ignored.append(stretch)
            continue
        counted.append(stretch)
        begin = stretch.begin
        for wait in stretch.waits:
            if wait.new_due is not None and wait.end is not None:
                anchor, begin, amount = wait.new_due, wait.end, 0
        if anchor is not None and stretch.end is not None:
            moved_by = paused(anchor, calendar, [(begin, stretch.end)])
            amount = amount + moved_by if amount else moved_by
        moved = move(anchor, calendar, amount) if anchor is not None else None
    return Clock(moved, _overdue_from(moved, counted), counted, ignored, amount)


def _overdue_from(moved: Due | None, counted: Sequence[Stretch]) -> datetime | None:
    if moved is None:
        return None
    if not counted:
        return moved.at
    last = counted[-1].end
    return max(moved.at, last) if last is not None else None


def stretches(waits: Sequence[Wait]) -> list[Stretch]:
    """The waits that stop the clock, overlapping ones joined; the waits of each in the order of their ends."""
    joined: list[list[Wait]] = []
    until: datetime | None = None
    for wait in sorted((wait for wait in waits if wait.stops), key=lambda wait: wait.begin):
        if joined and (until is None or wait.begin <= until):
            joined[-1].append(wait)
            until = None if until is None or wait.end is None else max(until, wait.end)
        else:
            joined.append([wait])
            until = wait.end
    return [_stretch(group) for group in joined]


def _stretch(group: Sequence[Wait]) -> Stretch:
    ended = sorted((wait for wait in group if wait.end is not None), key=_end)
    lasting = [wait for wait in group if wait.end is None]
    end = None if lasting else _end(ended[-1])
    return Stretch(min(wait.begin for wait in group), end, (*ended, *lasting))


def _end(wait: Wait) -> datetime:
    assert wait.end is not None  # noqa: S101 - asked of ended waits only
    return wait.end
