"""What a metric is: counts of dossiers, sums of counts, rates of two sums, and statistics of durations.

Pure: it knows no particular metric, and not where counts and durations come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from app.kit.text import Text


@dataclass(frozen=True)
class Sum:
    """Counts added and subtracted. What is subtracted counts dossiers that also stand in what is added."""

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


class Example(NamedTuple):
    """A worked example of a rate: the counts, in words and as numbers."""

    says: Text
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Rate(Metric):
    """A ratio of two sums of counts. `excluded` names counts that the denominator leaves out for lack of data.

    `procedures`: it counts distinct procedures, so that its groups do not add up, not even over units.
    """

    kind: ClassVar[Literal["rate"]] = "rate"

    numerator: Part
    denominator: Part
    example: Example
    excluded: Mapping[str, str] = field(default_factory=dict)
    procedures: bool = False

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

    @property
    def worked(self) -> Text:
        """Its example to the end, as docs/figures.md has it: what it counts, and the ratio."""
        counts = self.example.counts
        numerator, denominator = self.numerator.sum.of(counts), self.denominator.sum.of(counts)
        left_out = "".join(f", excluded {counts[key]}" for key in self.excluded.values())
        figure = f": {numerator} / {denominator} = {share(numerator, denominator)}{left_out}."
        return Text(self.example.says.vi + figure, self.example.says.en + figure)


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


@dataclass(frozen=True)
class Statistic(Metric):
    """Mean, median and 90th percentile of a duration, shown in `unit`, which has so many microseconds.

    `by_source`: it is measured on events, and can be asked for by their source.
    """

    kind: ClassVar[Literal["statistic"]] = "statistic"

    unit: Literal["second", "working_hour"]
    microseconds: int
    parts: Mapping[str, Text]
    example: Sequence[int]
    by_source: bool = False

    @property
    def worked(self) -> Text:
        """Its example to the end, as docs/figures.md has it, in its unit."""
        found = summary([value * self.microseconds for value in self.example])
        mean, median, p90 = (shown(value, self.microseconds) for value in found)
        values = ", ".join(str(value) for value in self.example)
        return Text(
            f"{values}: trung bình {mean}, trung vị {median}, phân vị 90 là {p90}.",
            f"{values}: mean {mean}, median {median}, 90th percentile {p90}.",
        )


class Ratio(NamedTuple):
    """An exact quotient of whole numbers."""

    numerator: int
    denominator: int


def summary(values: Sequence[int]) -> tuple[Ratio, Ratio, Ratio]:
    """Mean, median and 90th percentile of values that are not none at all, exactly."""
    ordered = sorted(values)
    return Ratio(sum(ordered), len(ordered)), _percentile(ordered, 5), _percentile(ordered, 9)


def _percentile(ordered: Sequence[int], tenths: int) -> Ratio:
    place, rest = divmod(tenths * (len(ordered) - 1), 10)
    low, high = ordered[place], ordered[min(place + 1, len(ordered) - 1)]
    return between(low, high, rest)


def between(low: int, high: int, tenths: int) -> Ratio:
    """The value that lies so many tenths of the way from `low` to `high`."""
    return Ratio(10 * low + tenths * (high - low), 10)


def shown(value: Ratio, unit: int) -> float:
    """The quotient in units of `unit`, rounded half up to six decimals."""
    found = share(value.numerator, value.denominator * unit)
    assert found is not None  # noqa: S101 - neither denominator is 0
    return found


def share(numerator: int, denominator: int) -> float | None:
    """The ratio rounded half up to six decimals; None when the denominator is 0, never a number for nothing."""
    if denominator == 0:
        return None
    return (2_000_000 * numerator + denominator) // (2 * denominator) / 1_000_000
