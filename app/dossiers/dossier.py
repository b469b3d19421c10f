"""The state that follows from a dossier's facts, as plain values.

Nothing here depends on the present, and nothing here decides.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from app.dossiers.clock import Clock, Wait
from app.worktime.calendar import Calendar
from app.worktime.deadline import Due


class Finding(NamedTuple):
    """One thing that does not fit; `source` and `id` name the event, where one event is meant."""

    kind: str
    source: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Time at one unit; `until` is None at the present one."""

    unit: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How long the work may take, where no slip says when it is due; `intake` is the receiving unit's calendar."""

    value: int
    unit: str
    intake: Calendar | None = None


@dataclass(slots=True)
class Dossier:
    """One dossier as its facts tell it. Instants are UTC; nothing here depends on the present."""

    code: str
    voided: bool = False
    unit: str | None = None
    procedure: str | None = None
    channel: str | None = None
    sector: str | None = None
    service_level: str | None = None
    full_eligible: bool = False
    document_result: bool = True
    submitted_at: datetime | None = None
    submitted_unit: str | None = None
    received_at: datetime | None = None
    ended_at: datetime | None = None
    end_kind: str | None = None
    returned_at: datetime | None = None
    base_due: Due | None = None
    base_from: str | None = None
    reckoning: Reckoning | None = None
    clock: Clock = field(default_factory=lambda: Clock(None, None))
    due_current: Due | None = None
    portal_clock: Clock = field(default_factory=lambda: Clock(None, None))
    repeat_waits: list[Wait] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    outcome: str | None = None
    intake_answered_at: datetime | None = None
    intake_deadline: datetime | None = None
    processing: timedelta | None = None
    fee_bearing: bool | None = None
    online_payments: list[datetime] = field(default_factory=list)
    electronic_result_at: datetime | None = None
    apology_at: datetime | None = None
    apology_deadline: datetime | None = None
    reappointments: int = 0
    late_in_data_only: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def paid_online_at(self) -> datetime | None:
        """The first online payment."""
        return self.online_payments[0] if self.online_payments else None

    @property
    def counted_at(self) -> datetime | None:
        """When the end counts in periods: never before the reception."""
        if self.ended_at is None or self.received_at is None:
            return self.ended_at
        return max(self.ended_at, self.received_at)
