"""The rates of whole units, each with all units below it, asked at the one door to counted dossiers.

It knows how rates are put together over the tree, and neither targets nor schemes.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, tzinfo

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tree import below, chain
from app.metrics.catalogue import CATALOGUE
from app.metrics.cells import MEASURES
from app.metrics.counted import COUNTED
from app.metrics.metric import Rate
from app.metrics.periods import Period
from app.metrics.queries import tally
from app.metrics.question import Question
from app.targets.scoring import Ratio


def rate_named(key: str) -> Rate | None:
    """The rate of this key; None where the catalogue has none."""
    metric = CATALOGUE.get(key)
    return metric if isinstance(metric, Rate) else None


def ratio(metric: Rate, counts: Mapping[str, int]) -> Ratio:
    """The rate of these counts."""
    return Ratio(metric.numerator.sum.of(counts), metric.denominator.sum.of(counts))


def together(needs: Iterable[str]) -> list[tuple[str, ...]]:
    """Counts in as few questions as possible, none of which holds another up.

    Submissions stand under the unit they were submitted to, whether or not a reception followed; procedures are counted
    by cells of their own; and one count that no cell holds would have all others counted from the dossiers.
    """
    apart: dict[tuple[bool, bool, bool], list[str]] = {}
    for key in dict.fromkeys(needs):
        count = COUNTED[key]
        apart.setdefault((count.state.submission, count.procedures, key in MEASURES), []).append(key)
    return [tuple(keys) for keys in apart.values()]


async def rates_of(
    connection: AsyncConnection,
    metric: Rate,
    period: Period,
    units: Collection[str] | None,
    parents: Mapping[str, str],
    *,
    zone: tzinfo,
    now: datetime,
) -> dict[str, Ratio]:
    """Unit → its rate with all units below it; None: of every unit that has a dossier there. Others are absent.

    One question for all. Where distinct procedures are counted, what two units below have in common counts once.
    """
    within = None if units is None else below(parents, units)
    grouped = Question(
        metric.needs, period, ("unit", "procedure") if metric.procedures else ("unit",), within
    )
    apart: defaultdict[tuple[str, str | None], Counter[str]] = defaultdict(Counter)
    for (unit, *procedure), counts in await tally(connection, grouped, zone=zone, now=now):
        for above in chain(parents, unit) if unit is not None else ():
            found = apart[above, procedure[0] if procedure else None]
            if metric.procedures:
                found |= Counter(counts)
            else:
                found.update(counts)
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (unit, _), counts in apart.items():
        totals[unit].update(counts)
    wanted = totals.keys() if units is None else totals.keys() & set(units)
    return {unit: ratio(metric, totals[unit]) for unit in wanted}
