"""How counts follow from pre-counted cells: what a cell holds, which counts it answers, and which cells cover a period.

Pure. A cell sums *flows*: what dossiers did at instants that lie in its days. A count is a sum of flows within the
period, or, for what stands at an instant, of all flows before it; so it knows days and sums, and no dossier.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from app.metrics.periods import Period, midnight

FLOWS: Final = (
    *("received", "received_online", "received_counter", "received_post"),
    *("received_full", "received_partial", "received_none", "received_unknown"),
    *("received_full_online", "received_eligible", "received_eligible_full_online"),
    *("received_online_with_result", "received_fee", "received_fee_unknown", "received_fee_paid_online"),
    *("ended_early", "ended_on_time", "ended_late", "ended_undated", "withdrawn", "stopped"),
    *("ended_late_apologised", "ended_late_apologised_in_time", "late_in_data_only"),
    *("finished_early", "finished_on_time", "finished_undated"),
    *("withdrawn_not_late", "stopped_not_late", "intake_refused_not_late"),
    *("open", "overdue", "overdue_apologised", "overdue_apologised_in_time"),
    *("fell_due", "fell_due_apologised", "fell_due_apologised_in_time"),
    *("waiting_supplement", "waiting_fee", "paid_online", "submitted", "submitted_answered_in_time"),
    *("received_dated", "received_undated", "received_late", "received_fell_late"),
    *("due", "due_kept", "due_at_reception", "due_kept_at_reception"),
    *("waiting_overdue", "waiting_fell_overdue"),
)
"""What a cell sums, as `dossier_flows()` in the database says it of one dossier.

`open`, `overdue`, `received_late` and the waits are net: one for who enters the state, minus one for who leaves it. Who
enters it by a deadline, and not by a fact, stands in `fell_due`, `received_fell_late` or `waiting_fell_overdue` instead:
deadlines lie in the future, facts in the past. For the same reason a dossier that was received after it was due is not in
`due`.
"""

INPUTS: Final = (
    *("unit", "channel", "received_at", "counted_at", "ended_at", "service_level", "outcome", "end_kind"),
    *("due_original", "overdue_from", "portal_due", "portal_overdue_from"),
    *("repeat_waits", "supplement_waits", "fee_waits"),
    *("full_eligible", "document_result", "electronic_result_at"),
    *("fee_bearing", "paid_online_at", "online_payments", "apology_at", "apology_deadline"),
    *("late_in_data_only", "submitted_unit", "submitted_at", "intake_answered_at", "intake_deadline"),
)
"""The columns of a dossier from which `dossier_flows()` tells its flows, in the order of its parameters."""

DEADLINES: Final = frozenset(
    {
        *("fell_due", "fell_due_apologised", "fell_due_apologised_in_time"),
        *("received_fell_late", "due", "due_kept", "waiting_fell_overdue"),
    }
)
"""Flows at the instants of deadlines, which may lie ahead."""

LEARNT: Final = frozenset(
    {
        *("received_online_with_result", "received_fee_paid_online", "received_late", "received_fell_late"),
        *("ended_late_apologised", "ended_late_apologised_in_time", "paid_online"),
        *("submitted", "submitted_answered_in_time"),
        *("due", "due_kept", "due_at_reception", "due_kept_at_reception"),
    }
)
"""Flows that count by an instant of their own once a second thing has happened too, which may be long after it.

