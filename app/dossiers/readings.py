"""What figures read off a dossier besides its verdict: its kind, the intake duty, the portal's clock, the time it took.

Pure, after §3 and §6 of the domain note. It knows the dossier's facts and what the fold found; it judges nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from app.directory.procedures import ProcedureRule
from app.dossiers import clock
from app.dossiers.clock import Wait
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Fact, Policy
from app.worktime.deadline import add_working_hours, worked_between

INTAKE_HOURS: Final = 8
"""Working hours within which an online submission must be answered (Decree 118/2025/NĐ-CP)."""

_ANSWERS: Final = frozenset({"dossier.received", "dossier.intake_refused", "dossier.supplement_requested"})


def describe(
    dossier: Dossier, facts: Sequence[Fact], reception: Fact | None, rule: ProcedureRule | None
) -> None:
    """Sector, service level and fee: as the events say, else as the procedure on the day of reception, else unknown."""
    told = reception.data.get("service_level") if reception is not None else None
    dossier.service_level = told or (rule.service_level if rule is not None else None)
    dossier.fee_bearing = _fee_bearing(facts, reception, rule)
    if rule is not None:
        dossier.sector = rule.sector
        dossier.full_eligible = rule.full_eligible
        dossier.document_result = rule.document_result


def _fee_bearing(facts: Sequence[Fact], reception: Fact | None, rule: ProcedureRule | None) -> bool | None:
    amounts = [fact.data["amount"] for fact in facts if fact.data.get("amount") is not None]
    told = reception.data.get("fee_required") if reception is not None else None
    if told or any(amount > 0 for amount in amounts):
        return True
    if told is False or amounts:
        return False
    return rule.fee_required if rule is not None else None


def portal_reading(dossier: Dossier, facts: Sequence[Fact], reception: Fact | None, policy: Policy) -> None:
    """The clock as the national portal runs it (Decision 766/QĐ-TTg): only supplement pauses move the due date.

    `repeat_waits` are the supplement waits since the second request after the reception: whoever waits then counts as late.
    """
    waits = [wait for wait in dossier.waits if wait.kind == "supplement"]
    # Where no fee stopped the clock, both readings are one, and running it is most of what a fold costs.
    alike = all(wait.kind == "supplement" for wait in dossier.waits if wait.stops)
    dossier.portal_clock = dossier.clock if alike else clock.run(dossier.base_due, waits, policy.calendar)
    if reception is None:
        return
    begun = next(place for place, fact in enumerate(facts) if fact is reception)
    requests = [fact.time for fact in facts[begun:] if fact.type == "dossier.supplement_requested"]
    if len(requests) > 1:
        dossier.repeat_waits = [
            Wait(wait.kind, max(wait.begin, requests[1]), wait.end, wait.stops)
            for wait in waits
            if wait.end is None or wait.end > requests[1]
        ]


def measure(dossier: Dossier, facts: Sequence[Fact], policy: Policy) -> None:
    """The intake duty of an online submission, and the working time from reception to result."""
    if dossier.submitted_at is not None:
        _measure_intake(dossier, facts, policy)
    if dossier.received_at is not None and dossier.end_kind in {"processed", "returned"}:
        assert dossier.ended_at is not None  # noqa: S101 - an end has its instant
        whole = worked_between(policy.calendar, dossier.received_at, dossier.ended_at)
        stretches = ((stretch.begin, stretch.end or stretch.begin) for stretch in dossier.clock.counted)
        pauses = sum((worked_between(policy.calendar, *stretch) for stretch in stretches), timedelta())
        dossier.processing = whole - pauses


def _measure_intake(dossier: Dossier, facts: Sequence[Fact], policy: Policy) -> None:
    """By when an answer is owed, and the first one; nothing is owed to who withdrew in time before any answer."""
    filed = dossier.submitted_at
    assert filed is not None  # noqa: S101 - asked of submissions only
    since = [fact for fact in facts if fact.time >= filed]
    dossier.intake_answered_at = next((fact.time for fact in since if fact.type in _ANSWERS), None)
    deadline = add_working_hours(policy.calendar, filed, INTAKE_HOURS)
    left = next((fact.time for fact in since if fact.type == "dossier.withdrawn"), None)
    answered = dossier.intake_answered_at
    if left is None or left > deadline or (answered is not None and answered <= left):
        dossier.intake_deadline = deadline
