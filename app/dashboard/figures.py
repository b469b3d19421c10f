"""The figures of the pages: asked and made by the functions that the API uses, under the key that reads.

It goes through the catalogue by key and skips what is not there; how a figure is shown, the templates say.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard.frame import Frame
from app.directory import reach
from app.figures.rows import rate_figure
from app.metrics import periods
from app.metrics.catalogue import CATALOGUE, COUNTS
from app.metrics.metric import Rate
from app.metrics.periods import Period, containing
from app.metrics.queries import tally
from app.metrics.question import Dimension, Question
from app.targets.rates import together

# Domain note §1: the five figures that units sign for; the second name stands in where the first is not measured.
_FIVE: Final = (
    ("on_time",),
    ("full_online", "online"),
    ("online_payment_procedures",),
    ("online_payment",),
    ("apology",),
)
MONTHS: Final = 12
Row = Mapping[str, Any]


def rates() -> list[Rate]:
    """Every rate of the catalogue, in its order."""
    return [metric for metric in CATALOGUE.values() if isinstance(metric, Rate)]


def main_rates() -> list[Rate]:
    """The five figures that units sign for, as far as they are measured."""
    known = {metric.key: metric for metric in rates()}
    return [known[found] for names in _FIVE if (found := next(filter(known.__contains__, names), None))]


@dataclass(frozen=True)
class Figures:
    """One group: its keys, its rates by metric, and its counts with their sums."""

    keys: tuple[str | None, ...]
    rates: Mapping[str, Row]
    counts: Mapping[str, int]


async def figures(
    connection: AsyncConnection,
    frame: Frame,
    period: Period,
    *,
    unit: str | None,
    by: Sequence[Dimension] = (),
    metrics: Collection[Rate],
    counts: bool = True,
) -> list[Figures]:
    """These rates, and all counts, of a unit with all below it (None: of all that the key reaches), by group.

    Without keys exactly one group. Raises Problem forbidden for a unit outside of the key's.
    """
    put = asked(frame, period, unit, by)
    reader = frame.reader
    counted: dict[tuple[str | None, ...], dict[str, int]] = {}
    wanted = [*(COUNTS.needs if counts else ()), *(count for metric in metrics for count in metric.needs)]
    for needs in together(wanted):
        groups = await tally(connection, replace(put, counts=needs), zone=reader.zone, now=reader.now)
        for group in groups:
            counted.setdefault(group.keys, {}).update(group.counts)
    return [_made(keys, Counter(found), metrics, counts=counts) for keys, found in counted.items()]


def asked(frame: Frame, period: Period, unit: str | None, by: Sequence[Dimension] = ()) -> Question:
    """The question that the API puts for the same unit, keys and period, by the structure of then."""
    reader = frame.reader
    root = unit if unit is not None else reader.caller.unit
    units = [unit] if unit is not None else []
    about = reach.Asked(units, root, by, period.from_, period.to, "then")
    found = reach.regrouped_in(frame.structure, reader.caller, about, reader.today)
    return Question((), period, tuple(by), found.units, root=root, regroup=found.groups)


def _made(
    keys: tuple[str | None, ...], found: Mapping[str, int], metrics: Collection[Rate], *, counts: bool
) -> Figures:
    return Figures(
        keys,
        {metric.key: rate_figure(metric, found) for metric in metrics},
        COUNTS.of({key: found[key] for key in COUNTS.needs}) if counts else {},
    )


@dataclass(frozen=True)
class Months:
    """Rates of the last months and of the same months a year before; a month without any dossier has no rates."""

    labels: Sequence[str]
    periods: Sequence[Period]
    past_periods: Sequence[Period]
    present: Sequence[Mapping[str, Row]]
    past: Sequence[Mapping[str, Row]]


def month_questions(frame: Frame) -> tuple[Period, Period]:
    """The two years of months that a trend shows, and the month a year ago, until the same day as the present one."""
    year = year_of_months(frame.reader.today)
    whole = Period(year.from_.replace(year=year.from_.year - 1), frame.reader.today)
    past = periods.before(None, year, "last_year", year.to + timedelta(days=1))
    assert past is not None  # noqa: S101 - there always is a year before
    return whole, past.split("month")[-1]


def year_of_months(today: date) -> Period:
    """The last twelve months, this one until today."""
    first = containing(today, "month").from_
    for _ in range(MONTHS - 1):
        first = containing(first - timedelta(days=1), "month").from_
    return Period(first, today)


def months(frame: Frame, both: Sequence[Figures], running: Sequence[Figures]) -> Months:
    """The answers to `month_questions`, in the order of time; both asked by month."""
    whole, cut = month_questions(frame)
    found = {group.keys[0]: group.rates for group in both}
    pieces = whole.split("month")
    past, present = [*pieces[: MONTHS - 1], cut], pieces[-MONTHS:]
    before = [found.get(piece.label("month"), {}) for piece in past[:-1]]
    return Months(
        [piece.label("month") for piece in present],
        present,
        past,
        [found.get(piece.label("month"), {}) for piece in present],
        [*before, next((group.rates for group in running), {})],
    )


def worst_procedures(groups: Sequence[Figures], metric: Rate, limit: int) -> list[Figures]:
    """Procedures with the most dossiers that count below the line alone, the most first; those without any left out."""

    def missed(group: Figures) -> int:
        row = group.rates[metric.key]
        return int(row["denominator"] - row["numerator"])

    found = [group for group in groups if missed(group) > 0]
    return sorted(found, key=lambda group: (-missed(group), group.keys[0] or ""))[:limit]
