"""How units stand: the figure of each with all units below it, and what an alert shows as evidence.

It asks the one door to counted dossiers and rolls the answers up the tree; what follows from a figure, `rules` says.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.structure import Structure
from app.directory.tree import chain
from app.lagging.rules import Figure, Outlook
from app.metrics.catalogue import RATES
from app.metrics.metric import Rate
from app.metrics.periods import Period, midnight
from app.metrics.queries import tally
from app.metrics.question import Question
from app.targets.progress import PACE_DAYS
from app.worktime.calendar import Calendar

METRICS: Final = {metric.key: metric for metric in RATES}
"""What a rule can judge, by its key."""

_BY_DUE_DATE: Final = frozenset({"on_time", "on_time_of_due"})
"""Metrics in which an open dossier that is overdue now will be a miss."""

WORST: Final = 5
"""Procedures that a message names."""

SOON: Final = 2
"""Working days after today by whose end a dossier is due soon."""


@dataclass(frozen=True, slots=True)
class Present:
    """The instant at which units are judged, and how things stand then; `structure` holds the units."""

    now: datetime
    computed_through: datetime
    calendar: Calendar
    structure: Structure

    @property
    def zone(self) -> ZoneInfo:
        """The offices' zone."""
        return self.calendar.zone

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.astimezone(self.zone).date()

    @property
    def parents(self) -> Mapping[str, str]:
        """Child code → parent code, as figures of the present are rolled up."""
        return self.structure.then(self.today)


class ProcedureFigure(NamedTuple):
    """What one procedure contributes to a unit's figure; `code` is None where the data do not say."""

    code: str | None
    figure: Figure

    @property
    def missed(self) -> int:
        """Dossiers that count in the denominator alone."""
        return self.figure.denominator - self.figure.numerator


class Evidence(NamedTuple):
    """What a unit can act on: where it misses, and what is, or will soon be, overdue."""

    worst: Sequence[ProcedureFigure]
    overdue: int
    due_soon: int


async def figures(
    connection: AsyncConnection, metric: Rate, period: Period, present: Present
) -> dict[str, Figure]:
    """Unit → its figure with all units below it, for every unit that has a dossier there; others have none."""
    question = Question(counts=metric.needs, period=period, by=("unit",))
    if not metric.procedures:
        totals = await _totals(connection, question, present)
    else:
        totals = defaultdict(Counter)
        apart = replace(question, by=("unit", "procedure"))
        for (unit, _), counts in (await _totals(connection, apart, present, distinct=True)).items():
            totals[unit, None].update(counts)
    return {unit: _figure(metric, counts) for (unit, *_), counts in totals.items()}


async def outlooks(
    connection: AsyncConnection, metric: Rate, last: date, units: Collection[str], present: Present
) -> dict[str, Outlook]:
    """What is known of the days that are left until the window's `last`, of each of these units with all below it."""
    days = present.calendar.working_days
    today = days.count_to(present.today)
    since = Period(days.nth(today - PACE_DAYS) + date.resolution, present.today)
    recent = await figures(connection, metric, since, present)
    within = present.structure.below(units, present.parents)
    overdue: Counter[str] = Counter()
    at_end: Counter[str] = Counter()
    if metric.key in _BY_DUE_DATE:
        overdue = await _overdue(connection, present.today, within, present)
        then = replace(present, now=midnight(last + date.resolution, present.zone))
        at_end = await _overdue(connection, last, within, then)
    left = days.count_to(last) - today
    return {
        unit: Outlook(
            recent.get(unit, Figure(0, 0)), PACE_DAYS, left, overdue[unit], at_end[unit] - overdue[unit]
        )
        for unit in units
    }


async def evidence(
    connection: AsyncConnection, units: Collection[str], metric: Rate, period: Period, present: Present
) -> dict[str, Evidence]:
    """What to show of each of these units; three questions, however many units there are."""
    within = present.structure.below(units, present.parents)
    worst = await _worst(
        connection, Question(metric.needs, period, ("unit", "procedure"), within), metric, present
    )
    overdue = await _overdue(connection, present.today, within, present)
    # E is the end of that day: what is open now and will be overdue then, if nothing happens.
    soon = soon_until(present)
    then = replace(present, now=midnight(soon + date.resolution, present.zone))
    overdue_then = await _overdue(connection, soon, within, then)
    return {unit: Evidence(worst[unit], overdue[unit], overdue_then[unit] - overdue[unit]) for unit in units}


def soon_until(present: Present) -> date:
    """The last local day whose due dossiers are due soon."""
    days = present.calendar.working_days
    return days.nth(days.count_to(present.today) + SOON)


async def _worst(
    connection: AsyncConnection, question: Question, metric: Rate, present: Present
) -> dict[str, list[ProcedureFigure]]:
    """Unit → its procedures that miss most, worst first, those that miss as much by code."""
    by_unit: defaultdict[str, list[ProcedureFigure]] = defaultdict(list)
    totals = await _totals(connection, question, present, distinct=metric.procedures)
    for (unit, procedure), counts in totals.items():
        by_unit[unit].append(ProcedureFigure(procedure, _figure(metric, counts)))
    for procedures in by_unit.values():
        procedures[:] = sorted((one for one in procedures if one.missed > 0), key=_worst_first)[:WORST]
    return by_unit


async def _overdue(
    connection: AsyncConnection, day: date, units: Sequence[str], present: Present
) -> Counter[str]:
    """Unit → its open dossiers that are overdue now, which is an instant of the local day `day` or its end."""
    question = Question(("in_progress_overdue",), Period(day, day), ("unit",), units)
    totals = await _totals(connection, question, present)
    return Counter({unit: counts["in_progress_overdue"] for (unit, *_), counts in totals.items()})


async def _totals(
    connection: AsyncConnection, question: Question, present: Present, *, distinct: bool = False
) -> dict[tuple[str, str | None], Counter[str]]:
    """Unit and the second key, if there is one → counts with all units below; dossiers without a unit are nobody's.

    `distinct`: what two units below count is the same one, and counts once; the second key must be the procedure.
    """
    totals: defaultdict[tuple[str, str | None], Counter[str]] = defaultdict(Counter)
    for (unit, *rest), counts in await tally(connection, question, zone=present.zone, now=present.now):
        for above in chain(present.parents, unit) if unit is not None else ():
            found = totals[above, rest[0] if rest else None]
            if distinct:
                found |= Counter(counts)
            else:
                found.update(counts)
    return totals


def _figure(metric: Rate, counts: Mapping[str, int]) -> Figure:
    return Figure(metric.numerator.sum.of(counts), metric.denominator.sum.of(counts))


def _worst_first(procedure: ProcedureFigure) -> tuple[int, str]:
    return -procedure.missed, procedure.code or ""
