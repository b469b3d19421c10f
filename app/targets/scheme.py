"""Schemes as documents: how one is written, read into the rule, and which ship with the product.

It knows the form of a scheme and reads files of its own package; who stored one, it does not know.
"""

from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.kit.codes import CODE_PATTERN
from app.kit.text import Text
from app.targets.scoring import Band, Criterion, Empty, Grade, Part, Scheme, Segment
from app.targets.shares import Points, Share, exact

KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

_Name = Annotated[str, Field(min_length=1, max_length=500, pattern=CODE_PATTERN)]
_Key = Annotated[str, Field(min_length=1, max_length=64, pattern=KEY_PATTERN)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Names(_Written):
    """A text in both languages."""

    vi: _Name
    en: _Name

    @property
    def text(self) -> Text:
        """The same as the house knows it."""
        return Text(self.vi, self.en)


class SegmentTerms(_Written):
    """From the rate `from` up to the next segment: constant, or rising with the rate."""

    from_: Share = Field(alias="from", description="The rate at which it begins.", examples=[0.0])
    points: Points = Field(description="Points at that rate.", examples=[0.0])
    slope: Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)] = Field(
        0.0, description="Points for each whole 1 of rate above it; 0: constant.", examples=[20.0]
    )


class PartTerms(_Written):
    """What one rate gives."""

    metric: _Key = Field(
        description="A rate of `GET /v1/metrics`, or a measure of schemes.", examples=["online_payment"]
    )
    maximum: Points = Field(examples=[6.0])
    segments: list[SegmentTerms] = Field(
        min_length=1,
        max_length=50,
        description="Rising, the first from 0. The result is never above the maximum.",
    )
    empty: Empty = Field(
        description="What nothing in the denominator gives; `not_applicable` takes it out of the maximum."
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        begins = [segment.from_ for segment in self.segments]
        if begins[0] != 0 or any(one >= other for one, other in pairwise(begins)):
            raise PydanticCustomError("segments", "Segments begin at 0 and rise strictly.")
        return self


class CriterionTerms(_Written):
    """Parts that are added up."""

    key: _Key = Field(examples=["payment"])
    names: Names
    parts: list[PartTerms] = Field(min_length=1, max_length=20)
    decimals: Annotated[int, Field(ge=0, le=6)] | None = Field(
        None, description="Each part is rounded half up to so many before it is added; absent: never."
    )
    factor: _Key | None = Field(
        None, description="A rate by which the sum is multiplied; 1 where it is not known."
    )


class BandTerms(_Written):
    """A grade, from this share of the maximum on."""

    grade: Grade
    from_: Share = Field(alias="from", examples=[0.9])


class SchemeTerms(_Written):
    """A scheme as it is written."""

    names: Names
    legal_basis: Names
    template: bool = Field(
        False, description="true: points are to be adjusted before anybody is judged by it."
    )
    criteria: list[CriterionTerms] = Field(min_length=1, max_length=50)
    grades: list[BandTerms] = Field(min_length=1, max_length=5)
    min_received: int = Field(
        0, ge=0, le=1_000_000_000, description="Units that received fewer dossiers take no rank."
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for found in ([one.key for one in self.criteria], [one.grade for one in self.grades]):
            if len(set(found)) < len(found):
                raise PydanticCustomError(
                    "distinct", "No two criteria have one key, and no two bands one grade."
                )
        return self

    def scheme(self, key: str, version: int) -> Scheme:
        """The rule that it writes down."""
        return Scheme(
            key=key,
            version=version,
            names=self.names.text,
            legal_basis=self.legal_basis.text,
            template=self.template,
            criteria=tuple(
                Criterion(one.key, one.names.text, tuple(map(_part, one.parts)), one.decimals, one.factor)
                for one in self.criteria
            ),
            bands=tuple(Band(one.grade, exact(one.from_)) for one in self.grades),
            min_received=self.min_received,
        )


class Shipped(SchemeTerms):
    """A scheme as a file of this package: its key and version stand inside."""

    key: _Key
    version: int = Field(ge=1)


def _part(terms: PartTerms) -> Part:
    segments = tuple(Segment(exact(one.from_), exact(one.points), exact(one.slope)) for one in terms.segments)
    return Part(terms.metric, exact(terms.maximum), segments, terms.empty)


@cache
def shipped() -> dict[tuple[str, int], Shipped]:
    """Key and version → scheme, of those that ship with the product, in the order of their keys."""
    folder = resources.files("app.targets") / "schemes"
    read = [
        Shipped.model_validate_json(file.read_bytes())
        for file in folder.iterdir()
        if file.name.endswith(".json")
    ]
    return {(one.key, one.version): one for one in sorted(read, key=lambda one: (one.key, one.version))}
