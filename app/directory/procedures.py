"""What of a procedure decides about a dossier: its clock, and the figures it stands in.

A plain value; where it stands and since when, `queries` knows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcedureRule:
    """What holds for a dossier of this procedure where its own events do not say otherwise.

    The duration counts where the slip has no date; `fee_stops_clock` tells whether a requested fee does. `service_level` is full, partial or none (Decree 42/2022/NĐ-CP); `document_result` tells whether it yields a document.
    """

    duration_value: int | None = None
    duration_unit: str | None = None
    fee_stops_clock: bool = False
    sector: str | None = None
    service_level: str = "none"
    fee_required: bool = False
    full_eligible: bool = False
    document_result: bool = True
