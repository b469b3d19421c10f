"""How units stand against what they promised: figures, what is needed, the late budget and its last day.

It asks the door to figures and hands the numbers to the pure rules; it decides nothing and writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.metrics.metric import Rate, share
from app.metrics.periods import Period
from app.targets.budget import AT_ONE_INSTANT, GROWS, Pace, bearable, needed, runs_out
from app.targets.rates import rates_of
from app.targets.schemas import LateBudget, PaceShown, Progress, Status
from app.targets.scoring import Ratio
from app.targets.shares import exact
from app.worktime.calendar import Calendar

PACE_DAYS: Final = 20
"""Working days that a pace looks back: about a month, long enough not to sway with every bad day."""


@dataclass(frozen=True, slots=True)
class Today:
    """The instant at which progress is shown, and how things stand then; `parents` is child code → parent code."""

    now: datetime
    calendar: Calendar
    parents: Mapping[str, str]

    @property
    def day(self) -> date:
        """The local day."""
        return self.now.astimezone(self.calendar.zone).date()


class Asked(NamedTuple):
    """One unit against one target over the days of a period."""

    unit: str
    metric: Rate
    period: Period
    target: Decimal


def standing(ratio: tuple[int, int], target: Decimal) -> tuple[float | None, Status | None]:
    """The gap (rate − target, by the rate as it is shown) and the status by the exact rate; None without a rate."""
    rate = share(*ratio)
    if rate is None:
        return None, None
    numerator, denominator = ratio
    return float(exact(rate) - target), "reached" if numerator >= target * denominator else "lagging"


async def progress(connection: AsyncConnection, asked: Sequence[Asked], today: Today) -> list[Progress]:
    """How each stands, in the same order; units with the same metric and period share their questions."""
    shown: dict[int, Progress] = {}
    groups: dict[tuple[str, Period], list[int]] = {}
    for place, one in enumerate(asked):
        groups.setdefault((one.metric.key, one.period), []).append(place)
    for (_, period), places in groups.items():
        metric = asked[places[0]].metric
        units = {asked[place].unit for place in places}
        rates = await _rates(connection, metric, period, units, today)
        days = pace_days(metric, period, today)
        recent = await _rates(connection, metric, days, units, today) if days else {}
        for place in places:
            unit, target = asked[place].unit, asked[place].target
            ratio = rates.get(unit, Ratio(0, 0))
            pace = recent.get(unit, Ratio(0, 0)) if days else None
            shown[place] = shown_so(ratio, metric, target, period, Recent(days, pace), today)
    return [shown[place] for place in range(len(asked))]


class Recent(NamedTuple):
    """The days over which a pace is taken, and the rate of these days; None where there is none."""

    days: Period | None
    ratio: Ratio | None


async def _rates(
    connection: AsyncConnection, metric: Rate, period: Period, units: set[str], today: Today
) -> dict[str, Ratio]:
    zone = today.calendar.zone
    return await rates_of(connection, metric, period, units, today.parents, zone=zone, now=today.now)


def pace_days(metric: Rate, period: Period, today: Today) -> Period | None:
    """Over which days a pace is taken: the last working days of a running period, today included."""
    if metric.key in AT_ONE_INSTANT or not period.from_ <= today.day <= period.to:
        return None
    days = today.calendar.working_days
    since = days.nth(days.count_to(today.day) - PACE_DAYS) + timedelta(days=1)
    return Period(max(since, period.from_), today.day)


def shown_so(
    ratio: Ratio, metric: Rate, target: Decimal, period: Period, recent: Recent, today: Today
) -> Progress:
    """What follows from a rate in a period and its recent pace: gap, needed successes and late budget."""
    gap, status = standing(ratio, target)
    most = bearable(ratio, target)
    budget: dict[str, Any] = {"pace": None, "runs_out_on": None}
    if recent.days is not None and recent.ratio is not None:
        days = today.calendar.working_days
        worked = days.count_to(recent.days.to) - days.count_to(recent.days.from_ - timedelta(days=1))
        counted, missed = recent.ratio.denominator, recent.ratio.denominator - recent.ratio.numerator
        left = runs_out(ratio, target, Pace(counted, missed, worked))
        last = None if left is None else _after(today, left)
        budget = {
            "pace": PaceShown.model_validate(
                {
                    "from": recent.days.from_,
                    "to": recent.days.to,
                    "working_days": worked,
                    "counted": counted,
                    "missed": missed,
                }
            ),
            "runs_out_on": last if last is not None and last <= period.to else None,
        }
    return Progress(
        as_of=today.now,
        numerator=ratio.numerator,
        denominator=ratio.denominator,
        rate=share(*ratio),
        gap=gap,
        status=status,
        needed=needed(ratio, target, GROWS.get(metric.key, "both")),
        late_budget=LateBudget(bearable=most, breaks_at=None if most is None else most + 1, **budget),
    )


def _after(today: Today, working_days: int) -> date:
    """The day itself for 0, else so many working days after it."""
    days = today.calendar.working_days
    return days.nth(days.count_to(today.day) + working_days) if working_days else today.day
