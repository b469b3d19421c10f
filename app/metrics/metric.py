"""What a metric is: counts of dossiers, sums of counts, and rates of two sums, each with its definition.

Pure: it knows no particular metric, and not where counts come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from app.kit.text import Text


@dataclass(frozen=True)
class Sum:
    """Counts added and subtracted."""

    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def of(self, counts: Mapping[str, int]) -> int:
        """Its value, from the values of its counts."""
        return sum(counts[key] for key in self.plus) - sum(counts[key] for key in self.minus)


@dataclass(frozen=True)
class Part:
    """A numerator or a denominator: what it counts, in words and as a sum."""

    says: Text
    sum: Sum


@dataclass(frozen=True)
class Metric:
    """What every entry of the catalogue says about itself."""

    key: str
    version: int
    names: Text
    definition: Text
    legal_basis: Text


@dataclass(frozen=True)
class Rate(Metric):
    """A ratio of two sums of counts. `excluded` names counts that the denominator leaves out for lack of data."""

    kind: ClassVar[Literal["rate"]] = "rate"

    numerator: Part
    denominator: Part
    excluded: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs(self) -> tuple[str, ...]:
        """The counts from which it is computed, each once."""
        sums = (self.numerator.sum, self.denominator.sum)
        keys = [*(key for part in sums for key in part.plus + part.minus), *self.excluded.values()]
        return tuple(dict.fromkeys(keys))

    @property
    def parts(self) -> Mapping[str, Text]:
        """What it is made of, in words."""
        return {"numerator": self.numerator.says, "denominator": self.denominator.says}


@dataclass(frozen=True)
class Balance(Metric):
    """Counts by key with their names, and sums over them."""

    kind: ClassVar[Literal["counts"]] = "counts"

    counts: Mapping[str, Text]
    sums: Mapping[str, tuple[Text, Sum]]

    @property
    def needs(self) -> tuple[str, ...]:
        """The counts that it shows or sums."""
        return tuple(self.counts)

    @property
    def parts(self) -> Mapping[str, Text]:
        """What it is made of, in words."""
        return {**self.counts, **{key: says for key, (says, _) in self.sums.items()}}

    def of(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Every count and every sum by its key."""
        return {**counts, **{key: total.of(counts) for key, (_, total) in self.sums.items()}}


def share(numerator: int, denominator: int) -> float | None:
    """The ratio rounded half up to six decimals; None when the denominator is 0, never a number for nothing."""
    if denominator == 0:
        return None
    return (2_000_000 * numerator + denominator) // (2 * denominator) / 1_000_000
