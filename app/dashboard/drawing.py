"""The geometry of the pages' charts: where a line, a bar or a mark stands, in the units of the drawing.

Pure: exact ratios and instants come in, coordinates go out; colours, words and SVG are the templates'.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

Ratio = tuple[int, int]
"""Numerator and denominator; the denominator may be 0."""

WIDTH: Final = 560.0
HEIGHT: Final = 190.0
LEFT: Final = 54.0
RIGHT: Final = 14.0
TOP: Final = 12.0
BOTTOM: Final = 26.0

_LEAST_SPAN: Final = 0.1
_MARGIN: Final = 0.02
_STEPS: Final = (0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_TICKS: Final = 5


class Point(NamedTuple):
    """One value: its place in the drawing, and its number among the months."""

    x: float
    y: float
    month: int


class Tick(NamedTuple):
    """A level of the vertical axis; `share` is between 0 and 1."""

    share: float
    y: float


@dataclass(frozen=True)
class Trend:
    """A chart of two series over the same months; series are broken where there is no value."""

    ticks: Sequence[Tick]
    places: Sequence[float]
    present: Sequence[Sequence[Point]]
    past: Sequence[Sequence[Point]]
    target: float | None


def trend(present: Sequence[Ratio], past: Sequence[Ratio], target: float | None) -> Trend:
    """The chart of two series of as many months, on an axis that leaves out what neither reaches."""
    values = [n / d for n, d in (*present, *past) if d]
    low, high = _span([*values, *([target] if target is not None else [])])
    step = next((step for step in _STEPS if (high - low) / step <= _MOST_TICKS), _STEPS[-1])
    low, high = max(0.0, math.floor(low / step) * step), min(1.0, math.ceil(high / step - 1e-9) * step)
    places = [LEFT + (WIDTH - LEFT - RIGHT) * (i + 0.5) / max(1, len(present)) for i in range(len(present))]

    def level(share: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - share) / (high - low), 1)

    count = round((high - low) / step)
    return Trend(
        ticks=[Tick(low + step * i, level(low + step * i)) for i in range(count + 1)],
        places=[round(place, 1) for place in places],
        present=_pieces(present, places, level),
        past=_pieces(past, places, level),
        target=level(target) if target is not None else None,
    )


SPARK_WIDTH: Final = 96.0
SPARK_HEIGHT: Final = 22.0
_SPARK_MARGIN: Final = 3.0


@dataclass(frozen=True)
class Spark:
    """A small line without axes; its first and last values are told in words beside it."""

    pieces: Sequence[Sequence[Point]]
    first: Ratio | None
    last: Ratio | None


def sparks(series: Sequence[Sequence[Ratio]]) -> list[Spark]:
    """Small lines on one common axis, so that they can be compared."""
    low, high = _span([n / d for one in series for n, d in one if d])

    def level(share: float) -> float:
        return round(_SPARK_MARGIN + (SPARK_HEIGHT - 2 * _SPARK_MARGIN) * (high - share) / (high - low), 1)

    found = []
    for one in series:
        step = (SPARK_WIDTH - 2 * _SPARK_MARGIN) / max(1, len(one) - 1)
        places = [_SPARK_MARGIN + step * place for place in range(len(one))]
        known = [ratio for ratio in one if ratio[1]]
        found.append(
            Spark(_pieces(one, places, level), known[0] if known else None, known[-1] if known else None)
        )
    return found


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest share that the axis must show."""
    if not values:
        return 0.0, 1.0
    low, high = max(0.0, min(values) - _MARGIN), min(1.0, max(values) + _MARGIN)
    if high - low < _LEAST_SPAN:
        low = max(0.0, high - _LEAST_SPAN)
        high = min(1.0, low + _LEAST_SPAN)
    return low, high


def _pieces(
    series: Sequence[Ratio], places: Sequence[float], level: Callable[[float], float]
) -> list[list[Point]]:
    pieces: list[list[Point]] = [[]]
    for index, (numerator, denominator) in enumerate(series):
        if denominator:
            pieces[-1].append(Point(round(places[index], 1), level(numerator / denominator), index))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


class Stretch(NamedTuple):
    """A stretch of a dossier's life; `kind` is work, over_time, paused or paused_ignored."""

    kind: str
    x: float
    width: float


class Mark(NamedTuple):
    """An instant of a dossier's life."""

    kind: str
    x: float


@dataclass(frozen=True)
class Timeline:
    """A dossier's life as one bar with marks on it."""

    stretches: Sequence[Stretch]
    marks: Sequence[Mark]


class Pause(NamedTuple):
    """A pause from `begin` to `end`; `counted` says whether it stopped the clock."""

    begin: datetime
    end: datetime
    counted: bool


def timeline(
    begin: datetime, end: datetime, due: datetime | None, pauses: Iterable[Pause], now: datetime
) -> Timeline:
    """The life from `begin` to `end`, with its due date; the drawing reaches a little beyond the last of them."""
    last = max(instant for instant in (end, due, begin) if instant is not None)
    whole = (last - begin).total_seconds() or 1.0

    def place(instant: datetime) -> float:
        share = (min(max(instant, begin), last) - begin).total_seconds() / whole
        return round(8 + (WIDTH - 16) * share, 1)

    def stretch(kind: str, first: datetime, until: datetime) -> Stretch:
        return Stretch(kind, place(first), max(1.0, round(place(until) - place(first), 1)))

    stretches = [stretch("work", begin, end)]
    if due is not None and due < end:
        stretches.append(stretch("over_time", max(due, begin), end))
    stretches += [
        stretch("paused" if pause.counted else "paused_ignored", pause.begin, pause.end)
        for pause in pauses
        if pause.begin < end
    ]
    marks = [Mark("begin", place(begin))]
    if due is not None:
        marks.append(Mark("due", place(due)))
    marks.append(Mark("now" if end == now else "end", place(end)))
    return Timeline(stretches, marks)
