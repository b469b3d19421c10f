"""Which of a dossier's facts stand: in their own order, without what was retracted or sent by a key without power over it.

Pure. It knows order, retraction and a key's unit limit; what the standing facts mean is for the fold.
"""

from collections.abc import Sequence

from app.dossiers.dossier import Finding
from app.dossiers.end import end_of_work, first_of
from app.dossiers.facts import Fact, Policy
from app.events.types import PLACE

_RETRACTED = "event.retracted"


def effective(facts: Sequence[Fact], policy: Policy) -> tuple[list[Fact], list[Finding]]:
    """The facts that stand, ordered by (time, place of the type, source, id), and what does not fit among the rest."""
    ordered = sorted(facts, key=lambda fact: (fact.time, PLACE[fact.type], fact.source, fact.id))
    findings: list[Finding] = []
    if _RETRACTED in [fact.type for fact in ordered]:
        ordered = _unretracted(ordered, policy, findings)
    if [fact for fact in ordered if fact.unit_limit is not None]:
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
        if fact.unit_limit is not None and all(
            policy.inside(fact.unit_limit, unit, fact.recorded_at) for unit in units
        ):
            gone.add(_target(fact))
        else:
            findings.append(Finding("foreign_unit", fact.source, fact.id))
    return [fact for fact in kept if (fact.source, fact.id) not in gone]


def _target(retraction: Fact) -> tuple[str, str]:
    return retraction.data.get("event_source") or retraction.source, retraction.data["event_id"]


def _within_limits(facts: Sequence[Fact], policy: Policy) -> tuple[list[Fact], list[Finding]]:
    """Facts whose key has power over the dossier: it is, and stays, inside the unit that the key is limited to.

    Judged until it settles, what places the dossier before all else: what has no effect has none on the power of
    others either. Where an end's power would rest on its being the end, it is taken at its word first.
    """
    standing, foreign = list(facts), list[Finding]()
    while True:
        powerless = _powerless(standing, policy)
        if not powerless:
            return standing, foreign
        foreign += [Finding("foreign_unit", fact.source, fact.id) for fact in powerless]
        standing = [fact for fact in standing if not any(fact is other for other in powerless)]


def _powerless(facts: Sequence[Fact], policy: Policy) -> list[Fact]:
    """Facts of keys that have no power over the dossier where it is by then, or where they would take it.

    The reception alone if it is one of them, or else the end of work: the others were judged by what these say.
    """
    reception = first_of(facts, "dossier.received")
    end = end_of_work(facts, reception)
    unit = _opened_at(facts, policy)
    opened = received = ended = False
    powerless: list[Fact] = []
    for fact in facts:
        if not _may(fact, unit, policy):
            if fact is reception:
                return [fact]
            powerless.append(fact)
        # Where the dossier is: a second opening, or a move before the first or after the end, changes nothing.
        elif _opens(fact) and not received and (fact.type == "dossier.received" or not opened):
            unit, opened, received = _unit(fact), True, fact.type == "dossier.received"
        elif fact.type == "dossier.transferred" and (unit is None or (opened and not ended)):
            # Where nobody opened the dossier, the first move does.
            unit, opened = _unit(fact), True
        ended = ended or fact is end
    return [fact for fact in powerless if fact is end] or powerless


def _opened_at(facts: Sequence[Fact], policy: Policy) -> str | None:
    """Where the dossier is before its first fact: where a key without limit received it, else where it was submitted.

    If only limited keys speak of it, it is where the first that was *recorded* says: a key that tells an earlier time
    afterwards takes no dossier over.
    """
    openings = [fact for fact in facts if _opens(fact) and _may(fact, None, policy)]
    unlimited = [fact for fact in openings if fact.unit_limit is None]
    if unlimited:
        return _unit(min(unlimited, key=lambda fact: fact.type != "dossier.received"))
    first = min(openings, key=lambda fact: (fact.recorded_at, fact.source, fact.id), default=None)
    return _unit(first) if first is not None else None


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
    return bool(places) and all(policy.inside(fact.unit_limit, place, fact.recorded_at) for place in places)
