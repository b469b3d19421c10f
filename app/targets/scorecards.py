"""Scores the rows of a question by a scheme: rates from the one door, points and ranks from the pure rules.

It knows how rates and measures are gathered for rows; what points they give, `scoring` says.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tree import below, branches, chain
from app.metrics.offered import Offered, offered
from app.metrics.periods import Period
from app.metrics.queries import tally
from app.metrics.question import Question
from app.targets.rates import rate_named, ratio, together
from app.targets.scoring import Ratio, Scheme, Score, ranks, score

By = Literal["child", "unit"]

PAID_OF_OFFERED: Final = "online_payment_of_offered"
WITH_FEE_OF_OFFERED: Final = "fee_procedures_of_offered"
MEASURES: Final = frozenset({PAID_OF_OFFERED, WITH_FEE_OF_OFFERED})
"""What schemes score by and no metric answers: B and C of Decision 766, over the fee-bearing procedures offered."""

Unranked = Literal["too_few", "unknown", "not_applicable", "own_dossiers"]


@dataclass(frozen=True, slots=True)
class Place:
    """Which units are scored: those of `units` (None: all), by direct children of `root`, by unit, or together."""

    units: Sequence[str] | None
    root: str | None
    by: By | None


class Card(NamedTuple):
    """What one row reached. `rank` is None with a reason; `of` is how many rows take a place."""

    score: Score
    received: int
    rank: int | None
    of: int
    unranked: Unranked | None


@dataclass(frozen=True, slots=True)
class Asker:
    """How things stand when it is asked; `parents` is child code → parent code."""

    connection: AsyncConnection
    parents: Mapping[str, str]
    zone: tzinfo
    now: datetime

    async def cards(self, scheme: Scheme, period: Period, place: Place) -> dict[str, Card]:
        """Row → its card, ranked among each other; without groups one row, under the empty text."""
        keys, rates, received = await self._rates(scheme.metrics, period, place)
        scored = {row: score(scheme, rates[row]) for row in keys | received.keys()}
        reasons = {
            row: _unranked(row, one, received.get(row, 0), scheme, place) for row, one in scored.items()
        }
        shares = {row: one.share if reasons[row] is None else None for row, one in scored.items()}
        places = ranks(shares)
        return {
            row: Card(one, received.get(row, 0), places.get(row), len(places), reasons[row])
            for row, one in scored.items()
        }

    async def _rates(
        self, metrics: Iterable[str], period: Period, place: Place
    ) -> tuple[set[str], defaultdict[str, dict[str, Ratio]], dict[str, int]]:
        """The rows there are, row → metric → rate, and row → how many were received.

        A metric that nobody counts yet is absent everywhere.
        """
        known = {key: metric for key in metrics if (metric := rate_named(key)) is not None}
        counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
        wanted = [count for metric in known.values() for count in metric.needs]
        for needs in together([*wanted, "received"]):
            for row, counts in (await self._tally(needs, period, place)).items():
                counted[row].update(counts)
        found = {
            key: {row: ratio(metric, counts) for row, counts in counted.items()}
            for key, metric in known.items()
        }
        if MEASURES & set(metrics):
            found |= await self._measured(period, place)
        rows = {row for by_row in found.values() for row in by_row}
        empty = Ratio(0, 0)
        every = dict.fromkeys(found, empty)
        rates: defaultdict[str, dict[str, Ratio]] = defaultdict(lambda: dict(every))
        for key, by_row in found.items():
            for row in rows:
                rates[row][key] = by_row.get(row, empty)
        return rows, rates, {row: some for row, counts in counted.items() if (some := counts["received"])}

    async def _tally(
        self, counts: tuple[str, ...], period: Period, place: Place
    ) -> dict[str, Mapping[str, int]]:
        by, root = (place.by,) if place.by else (), place.root
        groups_of = {"child": branches(self.parents, root)} if place.by == "child" and root else {}
        question = Question(counts, period, by, place.units, root=root, regroup=groups_of)
        groups = await tally(self.connection, question, zone=self.zone, now=self.now)
        rows = ((keys[0] if keys else "", found) for keys, found in groups)
        return {row: found for row, found in rows if row is not None}

    async def _measured(self, period: Period, place: Place) -> dict[str, dict[str, Ratio]]:
        """B and C of Decision 766; distinct procedures are counted within each row."""
        rows: defaultdict[str, list[Offered]] = defaultdict(list)
        told = await offered(self.connection, period, place.units, zone=self.zone, now=self.now)
        for unit, one in told.items():
            rows[self._row(unit, place)].append(one)

        def shares(part: Callable[[Offered], AbstractSet[str]]) -> dict[str, Ratio]:
            return {
                row: Ratio(
                    len(frozenset().union(*map(part, held))),
                    len(frozenset().union(*(one.procedures for one in held))),
                )
                for row, held in rows.items()
            }

        return {
            PAID_OF_OFFERED: shares(lambda one: one.paid_online),
            WITH_FEE_OF_OFFERED: shares(lambda one: one.with_fee),
        }

    def _row(self, unit: str, place: Place) -> str:
        """The row that the unit's dossiers stand in."""
        if place.by is None:
            return ""
        if place.by == "unit":
            return unit
        way = list(chain(self.parents, unit))
        return way[way.index(place.root) - 1] if place.root in way[1:] else unit

    def beside(self, unit: str) -> Place:
        """The unit among its siblings: the direct children of the unit above; alone where there is none."""
        above = self.parents.get(unit)
        if above is None:
            return Place(below(self.parents, [unit]), None, None)
        return Place(below(self.parents, [above]), above, "child")


def change(now: Fraction | None, before: Fraction | None) -> Fraction | None:
    """How far a share moved; None where one of the two is not known."""
    return None if now is None or before is None else now - before


def _unranked(row: str, one: Score, received: int, scheme: Scheme, place: Place) -> Unranked | None:
    if place.by == "child" and row == place.root:
        return "own_dossiers"
    if one.points is None:
        return "unknown"
    if one.share is None:
        return "not_applicable"
    return "too_few" if received < scheme.min_received else None


def unknown(cards: Collection[Card]) -> list[str]:
    """The metrics that no card knows, each once in the order of the scheme."""
    return list(
        dict.fromkeys(
            part.metric
            for card in cards
            for criterion in card.score.criteria
            for part in criterion.parts
            if part.state == "unknown"
        )
    )
