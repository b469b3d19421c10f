"""Commitments as they stand in requests and answers.

Wire models only: shares are JSON numbers here and exact decimals everywhere else.
"""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.kit.codes import CODE_PATTERN, Code
from app.targets.shares import Share

ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_LENGTH: Final = len("2026-01-15")

Status = Literal["reached", "lagging"]
"""At the target or above it, or below; null without a rate or a target."""


def _day(value: object) -> date:
    """A date as ISO 8601 writes it; the library would also take numbers and instants."""
    if isinstance(value, str) and len(value) == _LENGTH:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            pass
        else:
            if 1900 <= day.year <= 2200:  # noqa: PLR2004 - the years of the contract
                return day
    raise PydanticCustomError("day", "It must be a date that exists, such as 2026-01-15.")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Office = Annotated[str, Field(min_length=1, max_length=300, pattern=CODE_PATTERN)]


class CommitmentTerms(BaseModel):
    """What a head of unit signs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    unit: Code = Field(description="Owed by this unit with all below it.", examples=["H10.25"])
    metric: str = Field(
        min_length=1, max_length=64, description="A rate of `GET /v1/metrics`.", examples=["on_time"]
    )
    period: str = Field(
        min_length=4,
        max_length=32,
        description="`2026`, `2026-H1`, `2026-Q1`, `2026-9M` or `2026-03`, each also with `report:` before it.",
        examples=["2026"],
    )
    target: Share = Field(description="The least rate that is owed, at most six decimals.", examples=[0.95])
    signed_by: Office = Field(description="The office, not a person.", examples=["Chủ tịch UBND phường"])
    signed_on: Day = Field(description="In force from this day on.", examples=["2026-01-15"])
    document: Office | None = Field(
        None, description="Number or place of the document.", examples=["12/CK-UBND"]
    )
    document_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 of the document, in hexadecimal."
    )


class UnitNamed(BaseModel):
    """A unit. The name is the code where the directory has none."""

    code: str = Field(examples=["H10.25"])
    name: str = Field(examples=["UBND phường Mũi Né"])


class PeriodNamed(BaseModel):
    """A period by its name and its local dates, both inclusive."""

    name: str = Field(examples=["2026"])
    from_: date = Field(alias="from")
    to: date


class Version(BaseModel):
    """One version of a commitment; never changed, only superseded."""

    version: int
    target: float = Field(examples=[0.95])
    signed_by: str
    signed_on: date
    document: str | None
    document_sha256: str | None
    recorded_at: datetime = Field(description="When this service stored it.")


class PaceShown(BaseModel):
    """What came in the last twenty working days of the period, today included, or fewer since it began."""

    from_: date = Field(alias="from")
    to: date
    working_days: int
    counted: int = Field(description="Dossiers in the denominator.")
    missed: int = Field(description="Of these, not in the numerator.")


class LateBudget(BaseModel):
    """How many more dossiers may miss."""

    bearable: int | None = Field(
        description="So many more may miss and the target still holds; null: any number, the target is 0.",
        examples=[6],
    )
    breaks_at: int | None = Field(description="So many more break it.", examples=[7])
    pace: PaceShown | None = Field(
        description="null: the period is over or has not begun, or the metric counts what stands at one instant."
    )
    runs_out_on: date | None = Field(
        description="At this pace the rate falls below the target on this working day; null: not within the period.",
        examples=["2026-12-12"],
    )


class Progress(BaseModel):
    """How the unit stands in the period so far."""

    as_of: datetime
    numerator: int
    denominator: int
    rate: float | None = Field(description="Rounded half up to six decimals; null when the denominator is 0.")
    gap: float | None = Field(description="rate − target.")
    status: Status | None
    needed: int | None = Field(
        description="How many more successes bring the rate to the target; null: no number does."
    )
    late_budget: LateBudget


class Commitment(BaseModel):
    """A commitment, its versions, and how the unit stands."""

    id: str = Field(examples=["mui-ne-on-time-2026"])
    unit: UnitNamed
    metric: str
    period: PeriodNamed
    version: int = Field(description="The version in force, by which the unit is judged today.")
    target: float
    versions: list[Version]
    applies_to: UnitNamed = Field(
        description="Whose progress this is: the unit that signed, or one below that has none of its own and inherits."
    )
    progress: Progress


def version_of(row: dict[str, Any]) -> Version:
    """One version, from its row."""
    return Version(
        **{name: row[name] for name in Version.model_fields if name != "target"}, target=float(row["target"])
    )
