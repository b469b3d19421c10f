"""Units and procedures as they are written and read, over HTTP or in files.

Only fields that already have an effect are taken; those that later work will bring are refused by name, not ignored.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from app.directory.codes import canonical_procedure
from app.kit.codes import CODE_PATTERN, Code

MAX_ENTRIES: Final = 10_000
"""Entries of one array: three times the communes of the country."""

MAX_DURATION: Final = 10_000


def _not_yet(_: object) -> None:
    raise PydanticCustomError("not_yet", "This field is not supported yet; leave it out.")


NotYet = Annotated[SkipJsonSchema[None], BeforeValidator(_not_yet), Field(exclude=True)]
Name = Annotated[str, Field(min_length=1, max_length=300, pattern=CODE_PATTERN)]
ServiceLevel = Literal["full", "partial", "none"]
DurationUnit = Literal["working_day", "working_hour", "calendar_day"]


class Wire(BaseModel):
    """What stands in a request or an answer; a field of another name is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UnitDescription(Wire):
    """A unit as its publisher describes it."""

    name: Name = Field(examples=["UBND phường Mũi Né"])
    name_en: Name | None = Field(None, examples=["People's Committee of Mũi Né Ward"])
    kind: Literal["province", "city", "district", "ward", "commune", "department", "service_centre"] = Field(
        examples=["ward"]
    )
    parent: Code | None = Field(
        None,
        description="Code of the unit directly above, which may be described later; absent at the top.",
        examples=["H10"],
    )
    valid_from: NotYet = None
    valid_to: NotYet = None
    successors: NotYet = None
    settings: NotYet = None


class Unit(UnitDescription):
    """A unit with its code."""

    code: Code = Field(examples=["H10.25"])


class UnitNode(Unit):
    """A unit with the units directly below it."""

    children: list["UnitNode"]


class Duration(Wire):
    """How long the procedure may take."""

    value: int = Field(ge=0, le=MAX_DURATION, examples=[10])
    unit: DurationUnit = Field(examples=["working_day"])


class ProcedureDescription(Wire):
    """A procedure as its publisher describes it."""

    name: Name = Field(examples=["Cấp giấy phép xây dựng nhà ở riêng lẻ"])
    name_en: Name | None = Field(None, examples=["Building permit for a detached house"])
    sector: Code = Field(examples=["construction"])
    service_level: ServiceLevel = Field(description="How far it can be done online.", examples=["full"])
    fee_required: bool = Field(examples=[True])
    full_eligible: bool = Field(False, description="Eligible to be done fully online.")
    document_result: bool = Field(True, description="Its result is a document.")
    duration: Duration | None = Field(
        None, description="Gives the due date where a dossier's own events do not."
    )
    fee_stops_clock: bool = Field(
        False, description="The clock stands still from a request for the fee until it is paid."
    )
    offered_by: NotYet = None
    valid_from: NotYet = None
    valid_to: NotYet = None


class ProcedureEntry(ProcedureDescription):
    """A procedure with its code as published."""

    code: Code = Field(
        description="A suffix that names the publisher (`2.000908.000.00.00.H61`) is understood.",
        examples=["1.004946"],
    )

    def row(self) -> dict[str, Any]:
        """The columns of `procedure`."""
        row = self.model_dump(exclude={"code", "duration"})
        duration = self.duration
        return row | {
            "code": canonical_procedure(self.code),
            "raw_code": self.code,
            "duration_value": duration.value if duration else None,
            "duration_unit": duration.unit if duration else None,
        }


class Procedure(ProcedureDescription):
    """A procedure as it is stored."""

    code: Code = Field(description="Canonical code.", examples=["2.000908"])
    raw_code: Code = Field(description="The code as published.", examples=["2.000908.000.00.00.H61"])

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Procedure":
        """The procedure in a row of `procedure`."""
        value, unit = row.pop("duration_value"), row.pop("duration_unit")
        return cls(**row, duration=None if value is None else Duration(value=value, unit=unit))


class Tally(Wire):
    """What writing an array did."""

    created: int
    changed: int
    unchanged: int


class UnitTree(Wire):
    """The topmost units that the key may see, each with all below it."""

    items: list[UnitNode]
