"""What the fold works on: the facts of one dossier, and the values that were in force for it.

Plain values; where they come from, the projector knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from app.directory.procedures import ProcedureRule
from app.worktime.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of the log; `time` is when it happened, `recorded_at` when it was stored, both in UTC."""

    source: str
    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    recorded_at: datetime
    unit_limit: str | None = None


@dataclass(frozen=True)
class Policy:
    """The calendar, settings and directory that a fold follows.

    `units` are all known units with their parent; `procedures` are known procedures by canonical code.
    """

    calendar: Calendar
    cutoff: time
    apology_days_before: int
    units: Mapping[str, str | None] = field(default_factory=dict)
    procedures: Mapping[str, ProcedureRule] = field(default_factory=dict)

    def procedure(self, code: str | None, day: date) -> ProcedureRule | None:
        """What was in force for a procedure on a local day; None if the directory does not have it."""
        del day  # a procedure has one description for all times
        return self.procedures.get(code) if code is not None else None

    def inside(self, limit: str, unit: str) -> bool:
        """Whether `unit` is `limit` or stands below it."""
        seen: set[str] = set()
        place: str | None = unit
        while place is not None and place not in seen:
            if place == limit:
                return True
            seen.add(place)
            place = self.units.get(place)
        return False
