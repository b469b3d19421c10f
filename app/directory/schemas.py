"""Units and procedures as they are written and read, over HTTP or in files.

What is written is flat and checked by itself; what several entries must be together, `registrar` says.
"""

import re
from datetime import date
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


_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(2200, 12, 31)


def _day(value: object) -> object:
    """The library reads more forms of a date than the contract names, numbers among them."""
    if type(value) is date or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("day", "It must be a date such as 2025-07-01.")


Day = Annotated[date, BeforeValidator(_day), Field(strict=False, ge=_EARLIEST, le=_LATEST)]
NotYet = Annotated[SkipJsonSchema[None], BeforeValidator(_not_yet), Field(exclude=True)]
Name = Annotated[str, Field(min_length=1, max_length=300, pattern=CODE_PATTERN)]
ServiceLevel = Literal["full", "partial", "none"]
DurationUnit = Literal["working_day", "working_hour", "calendar_day"]


class Wire(BaseModel):
    """What stands in a request or an answer; a field of another name is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_FROM: Final = "First local day. Absent: the period in which `valid_to` lies (the open one, where that is absent too), else the only one, else one since ever."
_TO: Final = "Last local day, inclusive; absent: open."


class Successor(Wire):
    """A unit that takes over after the last day."""

    code: Code = Field(examples=["22918"])
    kind: Literal["merge", "split", "rename", "move"] = Field(
        description="`split` exactly when there are several; a unit that goes on beside others names itself too.",
        examples=["merge"],
    )


class UnitSettings(Wire):
    """What is particular to a unit."""

    intake_calendar: Code | None = Field(
        None,
        description="Key of the calendar with the days off on which its one-stop shop takes in dossiers all the same.",
        examples=["vn-sat"],
    )


class UnitDescription(Wire):
    """A unit as its publisher describes it, for one period."""

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
    valid_from: Day | None = Field(None, description=_FROM, examples=["2025-07-01"])
    valid_to: Day | None = Field(None, description=_TO, examples=[None])
    successors: list[Successor] = Field(
        [], max_length=100, description="Who took over after `valid_to`, which is needed then.", examples=[[]]
    )
    settings: UnitSettings | None = Field(None, examples=[None])


class Unit(UnitDescription):
    """A unit with its code."""

    code: Code = Field(examples=["H10.25"])


class UnitPeriod(UnitDescription):
    """One period of a unit."""

    key: int = Field(description="Of this period, for ever: a code alone may come to mean another territory.")


class StoredUnit(Unit):
    """A unit as it stood on the day asked for, with all its periods."""

    stands: bool = Field(
        description="false: on that day it did not stand; shown is the period before, else the first."
    )
    periods: list[UnitPeriod] = Field(description="Earliest first.")


class UnitNode(StoredUnit):
    """A unit with the units directly below it."""

    children: list["UnitNode"]


class Duration(Wire):
    """How long the procedure may take."""

    value: int = Field(ge=0, le=MAX_DURATION, examples=[10])
    unit: DurationUnit = Field(examples=["working_day"])


class ProcedureDescription(Wire):
    """A procedure as its publisher describes it, for one period."""

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
    offered_by: list[Code] = Field(
        [],
        max_length=10_000,
        description="Codes of the units that offer it; empty: not told.",
        examples=[["H10.25"]],
    )
    valid_from: Day | None = Field(None, description=_FROM, examples=[None])
    valid_to: Day | None = Field(None, description=_TO, examples=[None])


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


class ProcedurePeriod(ProcedureDescription):
    """One period of a procedure."""

    key: int = Field(description="Of this period, for ever.")
    raw_code: Code = Field(description="The code as published.", examples=["2.000908.000.00.00.H61"])

    @classmethod
    def of(cls, row: dict[str, Any]) -> "ProcedurePeriod":
        """The period in a row of `procedure`."""
        told = {
            name: value
            for name, value in row.items()
            if name not in {"code", "duration_value", "duration_unit"}
        }
        value, unit = row["duration_value"], row["duration_unit"]
        return cls(**told, duration=None if value is None else Duration(value=value, unit=unit))


class Procedure(ProcedureDescription):
    """A procedure as it was in force on the day asked for, with all its periods."""

    code: Code = Field(description="Canonical code.", examples=["2.000908"])
    raw_code: Code = Field(description="The code as published.", examples=["2.000908.000.00.00.H61"])
    stands: bool = Field(
        description="false: on that day it was not in force; shown is the period before, else the first."
    )
    periods: list[ProcedurePeriod] = Field(description="Earliest first.")


class Tally(Wire):
    """What writing an array did."""

    created: int
    changed: int
    unchanged: int


class UnitTree(Wire):
    """The topmost units that the key may see, each with all below it."""

    items: list[UnitNode]
