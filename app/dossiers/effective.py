"""Which of a dossier's facts stand: in their own order, without what was retracted or sent by a key without power over it.

Pure. It knows order, retraction and a key's unit limit; what the standing facts mean is for the fold.
"""

from collections.abc import Sequence

from app.dossiers.dossier import Finding
from app.dossiers.facts import Fact, Policy
from app.events.types import PLACE

_RETRACTED = "event.retracted"
_ENDS = (
    frozenset({"dossier.processed"}),
    frozenset({"dossier.returned"}),
    frozenset({"dossier.stopped", "dossier.withdrawn", "dossier.intake_refused"}),
)


def effective(facts: Sequence[Fact], policy: Policy) -> tuple[list[Fact], list[Finding]]:
    """The facts that stand, ordered by (time, place of the type, source, id), and what does not fit among the rest."""
    ordered = sorted(facts, key=lambda fact: (fact.time, PLACE[fact.type], fact.source, fact.id))
    findings: list[Finding] = []
    if any(fact.type == _RETRACTED for fact in ordered):
        ordered = _unretracted(ordered, policy, findings)
    if any(fact.unit_limit is not None for fact in ordered):
        ordered, foreign = _within_limits(ordered, policy)
        findings += foreign
    return ordered, findings


def _unretracted(facts: Sequence[Fact], policy: Policy, findings: list[Finding]) -> list[Fact]:
    """Facts that were not taken back. A retraction equals never having sent its target."""
    by_key = {(fact.source, fact.id): fact for fact in facts}
    kept = [fact for fact in facts if fact.type != _RETRACTED]
    limited = []
    for fact in facts:
        if fact.type != _RETRACTED:
            continue
        target = by_key.get(_target(fact))
        if target is None:
            findings.append(Finding("retraction_without_target", fact.source, fact.id))
        elif target.type == _RETRACTED:
            findings.append(Finding("retraction_of_retraction", fact.source, fact.id))
        elif fact.unit_limit is not None:
            limited.append(fact)
        else:
            kept = [other for other in kept if other is not target]
    if not limited:
        return kept
    standing, _ = _within_limits(kept, policy)
    units = {unit for fact in standing if (unit := _unit(fact)) is not None}
    gone: set[tuple[str, str]] = set()
    for fact in limited:
        if fact.unit_limit is not None and all(policy.inside(fact.unit_limit, unit) for unit in units):
            gone.add(_target(fact))
        else:
            findings.append(Finding("foreign_unit", fact.source, fact.id))
    return [fact for fact in kept if (fact.source, fact.id) not in gone]


def _target(retraction: Fact) -> tuple[str, str]:
    return retraction.data.get("event_source") or retraction.source, retraction.data["event_id"]


def _within_limits(facts: Sequence[Fact], policy: Policy) -> tuple[list[Fact], list[Finding]]:
    """Facts whose key has power over the dossier: it is, and stays, inside the unit that the key is limited to."""
    standing: list[Fact] = []
    foreign: list[Finding] = []
    unit = _opened_at(facts, policy)
    ends = next((kinds for kinds in _ENDS if any(fact.type in kinds for fact in facts)), frozenset())
    seen: set[str] = set()
    for fact in facts:
        if not _may(fact, unit, policy):
            foreign.append(Finding("foreign_unit", fact.source, fact.id))
            continue
        standing.append(fact)
        # Where the dossier is, as the fold places it: a second reception, or a move after the end, changes nothing.
        opens = _opens(fact) and fact.type not in seen and "dossier.received" not in seen
        if opens or (fact.type == "dossier.transferred" and "ended" not in seen):
            unit = _unit(fact)
        seen.add(fact.type)
        if fact.type in ends:
            seen.add("ended")
    return standing, foreign


def _opened_at(facts: Sequence[Fact], policy: Policy) -> str | None:
    """Where the dossier is before its first fact. A key without limit says so first, and its reception before all."""
    openings = [fact for fact in facts if _opens(fact) and _may(fact, None, policy)]
    openings.sort(key=lambda fact: (fact.unit_limit is not None, fact.type != "dossier.received"))
    return _unit(openings[0]) if openings else None


def _opens(fact: Fact) -> bool:
    return fact.type in {"dossier.submitted", "dossier.received"}


def _unit(fact: Fact) -> str | None:
    unit: str | None = fact.data.get("unit")
    return unit


def _may(fact: Fact, unit: str | None, policy: Policy) -> bool:
    """Whether the fact's key may act on a dossier that is at `unit` (None: at none yet)."""
    if fact.unit_limit is None:
        return True
    places = [place for place in (unit, _unit(fact)) if place is not None]
    return bool(places) and all(policy.inside(fact.unit_limit, place) for place in places)
