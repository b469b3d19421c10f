"""Points, grades and ranks: what a scheme makes of a unit's rates.

Pure, and exact: whole numbers, decimals and fractions, never floats. It refuses to know any particular scheme, where
rates come from and how a score is shown (domain note §7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from app.kit.text import Text

Empty = Literal["zero", "maximum", "not_applicable"]
"""What nothing in the denominator gives; `not_applicable` takes the part out of the maximum, as in 97 of 100."""

Grade = Literal["excellent", "good", "fair", "average", "weak"]
"""Xuất sắc, Tốt, Khá, Trung bình, Yếu."""

State = Literal["counted", "empty", "unknown"]
"""Of a part: its rate gave the points, its denominator was 0, or its metric is not known."""

_NOTHING: Final = Fraction(0)
_Z: Final = Decimal("1.959963984540054")
"""The quantile of the standard normal distribution that leaves 2.5 % above it."""


class Ratio(NamedTuple):
    """A rate as what it is made of."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Segment:
    """From the rate `begins` up to the next segment: `points` there, and `slope` more for each whole 1 of rate above."""

    begins: Decimal
    points: Decimal
    slope: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """What one rate gives; `segments` in rising order, the first from 0."""

    metric: str
    maximum: Decimal
    segments: tuple[Segment, ...]
    empty: Empty

    def points(self, rate: Fraction) -> Fraction:
        """The points of a rate, never above the maximum nor below 0."""
        held = [segment for segment in self.segments if segment.begins <= rate][-1]
        points = Fraction(held.points) + Fraction(held.slope) * (rate - Fraction(held.begins))
        return max(_NOTHING, min(points, Fraction(self.maximum)))


@dataclass(frozen=True, slots=True)
class Criterion:
    """Parts that are added up, each first rounded half up to `decimals` where the scheme says so.

    `factor` names a rate that multiplies the sum, 1 where it is not known.
    """

    key: str
    names: Text
    parts: tuple[Part, ...]
    decimals: int | None = None
    factor: str | None = None

    @property
    def maximum(self) -> Fraction:
        """The points of a unit to which every part applies."""
        return sum((Fraction(part.maximum) for part in self.parts), _NOTHING)


@dataclass(frozen=True, slots=True)
class Band:
    """A grade, from the share `begins` of the maximum on."""

    grade: Grade
    begins: Decimal


@dataclass(frozen=True, slots=True)
class Scheme:
    """One version of a scheme. Units that received fewer than `min_received` dossiers take no rank."""

    key: str
    version: int
    names: Text
    legal_basis: Text
    template: bool
    criteria: tuple[Criterion, ...]
    bands: tuple[Band, ...]
    min_received: int

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that it scores by or multiplies with, each once."""
        keys = [part.metric for criterion in self.criteria for part in criterion.parts]
        return tuple(dict.fromkeys([*keys, *(one.factor for one in self.criteria if one.factor)]))


class PartScore(NamedTuple):
    """What one part gave; no points while it is unknown, and out of a maximum of 0 when it does not apply."""

    metric: str
    state: State
    ratio: Ratio | None
    points: Fraction | None
    maximum: Fraction


class CriterionScore(NamedTuple):
    """What one criterion gave; no points while a part is unknown."""

    key: str
    points: Fraction | None
    maximum: Fraction
    parts: tuple[PartScore, ...]
    factor: Ratio | None = None


class Score(NamedTuple):
    """A unit's points out of the maximum of what applies to it; all but the maximum is None while a criterion is unknown."""

    criteria: tuple[CriterionScore, ...]
    points: Fraction | None
    maximum: Fraction

    @property
    def share(self) -> Fraction | None:
        """Points by maximum, exactly; None also when nothing applies."""
        return None if self.points is None or not self.maximum else self.points / self.maximum


def score(scheme: Scheme, rates: Mapping[str, Ratio]) -> Score:
    """What the scheme makes of these rates by metric; a metric that is not among them is not known."""
    scored = tuple(_criterion(criterion, rates) for criterion in scheme.criteria)
    points = [one.points for one in scored]
    known = [one for one in points if one is not None]
    return Score(
        scored,
        sum(known, _NOTHING) if len(known) == len(points) else None,
        sum((one.maximum for one in scored), _NOTHING),
    )


def grade(scheme: Scheme, share: Fraction | None) -> Grade | None:
    """The band that an exact share of the maximum lies in; None for no share, or below every band."""
    if share is None:
        return None
    reached = [band for band in scheme.bands if share >= Fraction(band.begins)]
    return max(reached, key=lambda band: band.begins).grade if reached else None


def ranks(shares: Mapping[str, Fraction | None]) -> dict[str, int]:
    """Unit → place by standard competition ranking (1, 2, 2, 4), the greatest share first; None takes no place."""
    places: dict[str, int] = {}
    ordered = sorted(((share, unit) for unit, share in shares.items() if share is not None), reverse=True)
    before: Fraction | None = None
    place = 0
    for number, (share, unit) in enumerate(ordered, 1):
        place = place if share == before else number
        before = share
        places[unit] = place
    return places


def wilson(ratio: Ratio) -> tuple[Decimal, Decimal] | None:
    """The 95 % Wilson score interval of a rate, rounded half up to six decimals; None without a denominator.

    Only for rates of what is counted one by one: a numerator below 0 or above the denominator has none.
    """
    if ratio.denominator <= 0 or not 0 <= ratio.numerator <= ratio.denominator:
        return None
    exact = Context(prec=50)
    n, k, z2 = Decimal(ratio.denominator), Decimal(ratio.numerator), exact.multiply(_Z, _Z)
    middle = exact.add(k, z2 / 2)
    spread = exact.multiply(_Z, exact.sqrt(exact.add(exact.divide(k * (n - k), n), z2 / 4)))
    whole = exact.add(n, z2)
    low, high = exact.divide(middle - spread, whole), exact.divide(middle + spread, whole)
    return rounded(Fraction(max(low, Decimal(0))), 6), rounded(Fraction(min(high, Decimal(1))), 6)


def rounded(value: Fraction, decimals: int) -> Decimal:
    """The value rounded half up, away from zero, to so many decimals."""
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-decimals, Context(rounding=ROUND_HALF_UP))


def _criterion(criterion: Criterion, rates: Mapping[str, Ratio]) -> CriterionScore:
    parts = tuple(_part(part, rates.get(part.metric), criterion.decimals) for part in criterion.parts)
    maximum = sum((part.maximum for part in parts), _NOTHING)
    known = [part.points for part in parts if part.points is not None]
    if len(known) < len(parts):
        return CriterionScore(criterion.key, None, maximum, parts)
    factor = rates.get(criterion.factor) if criterion.factor else None
    share = Fraction(*factor) if factor is not None and factor.denominator else Fraction(1)
    return CriterionScore(criterion.key, sum(known, _NOTHING) * share, maximum, parts, factor)


def _part(part: Part, ratio: Ratio | None, decimals: int | None) -> PartScore:
    maximum = Fraction(part.maximum)
    if ratio is None:
        return PartScore(part.metric, "unknown", None, None, maximum)
    if ratio.denominator == 0:
        applies = part.empty != "not_applicable"
        points = maximum if part.empty == "maximum" else _NOTHING
        return PartScore(part.metric, "empty", ratio, points, maximum if applies else _NOTHING)
    points = part.points(Fraction(*ratio))
    points = points if decimals is None else Fraction(rounded(points, decimals))
    return PartScore(part.metric, "counted", ratio, points, maximum)
