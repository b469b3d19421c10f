"""What the overview and the page of a unit have in common: figures against commitments, trends, and what is urgent.

It asks, side by side, what the API would be asked under the same key; nothing is computed anew here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.dashboard import drawing, queries
from app.dashboard.aims import Aim, aims, only_top
from app.dashboard.figures import Row, figures, main_rates, month_questions, months, rates
from app.dashboard.frame import Frame
from app.dashboard.reader import Reader
from app.dashboard.words import WORDS
from app.directory.reach import visible_in
from app.kit.abreast import Ask, spared
from app.lagging import queries as lagging
from app.metrics import periods
from app.metrics.catalogue import COUNTS
from app.metrics.metric import Rate

MOST_ALERTS: Final = 100
PATIENCE: Final = 2.0
"""Seconds that a statement may take of what a page can do without; it says then what is left out."""

SPARED: Final[Mapping[str, str]] = {
    "past": "last_year_same",
    "running": "last_year_same",
    "others": "other_figures",
    "worst": "worst",
    "pace": "budget_pace",
    "cards": "grade",
    "before": "rank_before",
}
"""The questions that a page can do without, and the word for what they answer."""
_BALANCE: Final = ("received", "carried_over", "resolved", "in_progress")


def questions(frame: Frame, unit: str | None) -> dict[str, Ask]:
    """What to ask of a unit (None: of all that the key reaches), the longest first.

    Raises Problem forbidden for a unit outside of the key's.
    """
    reader, main, moment = frame.reader, main_rates(), frame.moment
    units = visible_in(frame.structure, reader.caller, [unit] if unit else [], reader.today)
    whole, running = month_questions(frame)
    earlier = periods.before(
        frame.name or str(frame.period.from_.year), frame.period, "last_year", reader.today
    )
    owing = owes(frame, unit)
    asks: dict[str, Ask] = {
        "both": lambda connection: figures(
            connection, frame, whole, unit=unit, by=["month"], metrics=main, counts=False
        ),
        "now": lambda connection: figures(connection, frame, frame.period, unit=unit, metrics=main),
        "others": lambda connection: figures(
            connection, frame, frame.period, unit=unit, metrics=_others(), counts=False
        ),
        "running": lambda connection: figures(
            connection, frame, running, unit=unit, by=["month"], metrics=main, counts=False
        ),
        "urgent": lambda connection: queries.urgencies(connection, moment, queries.of(units)),
        "alerts": lambda connection: lagging.alerts(
            connection, units=units, is_open=True, rule=None, before=None, limit=MOST_ALERTS, level="lagging"
        ),
        "aims": lambda connection: aims(connection, reader, frame.structure, [owing], main, frame.period),
    }
    if earlier is not None:
        asks["past"] = lambda connection: figures(
            connection, frame, earlier, unit=unit, metrics=main, counts=False
        )
    asks |= {name: spare(asks[name]) for name in SPARED if name in asks}
    return asks | {"earlier": lambda _: _known(earlier), "units": lambda _: _known(units)}


def spare(ask: Ask) -> Ask:
    """A question that the page can do without."""
    return spared(ask, PATIENCE)


def _others() -> list[Rate]:
    """The rates that no unit signs for."""
    return [metric for metric in rates() if metric not in main_rates()]


def left_out(answers: Mapping[str, Any], reader: Reader) -> str | None:
    """What could not be counted in time, in the reader's words."""
    words = dict.fromkeys(word for name, word in SPARED.items() if name in answers and answers[name] is None)
    named = ", ".join(WORDS[word].said(reader.language) for word in words)
    return (
        WORDS["left_out"].filled(seconds=f"{PATIENCE:g}", what=named).said(reader.language) if named else None
    )


async def _known(value: Any) -> Any:
    return value


def owes(frame: Frame, unit: str | None) -> str:
    """Whose commitments stand beside the figures: the unit's; of all together, those of the one at the top."""
    return unit or only_top(frame.structure, frame.reader) or ""


def named_in(answers: Mapping[str, Any], unit: str | None) -> set[str]:
    """The codes of the units that the answers name."""
    promises = [aim.promise for aims_ in answers["aims"].values() for aim in aims_.values()]
    return (
        {row["unit"] for row in answers["alerts"]}
        | {promise.unit for promise in promises if promise}
        | ({unit} if unit else set())
    )


def shown(frame: Frame, answers: Mapping[str, Any], unit: str | None) -> dict[str, Any]:
    """The answers as the templates take them."""
    reader, main = frame.reader, main_rates()
    owing = owes(frame, unit)
    aimed: Mapping[str, Aim] = answers["aims"][owing]
    trend = months(frame, answers["both"], answers["running"] or [])
    (now,), past, others = answers["now"], answers.get("past"), answers["others"]
    return {
        **frame.values,
        "unit": unit,
        "units": answers["units"],
        "main": main,
        "others": _others() if others else [],
        "now": now if not others else replace(now, rates={**now.rates, **others[0].rates}),
        "left_out": left_out(answers, reader),
        "past": past[0] if past else None,
        "earlier": answers["earlier"],
        "months": trend,
        "charts": {
            metric.key: _chart(trend.present, trend.past, metric.key, aimed.get(metric.key))
            for metric in main
        },
        "aims": aimed,
        "owing": owing,
        "urgent": answers["urgent"],
        "alerts": answers["alerts"],
        "balance": [(key, COUNTS.parts[key].said(reader.language)) for key in _BALANCE],
        "residual": COUNTS.parts["residual"].said(reader.language),
        "metric_names": {metric.key: metric.names.said(reader.language) for metric in rates()},
    }


def _chart(
    present: Sequence[Mapping[str, Row]], past: Sequence[Mapping[str, Row]], key: str, aim: Aim | None
) -> drawing.Trend:
    return drawing.trend(ratios(present, key), ratios(past, key), float(aim.target) if aim else None)


def ratios(series: Collection[Mapping[str, Row]], key: str) -> list[drawing.Ratio]:
    """The ratios of one metric, month by month; 0 / 0 where a month has none."""
    rows = [month.get(key) for month in series]
    return [(row["numerator"], row["denominator"]) if row else (0, 0) for row in rows]
