"""What the dossier routes answer, as it stands in the OpenAPI document.

Wire models only.
"""

from datetime import date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field


class PauseOut(BaseModel):
    """Time in which the applicant was waited for."""

    kind: str = Field(description="supplement or fee")
    begin: datetime
    end: datetime | None = Field(description="null while it lasts")
    counted: bool = Field(
        description="Whether it stopped the clock; a pause begun after the due date does not."
    )
    working_hours: float = Field(description="Working time in it, until now while it lasts.")


class StayOut(BaseModel):
    """Time at one unit."""

    unit: str
    since: datetime
    until: datetime | None


class FindingOut(BaseModel):
    """Something that does not fit; it never changes a verdict."""

    kind: str
    detail: str
    source: str | None = Field(description="Source of the event that is meant, where one is.")
    id: str | None


class ApologyOut(BaseModel):
    """The duty to apologise for a late dossier."""

    state: str | None = Field(description="not_owed, owed, issued_in_time, issued_late or missing")
    deadline: datetime | None
    issued_at: datetime | None
    reappointments: int = Field(description="New dates told; one is allowed.")


class CalendarUsed(BaseModel):
    """What a due date was counted by."""

    key: str = Field(examples=["vn"])
    version: int = Field(
        description="The latest version that really changed one of the days between reception and due date, else 1."
    )


class DossierOut(BaseModel):
    """One dossier, folded from its events at this moment."""

    code: str
    state: str
    unit: str | None
    procedure: str | None
    channel: str | None
    service_level: str | None
    submitted_at: datetime | None
    received_at: datetime | None
    due_original: str | None = Field(
        description="What judges: moved by pauses only. A bare date is due until the end of that local day.",
        examples=["2026-03-20"],
    )
    due_current: str | None = Field(description="What the citizen was last told.")
    calendar: CalendarUsed | None = Field(description="null: the due date was told, or is not known.")
    ended_at: datetime | None
    end_kind: str | None
    returned_at: datetime | None
    verdict: str | None = Field(description="early, on_time, late, not_due, overdue or undated")
    late_in_data_only: bool
    paid_online: bool
    fee_bearing: bool | None
    apology: ApologyOut
    pauses: list[PauseOut]
    stays: list[StayOut]
    findings: list[FindingOut]
    explanation: list[str] = Field(description="How the verdict came about, a sentence a step.")
    timezone: str


class JudgedOut(BaseModel):
    """A dossier's dates and verdict."""

    due_original: str | None
    due_current: str | None
    verdict: str | None


class ChangeOut(BaseModel):
    """A dossier that a version of a calendar changes."""

    code: str
    unit: str | None
    before: JudgedOut = Field(description="By the versions in force.")
    after: JudgedOut = Field(description="With the version.")
    changes: list[str] = Field(
        description="What would change in the dossier's row, also where date and verdict stay.",
        examples=[["apology_deadline", "due_original", "outcome"]],
    )


class ChangeCounts(BaseModel):
    """How many dossiers a version changes."""

    dossiers: int = Field(description="Folded again when it is put in force: these, and no others.")
    due_date: int = Field(description="Of these, due on another date.")
    verdict: int = Field(description="Of these, with another verdict at this moment.")


class UnitChanges(ChangeCounts):
    """Of one unit; null: of no unit."""

    unit: str | None


class PreviewOut(BaseModel):
    """What a version of a calendar would change, as of this moment."""

    calendar: str
    version: int
    first_day: date | None = Field(description="First local day on which it really differs; null: none does.")
    last_day: date | None
    total: ChangeCounts | None = Field(description="null on later pages.")
    units: list[UnitChanges] | None = Field(description="By code; null on later pages.")
    items: list[ChangeOut]
    next_cursor: str | None


class DossierRow(BaseModel):
    """One dossier of a list, as the figures have it."""

    code: str
    state: str
    verdict: str | None
    unit: str | None
    procedure: str | None
    channel: str | None
    received_at: datetime | None
    due_original: str | None
    due_current: str | None
    ended_at: datetime | None
    findings: list[str]

    @classmethod
    def of(cls, row: dict[str, Any], zone: ZoneInfo) -> Self:
        """A row of the dossier table, its due dates as they stand on the slip."""
        return cls(
            **{name: row[name] for name in cls.model_fields if not name.startswith("due_")},
            due_original=_slip(row["due_original"], zone, is_date=row["due_original_is_date"]),
            due_current=_slip(row["due_current"], zone, is_date=row["due_current_is_date"]),
        )


def _slip(at: datetime | None, zone: ZoneInfo, *, is_date: bool) -> str | None:
    if at is None:
        return None
    local = at.astimezone(zone)
    return local.date().isoformat() if is_date else local.isoformat()
