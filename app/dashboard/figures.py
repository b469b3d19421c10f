"""The figures of the pages: asked and made by the functions that the API uses, under the key that reads.

It goes through the catalogue by key and skips what is not there; how a figure is shown, the templates say.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard.reader import Reader
from app.figures.asked import question
from app.figures.parameters import RateAsked
from app.figures.rows import rate_figure
from app.metrics import periods
from app.metrics.catalogue import CATALOGUE, COUNTS
from app.metrics.counted import COUNTED
from app.metrics.metric import Rate
from app.metrics.periods import Period, containing
from app.metrics.queries import tally

# Domain note §1: the five figures that units sign for; the second name stands in where the first is not measured.
_FIVE: Final = (
    ("on_time",),
    ("full_online", "online"),
    ("online_payment_procedures",),
    ("online_payment",),
    ("apology",),
)
_MONTHS: Final = 12
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
    reader: Reader,
    period: Period,
    *,
    unit: str | None,
    by: Sequence[str] = (),
    metrics: Collection[Rate],
) -> list[Figures]:
    """These rates and all counts of a unit with all below it (None: of all that the key reaches), by group.

    Without keys exactly one group. Raises Problem forbidden for a unit outside of the key's.
    """
    asked = RateAsked.model_validate(
        {
            "from": period.from_.isoformat(),
            "to": period.to.isoformat(),
            "unit": [unit] if unit is not None else [],
            "group_by": list(by),
        }
    )
    put = await question(connection, reader.caller, asked, None, reader.today)
    counted: dict[tuple[str | None, ...], dict[str, int]] = {}
    for needs in _asked_together(metrics):
        groups = await tally(connection, replace(put, counts=needs), zone=reader.zone, now=reader.now)
        for group in groups:
            counted.setdefault(group.keys, {}).update(group.counts)
    return [_made(keys, Counter(counts), metrics) for keys, counts in counted.items()]


def _asked_together(metrics: Collection[Rate]) -> list[tuple[str, ...]]:
    """The counts of these rates and of the balance, apart where they are of submissions.

    Those stand elsewhere: under the unit they were submitted to, and whether or not a reception followed.
    """
    needs = dict.fromkeys([*COUNTS.needs, *(count for metric in metrics for count in metric.needs)])
    submissions = tuple(key for key in needs if COUNTED[key].state.submission)
    received = tuple(key for key in needs if not COUNTED[key].state.submission)
    return [received, submissions] if submissions else [received]


def _made(keys: tuple[str | None, ...], counts: Mapping[str, int], metrics: Collection[Rate]) -> Figures:
    return Figures(
        keys,
        {metric.key: rate_figure(metric, counts) for metric in metrics},
        COUNTS.of({key: counts[key] for key in COUNTS.needs}),
    )


@dataclass(frozen=True)
class Months:
    """Rates of the last months and of the same months a year before; a month without any dossier has no rates."""

    labels: Sequence[str]
    periods: Sequence[Period]
    past_periods: Sequence[Period]
    present: Sequence[Mapping[str, Row]]
    past: Sequence[Mapping[str, Row]]


async def by_month(
    connection: AsyncConnection, reader: Reader, unit: str | None, metrics: Collection[Rate]
) -> Months:
    """The last twelve months, this one until today, against the same days of the year before."""
    first = containing(reader.today, "month").from_
    for _ in range(_MONTHS - 1):
        first = containing(first - timedelta(days=1), "month").from_
    present = Period(first, reader.today)
    past = periods.before(None, present, "last_year", present.to + timedelta(days=1))
    assert past is not None  # noqa: S101 - there always is a year before
    series = []
    for span in (present, past):
        groups = await figures(connection, reader, span, unit=unit, by=["month"], metrics=metrics)
        known = {group.keys[0]: group.rates for group in groups}
        series.append([known.get(piece.label("month"), {}) for piece in span.split("month")])
    pieces = present.split("month")
    return Months([piece.label("month") for piece in pieces], pieces, past.split("month"), *series)


def worst_procedures(groups: Sequence[Figures], metric: Rate, limit: int) -> list[Figures]:
    """Procedures with the most dossiers that count below the line alone, the most first; those without any left out."""

    def missed(group: Figures) -> int:
        row = group.rates[metric.key]
        return int(row["denominator"] - row["numerator"])

    found = [group for group in groups if missed(group) > 0]
    return sorted(found, key=lambda group: (-missed(group), group.keys[0] or ""))[:limit]


def named_period(name: str | None, begin: str | None, end: str | None, today: date) -> Period:
    """The period that the reader chose; this year to date without a choice. Raises `periods.Misread`."""
    return periods.asked(name, begin, end, today)