They lie in the cells of the second, which tell in which earlier half the first lies.
"""

VERSION: Final = 4
"""Raised whenever a flow or a grain changes: all cells are then counted again."""

When = Literal["within", "at_begin", "at_end"]


class Measure(NamedTuple):
    """A count: flows within the period, or all flows before its begin or its end, added and subtracted.

    A `submission` counts for the unit it was submitted to, and is never asked for together with what does not. Nor are
    `procedures`: those with any such flow are counted, each once, and only if they bear a fee.
    """

    when: When
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()
    submission: bool = False
    procedures: bool = False


_OVERDUE: Final = ("fell_due", "overdue")

# Domain note §6.
MEASURES: Final[Mapping[str, Measure]] = {
    **{
        name: Measure("within", (name,))
        for name in (
            *("received", "received_online", "received_counter", "received_post"),
            *("received_full_online", "received_eligible", "received_eligible_full_online"),
            *("received_online_with_result", "received_fee", "received_fee_unknown"),
            *("received_fee_paid_online", "received_dated", "received_undated"),
            *("withdrawn", "stopped", "late_in_data_only"),
            *("finished_early", "finished_on_time", "finished_undated"),
            *("withdrawn_not_late", "stopped_not_late", "intake_refused_not_late"),
        )
    },
    **{
        f"received_level_{level}": Measure("within", (f"received_{level}",))
        for level in ("full", "partial", "none", "unknown")
    },
    **{
        f"resolved_{outcome}": Measure("within", (f"ended_{outcome}",))
        for outcome in ("early", "on_time", "late", "undated", "late_apologised", "late_apologised_in_time")
    },
    **{
        name: Measure("within", (name,), submission=True)
        for name in ("submitted", "submitted_answered_in_time")
    },
    "received_late": Measure("within", ("received_late", "received_fell_late")),
    **{name: Measure("within", (name, f"{name}_at_reception")) for name in ("due", "due_kept")},
    "carried_over": Measure("at_begin", ("open",)),
    "in_progress_not_due": Measure("at_end", ("open",), _OVERDUE),
    "in_progress_overdue": Measure("at_end", _OVERDUE),
    **{
        f"in_progress_overdue_{how}": Measure("at_end", tuple(f"{flow}_{how}" for flow in _OVERDUE))
        for how in ("apologised", "apologised_in_time")
    },
    "waiting_supplement": Measure("at_end", ("waiting_supplement",)),
    "waiting_supplement_not_due": Measure(
        "at_end", ("waiting_supplement",), ("waiting_overdue", "waiting_fell_overdue")
    ),
    "waiting_fee": Measure("at_end", ("waiting_fee",)),
    "fee_procedures": Measure("within", ("received", "paid_online"), procedures=True),
    "fee_procedures_paid_online": Measure("within", ("paid_online",), procedures=True),
}


def is_plain(count: str) -> bool:
    """Whether cells hold a count, and it counts from the instant of its fact on, without anything to be learnt later."""
    return count in MEASURES and LEARNT.isdisjoint(MEASURES[count].plus + MEASURES[count].minus)


Family = Literal["all", "unit", "unit channel", "sector", "unit sector", "procedure", "unit procedure"]
"""The cells there are, by their keys."""

Span = Literal["day", "half", "year"]

SPANS: Final[Mapping[Family, tuple[Span, ...]]] = {
    "all": ("year", "half", "day"),
    "unit": ("year", "half", "day"),
    "unit channel": ("year", "half"),
    "sector": ("year", "half", "day"),
    "unit sector": ("year", "half"),
    "procedure": ("year", "half", "day"),
    "unit procedure": ("year",),
}
"""Their days, coarsest first. Days of units by more than these, and halves of procedures by unit, would hardly be fewer than
dossiers; days of procedures hold `HANDLING` only."""

HANDLING: Final = ("received", "paid_online")
"""The flows by which procedures are counted."""

_KEYS: Final[Mapping[Family, frozenset[str]]] = {
    "all": frozenset(),
    "unit": frozenset({"unit"}),
    "unit channel": frozenset({"unit", "channel"}),
    "sector": frozenset({"sector"}),
    "unit sector": frozenset({"unit", "sector"}),
    "procedure": frozenset({"sector", "procedure"}),
    "unit procedure": frozenset({"unit", "sector", "procedure"}),
}

_ONE_DAY: Final = timedelta(days=1)
_SECOND_HALF: Final = 15


def family(keys: frozenset[str]) -> Family | None:
    """The first that knows every one of these keys: unit, channel, sector, procedure. None: no cells do."""
    return next((found for found, known in _KEYS.items() if keys <= known), None)


def spans(cells: Family, flows: Collection[str]) -> tuple[Span, ...]:
    """The days of the cells that hold these flows, coarsest first."""
    usable = SPANS[cells]
    return usable if cells != "procedure" or set(flows) <= set(HANDLING) else usable[:-1]


def begins(span: Span, day: date) -> date:
    """The first day of the cell that `day` lies in: halves begin on the 1st and on the 15th, as both calendars do."""
    if span == "day":
        return day
    if span == "half":
        return day.replace(day=1 if day.day < _SECOND_HALF else _SECOND_HALF)
    return date(day.year, 1, 1)


def follows(span: Span, day: date) -> date:
    """The first day after the cell that `day` lies in."""
    if span == "day":
        return day + _ONE_DAY
    if span == "year":
        return date(day.year + 1, 1, 1)
    first = begins(span, day)
    if first.day == 1:
        return first.replace(day=_SECOND_HALF)
    years, month = divmod(first.month, 12)
    return date(first.year + years, month + 1, 1)


class Piece(NamedTuple):
    """The cells of one span whose first days lie in [begin, end). Place 0 is before the period, then come its buckets."""

    span: Span
    begin: date
    end: date
    place: int


class Cut(NamedTuple):
    """What `now` cuts in two: cells of facts that end at `end`, and the cell of deadlines from `due_from` on.

    Facts lie in the past, so that hardly any are in those cells at or after `now`. `begin` is that of the bucket, of
    the place it belongs to; deadlines from `due_from` until `now` are in no piece.
    """

    begin: datetime
    due_from: datetime
    now: datetime
    end: datetime
    place: int


@dataclass(frozen=True)
class Cover:
    """The cells that hold all facts, and those that hold all deadlines, before the end of the last bucket.

    By days they follow one another. `begins` are the first days of the buckets by place.
    """

    facts: Sequence[Piece]
    deadlines: Sequence[Piece]
    begins: Mapping[int, date]
    cut: Cut | None

    def learns(self) -> bool:
        """Whether it tells what belongs to the bucket in which it was learnt: cells know halves of what came before."""
        return all(begins("half", day) == day for day in self.begins.values())


class _Uncovered(Exception):  # noqa: N818 - named for what happened
    """An edge lies inside a cell of the finest span."""


def cover(usable: Sequence[Span], buckets: Sequence[Period], zone: tzinfo, now: datetime) -> Cover | None:
    """The coarsest cells that hold the buckets, which follow one another, and all before them; None if none fit exactly.

    Whatever happens at or after `now` is left out, as `cut` tells.
    """
    days = [buckets[0].from_, *(bucket.to + _ONE_DAY for bucket in buckets)]
    first = {place: bucket.from_ for place, bucket in enumerate(buckets, 1)}
    pieces: list[Piece] = []
    begun = date.min
    try:
        for place, day in enumerate(days):
            if midnight(day, zone) > now:
                return _open_ended(usable, pieces, first, begun, place, zone, now)
            pieces += _pieces(usable, begun, day, place)
            begun = day
    except _Uncovered:
        return None
    return Cover(pieces, pieces, first, None)


def _open_ended(
    usable: Sequence[Span],
    pieces: Sequence[Piece],
    first: Mapping[int, date],
    begun: date,
    place: int,
    zone: tzinfo,
    now: datetime,
) -> Cover:
    """The cover of a last bucket that runs from `begun` until `now`.

    Facts are taken from the coarsest cell that holds today and nothing before the bucket, to its end. Raises _Uncovered.
    """
    today = now.astimezone(zone).date()
    coarsest = next((span for span in usable if begins(span, today) >= begun), usable[-1])
    beyond, due_from = follows(coarsest, today), begins(usable[-1], today)
    facts = [*pieces, *_pieces(usable, begun, beyond, place)]
    deadlines = [*pieces, *_pieces(usable, begun, due_from, place)]
    begin = midnight(begun, zone) if place else now
    return Cover(
        facts, deadlines, first, Cut(begin, midnight(due_from, zone), now, midnight(beyond, zone), place)
    )


def _pieces(usable: Sequence[Span], begin: date, end: date, place: int) -> Iterator[Piece]:
    """The days [begin, end) as cells, the coarsest that fit in the middle. Raises _Uncovered."""
    if begin == end:
        return
    if not usable or begin > end:
        raise _Uncovered
    span, *finer = usable
    first = begin if begins(span, begin) == begin else follows(span, begin)
    last = begins(span, end)
    if first >= last:
        yield from _pieces(finer, begin, end, place)
        return
    yield from _pieces(finer, begin, first, place)
    yield Piece(span, first, last, place)
    yield from _pieces(finer, last, end, place)
