"""Schemes and scorecards as they stand in answers.

Wire models only: exact fractions become rounded numbers here, and nowhere before.
"""

from datetime import date, datetime
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, Field

from app.kit.text import Language
from app.metrics.metric import share
from app.targets.scheme import SchemeTerms
from app.targets.scorecards import Card, Unranked, change
from app.targets.scoring import (
    CriterionScore,
    Grade,
    PartScore,
    Ratio,
    Scheme,
    State,
    grade,
    rounded,
    wilson,
)


class SchemeShown(SchemeTerms):
    """One version of a scheme; never changed."""

    key: str = Field(examples=["decision-766"])
    version: int
    shipped: bool = Field(description="true: it comes with the product.")
    recorded_at: datetime | None = Field(description="null: shipped.")


class RateShown(BaseModel):
    """A rate with what it is made of."""

    numerator: int
    denominator: int
    rate: float | None
    interval: tuple[float, float] | None = Field(
        description="95 % Wilson interval; null without a denominator.", examples=[[0.71, 0.83]]
    )


class PartShown(BaseModel):
    """What one rate gave."""

    metric: str
    state: State = Field(
        description="`empty`: nothing in the denominator; `unknown`: the metric is not counted yet."
    )
    figure: RateShown | None
    points: float | None = Field(description="Rounded half up to two decimals.")
    maximum: float


class CriterionShown(BaseModel):
    """What one criterion gave."""

    key: str
    name: str
    points: float | None = Field(description="Rounded half up to two decimals; null while a part is unknown.")
    maximum: float = Field(description="Without parts that do not apply.")
    parts: list[PartShown]
    factor: RateShown | None = Field(description="The rate that multiplied it; null: 1.")


class Movement(BaseModel):
    """How the unit stood in an earlier period, and how far it moved; rounded half up to two decimals."""

    from_: date = Field(alias="from")
    to: date
    percent: float | None
    percent_change: float | None = Field(examples=[4.5])
    rank: int | None
    rank_change: int | None = Field(description="Places won; below 0: lost.")


class CardShown(BaseModel):
    """What a unit reached."""

    criteria: list[CriterionShown]
    points: float | None = Field(description="null while a criterion is unknown.", examples=[74.2])
    maximum: float = Field(description="Of the criteria that apply.", examples=[97.0])
    percent: float | None = Field(examples=[76.49])
    grade: Grade | None = Field(
        description="By the exact share, never by the rounded percent.", examples=["fair"]
    )
    received: int = Field(description="Dossiers received in the period.")
    rank: int | None = Field(
        description="By exact shares; equal ones share a place, and the next is left out (1, 2, 2, 4)."
    )
    of: int = Field(description="Units that take a place.")
    unranked: Unranked | None = Field(description="Why there is no rank.")
    previous: Movement | None = Field(description="Against the period of the same kind before.")
    last_year: Movement | None = Field(description="Against the same period last year.")


class UnitCard(CardShown):
    """The card of one row."""

    unit: dict[Literal["code", "name"], str]
    self_: bool = Field(False, alias="self", description="true: the own dossiers of the unit asked for.")


class Days(BaseModel):
    """Local dates, both inclusive."""

    from_: date = Field(alias="from")
    to: date


class Scorecards(BaseModel):
    """Scores by a scheme."""

    scheme: str
    version: int
    name: str
    legal_basis: str
    template: bool
    period: Days
    as_of: datetime
    computed_through: datetime
    unknown: list[str] = Field(
        description="Metrics of the scheme that are not counted yet; criteria that need them have no points."
    )
    total: CardShown | None = Field(
        description="Of one unit: ranked among the units that have the same unit above. null by groups."
    )
    rows: list[UnitCard] = Field(description="In the order of their ranks, then of their codes.")


Earlier = tuple[Days, Card | None]


def card_shown(
    scheme: Scheme, card: Card, language: Language, previous: Earlier | None, last_year: Earlier | None
) -> CardShown:
    """A card as it is shown."""
    scored = card.score
    return CardShown(
        criteria=[
            _criterion(one, terms.names.said(language))
            for one, terms in zip(scored.criteria, scheme.criteria, strict=True)
        ],
        points=_two(scored.points),
        maximum=float(scored.maximum),
        percent=_percent(scored.share),
        grade=grade(scheme, scored.share),
        received=card.received,
        rank=card.rank,
        of=card.of,
        unranked=card.unranked,
        previous=_movement(card, previous),
        last_year=_movement(card, last_year),
    )


def _criterion(one: CriterionScore, name: str) -> CriterionShown:
    return CriterionShown(
        key=one.key,
        name=name,
        points=_two(one.points),
        maximum=float(one.maximum),
        parts=[_part(part) for part in one.parts],
        factor=_rate(one.factor),
    )


def _part(part: PartScore) -> PartShown:
    return PartShown(
        metric=part.metric,
        state=part.state,
        figure=_rate(part.ratio),
        points=_two(part.points),
        maximum=float(part.maximum),
    )


def _rate(ratio: Ratio | None) -> RateShown | None:
    if ratio is None:
        return None
    interval = wilson(ratio)
    return RateShown(
        **ratio._asdict(),
        rate=share(*ratio),
        interval=(float(interval[0]), float(interval[1])) if interval else None,
    )


def _movement(card: Card, earlier: Earlier | None) -> Movement | None:
    days, before = earlier or (None, None)
    if days is None or before is None:
        return None
    moved = change(card.score.share, before.score.share)
    won = None if card.rank is None or before.rank is None else before.rank - card.rank
    return Movement.model_validate(
        {
            "from": days.from_,
            "to": days.to,
            "percent": _percent(before.score.share),
            "percent_change": _percent(moved),
            "rank": before.rank,
            "rank_change": won,
        }
    )


def _two(value: Fraction | None) -> float | None:
    return None if value is None else float(rounded(value, 2))


def _percent(value: Fraction | None) -> float | None:
    return None if value is None else float(rounded(100 * value, 2))
