"""Due dates counted per second on one core; the goal is 300,000.

It knows nothing of the database: the arithmetic alone is measured, over three years with holidays and swaps.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import starmap
from random import Random
from time import perf_counter
from zoneinfo import ZoneInfo

from app.worktime.deadline import Due, add_working_days, add_working_hours, shift, worked_between
from app.worktime.vietnam import national

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = national(ZONE)


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    random = Random(1)  # noqa: S311 - sample data
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    received = [
        begin + timedelta(seconds=random.randrange(3 * 365 * 86_400))
        for _ in range(20_000 if quick else 100_000)
    ]
    durations = [(moment, random.choice((1, 3, 5, 10, 15, 20, 30))) for moment in received]
    pauses = [(moment, moment + timedelta(days=n)) for moment, n in durations]
    return {
        "due_in_working_days_per_second": _rate(_due_in_days, durations),
        "due_in_working_hours_per_second": _rate(_due_in_hours, durations),
        "measured_per_second": _rate(_measured, pauses),
        "moved_dates_per_second": _rate(
            _moved, [(Due.on(end.date(), ZONE), (begin, end)) for begin, end in pauses]
        ),
        "moved_instants_per_second": _rate(_moved, [(Due.by(end), (begin, end)) for begin, end in pauses]),
    }


def _due_in_days(received: datetime, n: int) -> Due:
    return Due.on(add_working_days(CALENDAR, received, n), ZONE)


def _due_in_hours(start: datetime, n: int) -> Due:
    return Due.by(add_working_hours(CALENDAR, start, n))


def _measured(begin: datetime, end: datetime) -> timedelta:
    return worked_between(CALENDAR, begin, end)


def _moved(due: Due, pause: tuple[datetime, datetime]) -> Due:
    return shift(due, CALENDAR, [pause])


def _rate(count: Callable[..., object], cases: Sequence[tuple[object, ...]]) -> float:
    """Cases per second in the best of nine rounds, so that a neighbour's work is not measured."""
    rounds = []
    for _ in range(9):
        begin = perf_counter()
        deque(starmap(count, cases), maxlen=0)
        rounds.append(perf_counter() - begin)
    return len(cases) / min(rounds)
