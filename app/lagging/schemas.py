"""Rules and alerts as they stand in requests, answers and messages.

Wire models only. Shares are JSON numbers here and exact decimals everywhere else.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from app.directory.schemas import NotYet, Wire
from app.lagging.rules import Figure, Rule, Window, needed
from app.metrics.metric import share

_PLACES: Final = -6

KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def exact(value: float) -> Decimal:
    """The decimal that was written: 0.95 and not the float next to it."""
    return Decimal(repr(value))


def _six_decimals(value: float) -> float:
    exponent = exact(value).as_tuple().exponent
    if isinstance(exponent, int) and exponent < _PLACES:
        raise PydanticCustomError("share", "A share has at most six decimals.")
    return value


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), AfterValidator(_six_decimals)]


class _Terms(Wire):
    metric: str = Field(
        min_length=1, max_length=64, description="A rate of `GET /v1/metrics`.", examples=["on_time"]
    )
    window: Window = Field(
        description="Which local days are judged, today included: since the first of this month, quarter or year, or the last thirty.",
        examples=["month_to_date"],
    )
    target: Share = Field(
        description="Below this share a unit is behind; equality is enough. At most six decimals. Required as long as there are no commitments to take it from.",
        examples=[0.95],
    )
    min_denominator: int = Field(
        20,
        ge=0,
        le=1_000_000_000,
        description="Units with fewer dossiers in the window are not judged, and their open alerts stay as they are.",
    )
    margin: Share = Field(
        0.01,
        description="A unit has recovered when it reaches the target and this above it, or 1; so a rate that sways around the target does not raise alert after alert.",
    )


class RuleTerms(_Terms):
    """What a rule says, as it is written."""

    hold: NotYet = None
    repeat_after: NotYet = None
    escalate_after: NotYet = None


class LaggingRule(_Terms):
    """A rule with its key."""

    key: str = Field(examples=["on-time-this-month"])

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """A rule as it is shown."""
        return cls(
            key=rule.key,
            metric=rule.metric,
            window=rule.window,
            target=float(rule.target),
            min_denominator=rule.min_denominator,
            margin=float(rule.margin),
        )


class CodeAndName(BaseModel):
    """A unit or a procedure. The name is the code where the directory has none."""

    code: str | None = Field(description="null: the data do not say.", examples=["H10.25"])
    name: str | None = Field(examples=["UBND phường Mũi Né"])


class WindowDays(BaseModel):
    """Local dates, both inclusive."""

    from_: date = Field(alias="from", examples=["2026-03-01"])
    to: date = Field(examples=["2026-03-20"])


class ExactFigure(BaseModel):
    """A figure that can be counted again: which definition, which days, which dossiers, and how far facts were in."""

    definition_version: int = Field(description="Version of the metric's definition.")
    period: WindowDays
    numerator: int = Field(examples=[88])
    denominator: int = Field(examples=[100])
    rate: float = Field(description="Rounded half up to six decimals.", examples=[0.88])
    target: float = Field(examples=[0.95])
    gap: float = Field(description="rate − target.", examples=[-0.07])
    needed: int | None = Field(
        description="How many more dossiers, all counting for the unit, would bring the rate to the target; null: no number would.",
        examples=[140],
    )
    computed_through: datetime = Field(description="Every event acknowledged before this is included.")


def figure_members(columns: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The members of an ExactFigure, from the columns of an alert under this prefix."""
    figure = Figure(columns[f"{prefix}numerator"], columns[f"{prefix}denominator"])
    target: Decimal = columns[f"{prefix}target"]
    rate = share(*figure)
    assert rate is not None  # noqa: S101 - nobody is judged by nothing
    return {
        "definition_version": columns[f"{prefix}definition_version"],
        "period": {"from": columns[f"{prefix}period_from"], "to": columns[f"{prefix}period_to"]},
        **figure._asdict(),
        "rate": rate,
        "target": float(target),
        "gap": float(exact(rate) - target),
        "needed": needed(figure, target),
        "computed_through": columns[f"{prefix}computed_through"],
    }


class _About(BaseModel):
    unit: CodeAndName = Field(description="Judged with all units below it.")
    rule: str = Field(description="Key of the rule.", examples=["on-time-this-month"])
    metric: str = Field(examples=["on_time"])
    window: Window


class Alert(_About):
    """A unit that was found behind, with the figure that said so."""

    id: UUID
    state: Literal["open", "closed"]
    raised_at: datetime
    figure: ExactFigure = Field(description="The figure that raised it.")
    closed_at: datetime | None
    closed_as: Literal["recovered", "expired", "withdrawn"] | None = Field(
        description="`recovered`: the rate reached the target and the margin; `expired`: its window turned; `withdrawn`: its rule was deleted, or judges something else now."
    )
    closing_figure: ExactFigure | None = Field(description="The figure that showed the recovery.")

    @classmethod
    def of(cls, row: Mapping[str, Any], name: str) -> Self:
        """A stored alert as it is shown; `name` is its unit's in the reader's language."""
        recovered = row["closed_as"] == "recovered"
        return cls.model_validate(
            {
                **row,
                "unit": {"code": row["unit"], "name": name},
                "state": "closed" if row["closed_at"] else "open",
                "figure": figure_members(row),
                "closing_figure": figure_members(row, "closing_") if recovered else None,
            }
        )


class WorstProcedure(CodeAndName):
    """A procedure that pulls the rate down."""

    missed: int = Field(
        description="denominator − numerator; of `on_time` these are the late dossiers.", examples=[7]
    )
    denominator: int = Field(examples=[20])


class Links(BaseModel):
    """Paths of this service, below its own address."""

    alert: str = Field(examples=["/v1/alerts/019d0a4e-5c00-7000-8000-000000000000"])
    figure: str = Field(examples=["/v1/metrics/on_time?from=2026-03-01&to=2026-03-20&unit=H10.25"])
    late_dossiers: str = Field(examples=["/v1/dossiers?unit=H10.25&verdict=late"])
    overdue_dossiers: str = Field(examples=["/v1/dossiers?unit=H10.25&verdict=overdue"])


class UnitLagging(_About, ExactFigure):
    """A unit is behind its target."""

    alert: UUID
    worst_procedures: list[WorstProcedure] = Field(
        description="At most five: those with the most dossiers of the window that do not count for the unit."
    )
    overdue: int = Field(description="Open dossiers of the unit that are overdue now.")
    due_soon: int = Field(description="Open dossiers that will be overdue after `due_soon_until`.")
    due_soon_until: date = Field(description="The end of the second working day after today.")
    links: Links


class UnitRecovered(_About, ExactFigure):
    """A unit has reached its target and the margin above it."""

    alert: UUID
    raised_at: datetime
    raised_by: ExactFigure = Field(description="The figure that raised the alert.")
    links: Links
