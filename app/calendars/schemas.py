"""Calendars and their versions as they are written and read.

Wire models only; what is wrong with a version that reads well, `terms` says.
"""

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from app.directory.schemas import Name, Wire
from app.events.instants import Day

KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MAX_DAYS: Final = 5_000
MAX_WINDOWS: Final = 12

_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _clock(text: Any) -> Any:
    if isinstance(text, time):
        return text
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        raise ValueError("a local time of day such as 07:30")
    return time.fromisoformat(text)


def _written(clock: time) -> str:
    return clock.strftime("%H:%M")


LocalTime = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"}),
]


class WindowTerms(Wire):
    """Hours of one local day; what closes at 00:00 closes at the end of the day."""

    opens: LocalTime = Field(examples=["07:30"])
    closes: LocalTime = Field(examples=["11:30"])


Hours = Annotated[list[WindowTerms], Field(max_length=MAX_WINDOWS)]


class DayTerms(Wire):
    """One local day that differs from its week."""

    day: Day = Field(examples=["2027-02-05"])
    kind: Literal["off", "worked", "half_day"] = Field(
        description="`off`: a holiday; `worked`: windows as told, else full office hours; `half_day`: as told, else the morning."
    )
    windows: Hours | None = Field(None, description="Absent: as the kind says.")
    name: Name = Field(examples=["Nghỉ hoán đổi cho ngày 13/02/2027"])
    name_en: Name | None = Field(None, examples=["Swapped for 2027-02-13"])


class SourceTerms(Wire):
    """The document that the version follows."""

    title: Name = Field(examples=["Thông báo về việc nghỉ Tết Nguyên đán năm 2027"])
    number: Name | None = Field(None, examples=["1234/TB-BNV"])
    url: str | None = Field(None, max_length=2000, pattern=r"^https?://[^\s]+$")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="Of the document's file.")


class VersionTerms(Wire):
    """What a version says. Days that it does not mention stay as earlier versions have them."""

    effective_from: Day = Field(
        description="It says nothing of local days before this one.", examples=["2027-01-01"]
    )
    source: SourceTerms
    days: list[DayTerms] = Field([], max_length=MAX_DAYS)
    week: list[Hours] | None = Field(
        None,
        description="Windows of Monday to Sunday from `effective_from` on; absent: the week stays. Listed days stay too.",
        min_length=7,
        max_length=7,
    )


class VersionSummary(BaseModel):
    """A version without its days."""

    number: int
    state: Literal["draft", "in_force"]
    effective_from: date | None = Field(description="null: since ever.")
    source: SourceTerms
    in_force_at: datetime | None = Field(description="null for drafts and for what ships.")
    in_force_by: str | None = Field(description="Name of the key that put it in force.")


class VersionOut(VersionSummary):
    """A version with all that it says."""

    calendar: str = Field(examples=["vn"])
    days: list[DayTerms]
    week: list[Hours] | None


class CalendarSummary(BaseModel):
    """A calendar by its key."""

    key: str = Field(examples=["vn"])
    in_use: bool = Field(description="Whether the deployment counts by it.")
    versions: list[VersionSummary]


class CalendarDay(BaseModel):
    """One local day as the versions in force make it."""

    day: date
    windows: list[WindowTerms] = Field(description="Empty on a day off.")
    name: str | None = Field(description="Of a listed day.")
    version: int = Field(description="The latest version that really changed its hours, else the first.")


class CalendarOut(CalendarSummary):
    """A calendar with some of its days."""

    timezone: str
    days: list[CalendarDay]
