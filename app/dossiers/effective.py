"""Which of a dossier's facts stand: in their own order, without what was retracted or sent by a key without power over it.

Pure. It knows order, retraction and a key's unit limit; what the standing facts mean is for the fold.
"""

from collections.abc import Sequence

from app.dossiers.dossier import Finding
from app.dossiers.facts import Fact, Policy
from app.events.types import PLACE

_RETRACTED = "event.retracted"


def effective(facts: Sequence[Fact], policy: Policy) -> tuple[list[Fact], list[Finding]]:
    """The facts that stand, ordered by (time, place of the type, source, id), and what does not fit among the rest."""
    ordered = sorted(facts, key=lambda fact: (fact.time, PLACE[fact.type], fact.source, fact.id))
    findings: list[Finding] = []
    if any(fact.type == _RETRACTED for fact in ordered):
        ordered = _unretracted(ordered, policy, findings)
    if any(fact.unit_limit is not None for fact in ordered):
        ordered = _within_limits(ordered, policy, findings)
    return ordered, findings


def _unretracted(facts: Sequence[Fact], policy: Policy, findings: list[Finding]) -> list[Fact]:
    """Facts that were not taken back. A retraction equals never having sent its target."""
    by_key = {(fact.source, fact.id): fact for fact in facts}
    named = [fact.data["unit"] for fact in facts if fact.data.get("unit") is not None]
    gone: set[tuple[str, str]] = set()
    for fact in facts:
        if fact.type != _RETRACTED:
            continue
        key = (fact.data.get("event_source") or fact.source, fact.data["event_id"])
        target = by_key.get(key)
        if target is None:
            findings.append(Finding("retraction_without_target", fact.source, fact.id))
        elif target.type == _RETRACTED:
            findings.append(Finding("retraction_of_retraction", fact.source, fact.id))
        elif fact.unit_limit is not None and not all(policy.inside(fact.unit_limit, unit) for unit in named):
            findings.append(Finding("foreign_unit", fact.source, fact.id))
        else:
            gone.add(key)
    return [fact for fact in facts if fact.type != _RETRACTED and (fact.source, fact.id) not in gone]


def _within_limits(facts: Sequence[Fact], policy: Policy, findings: list[Finding]) -> list[Fact]:
    """Facts whose key has power over the dossier: it is, and stays, inside the unit that the key is limited to."""
    standing: list[Fact] = []
    unit = next((_unit(fact) for fact in facts if _opens(fact) and _may(fact, None, policy)), None)
    for fact in facts:
        if not _may(fact, unit, policy):
            findings.append(Finding("foreign_unit", fact.source, fact.id))
            continue
        standing.append(fact)
        unit = _unit(fact) or unit
    return standing


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
