"""Counted groups as the rows of an answer: their figures, their order, their labels.

Pure: it knows the catalogue's sums and the shape of a document; names of codes are handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from app.metrics.metric import Rate, share
from app.metrics.question import Dimension, Group, Question

Row = dict[str, Any]
Figure = Callable[[Mapping[str, int]], Row]
"""What a metric makes of the counts of one group."""

Names = Mapping[Dimension, Mapping[str, str]]
"""Key → code → name in the reader's language."""

_NAMED: Final[frozenset[Dimension]] = frozenset({"unit", "child", "procedure", "sector"})
"""Keys that are objects {code, name}; the others are texts."""


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


def labelled(groups: Sequence[Group], question: Question, figure: Figure, names: Names) -> list[Row]:
    """The groups in the order of their keys, each with its labels and its figure."""
    return [
        {**_labels(group, question, names), **figure(group.counts), **comparable(question, group.keys)}
        for group in sorted(groups, key=_by_code)
    ]


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


def _by_code(group: Group) -> list[tuple[bool, str]]:
    return [(key is None, key or "") for key in group.keys]


def _labels(group: Group, question: Question, names: Names) -> Row:
    labels: Row = {}
    for by, key in zip(question.by, group.keys, strict=True):
        labels[by] = {"code": key, "name": names.get(by, {}).get(key or "", key)} if by in _NAMED else key
        if by == "child" and key == question.root:
            labels["self"] = True
    return labels
