"""How counts follow from pre-counted cells: what a cell holds, which counts it answers, and which cells cover a period.

Pure. A cell sums *flows*: what dossiers did at instants that lie in its days. A count is a sum of flows within the
period, or, for what stands at an instant, of all flows before it; so it knows days and sums, and no dossier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from app.metrics.periods import Period, midnight

FLOWS: Final = (
    "received",
    "received_full",
    "received_partial",
    "received_none",
    "received_unknown",
    "ended_early",
    "ended_on_time",
    "ended_late",
    "ended_undated",
    "withdrawn",
    "stopped",
    "open",
    "fell_due",
    "overdue",
    "waiting_supplement",
    "waiting_fee",
    "received_eligible",
    "received_eligible_full",
    "late_in_data_only",
    "finished_early",
    "finished_on_time",
    "finished_undated",
    "withdrawn_not_late",
    "stopped_not_late",
    "intake_refused_not_late",
)
"""What a cell sums, as `dossier_flows()` in the database says it of one dossier.

`open`, `overdue` and the waits are net: one for who enters the state, minus one for who leaves it. Who becomes overdue
by a deadline, and not by a fact, stands in `fell_due` instead: deadlines lie in the future, facts in the past.
"""

DEADLINES: Final = frozenset({"fell_due"})

VERSION: Final = 2
"""Raised whenever a flow or a grain changes: all cells are then counted again."""

When = Literal["within", "at_begin", "at_end"]


class Term(NamedTuple):
    """One flow; of one channel only, if it names one."""

    flow: str
    channel: str | None = None


class Measure(NamedTuple):
    """A count: flows within the period, or all flows before its begin or its end, added and subtracted."""

    when: When
    plus: tuple[Term, ...]
    minus: tuple[Term, ...] = ()


_OVERDUE: Final = (Term("fell_due"), Term("overdue"))

# Domain note §6; every count that is not named here is counted from the dossiers themselves.
MEASURES: Final[Mapping[str, Measure]] = {
    "received": Measure("within", (Term("received"),)),
    **{
        f"received_{channel}": Measure("within", (Term("received", channel),))
        for channel in ("online", "counter", "post")
    },
    **{
        f"received_level_{level}": Measure("within", (Term(f"received_{level}"),))
        for level in ("full", "partial", "none", "unknown")
    },
    "received_full_online": Measure("within", (Term("received_full", "online"),)),
    "received_eligible": Measure("within", (Term("received_eligible"),)),
    "received_eligible_full_online": Measure("within", (Term("received_eligible_full", "online"),)),
    "carried_over": Measure("at_begin", (Term("open"),)),
    **{
        f"resolved_{outcome}": Measure("within", (Term(f"ended_{outcome}"),))
        for outcome in ("early", "on_time", "late", "undated")
    },
    **{
        name: Measure("within", (Term(name),))
        for name in (
            "withdrawn",
            "stopped",
            "late_in_data_only",
            "finished_early",
            "finished_on_time",
            "finished_undated",
            "withdrawn_not_late",
            "stopped_not_late",
            "intake_refused_not_late",
        )
    },
    "in_progress_not_due": Measure("at_end", (Term("open"),), _OVERDUE),
    "in_progress_overdue": Measure("at_end", _OVERDUE),
    "waiting_supplement": Measure("at_end", (Term("waiting_supplement"),)),
    "waiting_fee": Measure("at_end", (Term("waiting_fee"),)),
}

Grain = Literal["day", "half", "year", "sector", "procedure"]
"""`day`, `half` and `year` are by unit and channel; `sector` and `procedure` are halves by these keys too."""

Unit = Literal["day", "half", "year"]

GRAINS: Final[Mapping[Grain, Unit]] = {
    "day": "day",
    "half": "half",
    "year": "year",
    "sector": "half",
    "procedure": "half",
}

_ONE_DAY: Final = timedelta(days=1)
_SECOND_HALF: Final = 15


def grains(keys: frozenset[str]) -> tuple[Grain, ...]:
    """The grains, coarsest first, that know every one of these keys."""
    if "procedure" in keys:
        return ("procedure",)
    if "sector" in keys:
        return ("sector",)
    return ("year", "half", "day")


def begins(unit: Unit, day: date) -> date:
    """The first day of the cell that `day` lies in: halves begin on the 1st and on the 15th, as both calendars do."""
    if unit == "day":
        return day
    if unit == "half":
        return day.replace(day=1 if day.day < _SECOND_HALF else _SECOND_HALF)
    return date(day.year, 1, 1)


def follows(unit: Unit, day: date) -> date:
    """The first day after the cell that `day` lies in."""
    if unit == "day":
        return day + _ONE_DAY
    if unit == "year":
        return date(day.year + 1, 1, 1)
    first = begins(unit, day)
    if first.day == 1:
        return first.replace(day=_SECOND_HALF)
    years, month = divmod(first.month, 12)
    return date(first.year + years, month + 1, 1)


class Piece(NamedTuple):
    """The cells of one grain whose first days lie in [begin, end). Place 0 is before the period, then come its buckets.

    Not `whole`: the cell holds the present instant, and its deadlines are counted one by one.
    """

    grain: Grain
    begin: date
    end: date
    place: int
    whole: bool = True


class Cut(NamedTuple):
    """The cell that `now` cuts in two: it spans the instants [begin, end) and belongs to `place` as far as it is past."""

    begin: datetime
    now: datetime
    end: datetime
    place: int


@dataclass(frozen=True)
class Cover:
    """The cells that hold all that happened before the end of the last bucket; by days they follow one another."""

    pieces: Sequence[Piece]
    cut: Cut | None


class _Uncovered(Exception):  # noqa: N818 - named for what happened
    """An edge lies inside a cell of the finest grain."""


def cover(usable: Sequence[Grain], buckets: Sequence[Period], zone: tzinfo, now: datetime) -> Cover | None:
    """The coarsest cells that hold the buckets, which follow one another, and all before them; None if none fit exactly.

    Whatever happens at or after `now` is left out: the one cell that `now` lies inside is told as `cut`.
    """
    days = [buckets[0].from_, *(bucket.to + _ONE_DAY for bucket in buckets)]
    pieces: list[Piece] = []
    begun = date.min
    try:
        for place, day in enumerate(days):
            if midnight(day, zone) > now:
                last = _last(usable, begun, place, zone, now)
                return Cover([*pieces, *last[0]], last[1])
            pieces += _pieces(usable, begun, day, place)
            begun = day
    except _Uncovered:
        return None
    return Cover(pieces, None)


def _last(
    usable: Sequence[Grain], begun: date, place: int, zone: tzinfo, now: datetime
) -> tuple[list[Piece], Cut | None]:
    """The cells from `begun` up to `now`."""
    finest = usable[-1]
    today = now.astimezone(zone).date()
    begin, end = begins(GRAINS[finest], today), follows(GRAINS[finest], today)
    pieces = list(_pieces(usable, begun, begin, place))
    if midnight(begin, zone) == now:
        return pieces, None
    pieces.append(Piece(finest, begin, end, place, whole=False))
    return pieces, Cut(midnight(begin, zone), now, midnight(end, zone), place)


def _pieces(usable: Sequence[Grain], begin: date, end: date, place: int) -> Iterator[Piece]:
    """The days [begin, end) as cells, the coarsest that fit in the middle. Raises _Uncovered."""
    if begin == end:
        return
    if not usable or begin > end:
        raise _Uncovered
    coarsest, *finer = usable
    unit = GRAINS[coarsest]
    first = begin if begins(unit, begin) == begin else follows(unit, begin)
    last = begins(unit, end)
    if first >= last:
        yield from _pieces(finer, begin, end, place)
        return
    yield from _pieces(finer, begin, first, place)
    yield Piece(coarsest, first, last, place)
    yield from _pieces(finer, last, end, place)
