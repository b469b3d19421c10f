"""The late budgets of a unit: how many dossiers may still miss each commitment, and the day on which that runs out.

It asks for the pace of the last working days; what follows from it, `targets` computes.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard.aims import Aim
from app.dashboard.figures import Figures, Row, figures, main_rates
from app.dashboard.frame import Frame
from app.metrics.metric import Rate
from app.metrics.periods import Period
from app.targets.progress import Recent, Today, pace_days, shown_so
from app.targets.schemas import Progress
from app.targets.scoring import Ratio

_NONE: Final[Mapping[str, Row]] = {}


async def paces(connection: AsyncConnection, frame: Frame, unit: str) -> Mapping[str, Row]:
    """The rates of the last working days, of those metrics that have a pace in the chosen period; one question."""
    metrics = [metric for metric in main_rates() if _days(frame, metric) is not None]
    if not metrics:
        return _NONE
    days = _days(frame, metrics[0])
    assert days is not None  # noqa: S101 - those without are left out, and the days are the same for all
    found: list[Figures] = await figures(connection, frame, days, unit=unit, metrics=metrics, counts=False)
    return found[0].rates


def of(
    frame: Frame, aims: Mapping[str, Aim], rates: Mapping[str, Row], recent: Mapping[str, Row]
) -> Mapping[str, Progress]:
    """Metric → how the unit stands against its commitment in the chosen period; those without one are absent."""
    return {
        metric.key: shown_so(
            _ratio(rates[metric.key]),
            metric,
            aims[metric.key].target,
            frame.whole,
            Recent(
                _days(frame, metric) if metric.key in recent else None,
                _ratio(recent[metric.key]) if metric.key in recent else None,
            ),
            _today(frame),
        )
        for metric in main_rates()
        if metric.key in aims
    }


def _days(frame: Frame, metric: Rate) -> Period | None:
    return pace_days(metric, frame.whole, _today(frame))


def _today(frame: Frame) -> Today:
    return Today(frame.reader.now, frame.calendar, frame.structure.now(frame.reader.today))


def _ratio(row: Row) -> Ratio:
    return Ratio(row["numerator"], row["denominator"])
