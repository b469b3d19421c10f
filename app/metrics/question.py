"""What is asked of the dossiers and what comes back: a question with its filters and keys, and counted groups.

Pure: it knows neither where the numbers come from nor what is made of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.metrics.periods import Period

Dimension = Literal[
    "unit", "child", "procedure", "sector", "channel", "source", "day", "month", "quarter", "year"
]


@dataclass(frozen=True)
class Question:
    """Which counts of which dossiers, in which period, by which keys.

    A filter that is None lets everything through. `units` are those very units: what lies below them, the caller
    says. `root` is the unit whose direct children `child` rolls up.

    `regroup` says for the keys `unit` and `child` under which unit a dossier's own unit is counted: code → code of the
    group; a unit that is not named is counted under its own code. So the tree of units, and how it changed, is the
    directory's to know (`directory/regrouping.py`), and nobody behind this question reads it. `torn` says which groups
    are not comparable; None: it was asked by the structure of then, where all are.
    """

    counts: tuple[str, ...]
    period: Period
    by: tuple[Dimension, ...] = ()
    units: Sequence[str] | None = None
    procedures: Sequence[str] | None = None
    sectors: Sequence[str] | None = None
    channels: Sequence[str] | None = None
    root: str | None = None
    regroup: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    torn: "Torn | None" = None
    sector_unknown: bool = False


class Torn(NamedTuple):
    """What a split of units, in unknown shares, leaves incomparable: groups by key, and the whole."""

    groups: Mapping[str, Collection[str]]
    whole: bool


class Group(NamedTuple):
    """One group: its keys in the order of `Question.by` (None where the data do not say), and its counts by name."""

    keys: tuple[str | None, ...]
    counts: Mapping[str, int]


class Measured(NamedTuple):
    """One group of durations in whole microseconds: how many, their sum, and the values that percentiles lie between."""

    keys: tuple[str | None, ...]
    size: int
    total: int
    median: tuple[int, int]
    p90: tuple[int, int]


class TooManyGroups(Exception):  # noqa: N818 - named for what happened
    """There are more groups than the caller has room for."""
