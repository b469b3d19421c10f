"""Which fact ends the work on a dossier: one reading, for whoever asks where a dossier is and for whoever folds it.

Pure, after §3 of the domain note. It knows the order of facts and their types, neither keys nor clocks.
"""

from collections.abc import Sequence
from typing import Final

from app.dossiers.facts import Fact

CLOSINGS: Final = frozenset({"dossier.stopped", "dossier.withdrawn", "dossier.intake_refused"})
"""What ends the work without a result, if it comes after the reception."""
_ENDS: Final = ("dossier.processed", "dossier.returned")


def first_of(facts: Sequence[Fact], kind: str) -> Fact | None:
    """The first fact of a type."""
    for fact in facts:  # asked several times of every dossier: a loop takes half the time of a generator
        if fact.type == kind:
            return fact
    return None


def end_of_work(facts: Sequence[Fact], reception: Fact | None) -> Fact | None:
    """End of work: the first `processed`; if none, `returned`; if none, the first closing after the reception."""
    for kind in _ENDS:
        if (found := first_of(facts, kind)) is not None:
            return found
    begun = reception is None
    for fact in facts:
        if begun and fact.type in CLOSINGS:
            return fact
        begun = begun or fact is reception
    return None
