"""What of a procedure decides about a dossier: its clock, and the figures it stands in.

A plain value; where it stands, `queries` knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.directory.structure import EVER, OPEN


@dataclass(frozen=True, slots=True)
class ProcedureRule:
    """What holds for a dossier of this procedure where its own events do not say otherwise.

    The duration counts where the slip has no date; `fee_stops_clock` tells whether a requested fee does. `service_level`
    is full, partial or none (Decree 42/2022/NĐ-CP); `document_result` tells whether it yields a document. It is in
    force on the local days `valid_from` to `valid_to`, both inclusive.
    """

    duration_value: int | None = None
    duration_unit: str | None = None
    fee_stops_clock: bool = False
    sector: str | None = None
    service_level: str = "none"
    fee_required: bool = False
    full_eligible: bool = False
    document_result: bool = True
    valid_from: date = EVER
    valid_to: date = OPEN


def in_force(rules: Iterable[ProcedureRule], day: date) -> ProcedureRule | None:
    """The one that is in force on a local day, if there is one."""
    return next((rule for rule in rules if rule.valid_from <= day <= rule.valid_to), None)
