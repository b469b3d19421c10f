"""What is asked of the dossiers and what comes back: a question with its filters and keys, and counted groups.

Pure: it knows neither where the numbers come from nor what is made of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.metrics.periods import Period

Dimension = Literal["unit", "child", "procedure", "sector", "channel", "day", "month", "quarter", "year"]


@dataclass(frozen=True)
class Question:
    """Which counts of which dossiers, in which period, by which keys.

    A filter that is None lets everything through. `units` are those very units: what lies below them, the caller
    says. `root` is the unit whose direct children `child` rolls up.
    """

    counts: tuple[str, ...]
    period: Period
    by: tuple[Dimension, ...] = ()
    units: Sequence[str] | None = None
    procedures: Sequence[str] | None = None
    sectors: Sequence[str] | None = None
    channels: Sequence[str] | None = None
    root: str | None = None


class Group(NamedTuple):
    """One group: its keys in the order of `Question.by` (None where the data do not say), and its counts by name."""

    keys: tuple[str | None, ...]
    counts: Mapping[str, int]


class TooManyGroups(Exception):  # noqa: N818 - named for what happened
    """There are more groups than the caller has room for."""
