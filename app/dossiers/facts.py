"""What the fold works on: the facts of one dossier, and the values that were in force for it.

Plain values; where they come from, the projector knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple

from app.directory.procedures import ProcedureRule, in_force
from app.directory.structure import Structure
from app.directory.tree import chain
from app.worktime.calendar import Calendar


class Fact(NamedTuple):
    """One event of the log; `time` is when it happened, `recorded_at` when it was stored, both in UTC.

    A tuple, since millions are made when all is derived anew: a frozen dataclass takes three times as long to make.
    """

    source: str
    id: str
    type: str
    time: datetime
    data: Mapping[str, Any]
    recorded_at: datetime
    unit_limit: str | None = None


class Intake(NamedTuple):
    """A unit's intake calendar, on the local days from the first to the last, both inclusive."""

    calendar: Calendar
    valid_from: date = date.min
    valid_to: date = date.max


@dataclass(frozen=True)
class Policy:
    """The calendar, settings and directory that a fold follows.

    `units` are all known units; `procedures` are what was in force of known procedures, by canonical code; `intake` are
    the intake calendars of those units that have or had one.
    """

    calendar: Calendar
    cutoff: time
    apology_days_before: int
    units: Structure = field(default_factory=lambda: Structure([]))
    procedures: Mapping[str, Sequence[ProcedureRule]] = field(default_factory=dict)
    intake: Mapping[str, Sequence[Intake]] = field(default_factory=dict)

    def procedure(self, code: str | None, day: date) -> ProcedureRule | None:
        """What was in force for a procedure on a local day; None if the directory does not have it then."""
        return in_force(self.procedures.get(code, ()), day) if code is not None else None

    def intake_of(self, unit: str, day: date) -> Calendar | None:
        """The calendar by which a unit takes in dossiers on days off, on a local day; None if it takes in none then."""
        periods = self.intake.get(unit, ())
        return next((one.calendar for one in periods if one.valid_from <= day <= one.valid_to), None)

    def inside(self, limit: str, unit: str, said_at: datetime) -> bool:
        """Whether `unit` was `limit`, or stood below it, on the local day of the instant at which a key used its power.

        What a unit had taken over whole by then stood below it. A later change takes nobody's word back.
        """
        day = said_at.astimezone(self.calendar.zone).date()
        return limit in chain(self.units.now(day), unit)
