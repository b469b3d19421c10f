"""Counted and measured groups as the rows of an answer: their figures, their order, their labels.

Pure: it knows the catalogue's sums and the shape of a document; names of codes are handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from app.metrics.metric import Balance, Rate, Ratio, Statistic, between, share, shown
from app.metrics.periods import TIME_GROUPS, Period
from app.metrics.question import Dimension, Group, Measured, Question

Row = dict[str, Any]
Counted = Group | Measured
Figure = Callable[[Any], Row]
"""What a metric makes of one group."""

Names = Mapping[Dimension, Mapping[str, str]]
"""Key → code → name in the reader's language."""

_NAMED: Final[frozenset[Dimension]] = frozenset({"unit", "child", "procedure", "sector"})
"""Keys that are objects {code, name}; the others are texts."""


def figure_of(metric: Rate | Balance | Statistic) -> Figure:
    """What this metric shows of a group."""
    if isinstance(metric, Rate):
        return lambda group: rate_figure(metric, group.counts)
    if isinstance(metric, Balance):
        return lambda group: metric.of(group.counts)
    return lambda group: statistic_figure(metric, group)


def rate_figure(rate: Rate, counts: Mapping[str, int]) -> Row:
    """Numerator, denominator, rate and what is left out. Targets are not known here."""
    numerator, denominator = rate.numerator.sum.of(counts), rate.denominator.sum.of(counts)
    return {
        "numerator": numerator,
        "denominator": denominator,
        "rate": share(numerator, denominator),
        "target": None,
        "gap": None,
        "status": None,
        "excluded": {reason: counts[key] for reason, key in rate.excluded.items()},
    }


def statistic_figure(statistic: Statistic, measured: Measured) -> Row:
    """How many, and mean, median and 90th percentile in the statistic's unit; null of none."""
    found: Row = {"count": measured.size, "mean": None, "median": None, "p90": None, "unit": statistic.unit}
    if measured.size:
        # The places of both percentiles among n values are tenths of n - 1.
        middle, tail = (tenths * (measured.size - 1) % 10 for tenths in (5, 9))
        for name, value in (
            ("mean", Ratio(measured.total, measured.size)),
            ("median", between(*measured.median, middle)),
            ("p90", between(*measured.p90, tail)),
        ):
            found[name] = shown(value, statistic.microseconds)
    return found


_COMMITTED: Final = ("target", "gap", "status", "excluded")


def earlier(figure: Row) -> Row:
    """A figure as it stands beside the one it is compared with."""
    return {name: value for name, value in figure.items() if name not in _COMMITTED}


def labelled(group: Counted, question: Question, figure: Figure, names: Names) -> Row:
    """A group with its labels and its figure.

    The key `unit` takes the place of a statistic's unit of measurement, which the total tells.
    """
    labels = _labels(group, question, names) | comparable(question, group.keys)
    return labels | {name: value for name, value in figure(group).items() if name not in labels}


def comparable(question: Question, keys: Sequence[str | None] = ()) -> Row:
    """Whether a group (without keys: the total) can be compared over time; said of the structure of now only."""
    if question.torn is None:
        return {}
    units = [(by, key) for by, key in zip(question.by, keys, strict=False) if by in question.torn.groups]
    if not units:
        return {"comparable": not question.torn.whole}
    return {"comparable": not any(key in question.torn.groups[by] for by, key in units)}


def by_rate(rows: list[Row], *, falling: bool) -> list[Row]:
    """Rows by their exact ratio, those without one last; equal ones stay in the order they came in."""

    def place(row: Row) -> tuple[bool, Fraction]:
        if not row["denominator"]:
            return True, Fraction(0)
        ratio = Fraction(row["numerator"], row["denominator"])
        return False, -ratio if falling else ratio

    return sorted(rows, key=place)


def by_code(group: Counted) -> list[tuple[bool, str]]:
    """Where a group stands by the codes of its keys; what the data do not say comes last."""
    return [(key is None, key or "") for key in group.keys]


Place = tuple[str | int | None, ...]


def places(groups: Sequence[Counted], by: Sequence[Dimension], period: Period) -> list[Place]:
    """Of each group its keys, with times as their place in the period: its third month is another period's third."""
    times = [finest for finest in TIME_GROUPS if finest in by]
    if not times:
        return [group.keys for group in groups]
    known = {part.label(times[0]): place for place, part in enumerate(period.split(times[0]))}
    return [
        tuple(
            known[key] if name == times[0] and key is not None else key
            for name, key in zip(by, group.keys, strict=True)
            if name not in times[1:]
        )
        for group in groups
    ]


def _labels(group: Counted, question: Question, names: Names) -> Row:
    labels: Row = {}
    for by, key in zip(question.by, group.keys, strict=True):
        labels[by] = {"code": key, "name": names.get(by, {}).get(key or "", key)} if by in _NAMED else key
        if by == "child" and key == question.root:
            labels["self"] = True
    return labels
