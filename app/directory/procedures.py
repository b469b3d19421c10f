"""What of a procedure decides about a dossier's clock.

A plain value; where it stands and since when, `queries` knows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcedureRule:
    """The duration that a slip without a date falls back to, and whether a requested fee stops the clock."""

    duration_value: int | None = None
    duration_unit: str | None = None
    fee_stops_clock: bool = False
