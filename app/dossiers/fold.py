"""Folds the facts of one dossier, in their own order, into the one state that follows from them.

Pure, after §3 of the domain note. It knows neither storage nor the present: what depends on "now" is for the reader.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from app.directory.codes import canonical_procedure
from app.directory.procedures import ProcedureRule
from app.dossiers import clock
from app.dossiers.clock import Clock, Wait, WaitKind, told
from app.dossiers.dossier import Dossier, Reckoning, Stay
from app.dossiers.effective import effective
from app.dossiers.end import end_of_work, first_of
from app.dossiers.facts import Fact, Policy
from app.dossiers.findings import look
from app.dossiers.readings import describe, measure, portal_reading
from app.worktime.deadline import (
    Due,
    add_calendar_days,
    add_working_days,
    add_working_hours,
    end_of_working_day,
    last_working_day_before,
    shift,
)

VERSION: Final = 3
"""Grows with every change of what a fold gives; dossiers derived under another version are folded again."""

_REQUESTS: Final[dict[WaitKind, tuple[str, frozenset[str]]]] = {
    "supplement": ("dossier.supplement_requested", frozenset({"dossier.supplemented"})),
    "fee": ("dossier.fee_requested", frozenset({"dossier.paid_online", "dossier.paid_in_person"})),
}
_TELLING: Final = {
    "dossier.supplemented": "due_at",
    "dossier.rescheduled": "due_at",
    "dossier.apology_issued": "new_due_at",
}
"""Events that tell the citizen a date, and the field that does."""


def fold(code: str, facts: Sequence[Fact], policy: Policy) -> Dossier | None:
    """The dossier that follows from these facts, in whatever order they are given; None if none of them stands."""
    standing, findings = effective(facts, policy)
    if not standing and not findings:
        return None
    dossier = Dossier(code, findings=findings)
    if standing:
        reception = first_of(standing, "dossier.received")
        end = end_of_work(standing, reception)
        _describe(dossier, standing, reception, end)
        rule = _rule(dossier, policy)
        describe(dossier, standing, reception, rule)
        _place(dossier, standing, reception, end)
        _run_clock(dossier, standing, reception, end, rule, policy)
        _judge(dossier, end, policy)
        portal_reading(dossier, standing, reception, policy)
        measure(dossier, standing, policy)
        dossier.findings = findings + look(dossier, standing, reception, end, rule, policy)
    if len(dossier.findings) > 1:
        dossier.findings = sorted(
            set(dossier.findings), key=lambda found: (found.kind, found.source or "", found.id or "")
        )
    return dossier


def _describe(dossier: Dossier, facts: Sequence[Fact], reception: Fact | None, end: Fact | None) -> None:
    """What the dossier is: procedure, channel, payments, apologies; each the first that was told."""
    submission = first_of(facts, "dossier.submitted")
    if submission is not None:
        dossier.submitted_at, dossier.submitted_unit = submission.time, submission.data["unit"]
    opened = reception or submission
    if opened is not None:
        dossier.procedure = canonical_procedure(opened.data["procedure"])
    if reception is not None:
        dossier.received_at = reception.time
        dossier.channel = reception.data["channel"]
    if end is not None:
        dossier.ended_at, dossier.end_kind = end.time, end.type.removeprefix("dossier.")
    dossier.voided = first_of(facts, "dossier.voided") is not None
    dossier.returned_at = _when(fact for fact in facts if fact.type == "dossier.returned")
    dossier.online_payments = [fact.time for fact in facts if fact.type == "dossier.paid_online"]
    dossier.apology_at = _when(fact for fact in facts if fact.type == "dossier.apology_issued")
    dossier.electronic_result_at = _when(
        fact for fact in facts if fact.type == "dossier.processed" and fact.data.get("electronic_result")
    )


def _when(facts: Iterator[Fact]) -> datetime | None:
    first = next(facts, None)
    return first.time if first is not None else None


def _rule(dossier: Dossier, policy: Policy) -> ProcedureRule | None:
    """What is in force for the procedure on the day of reception, before one on the day of filing."""
    since = dossier.received_at or dossier.submitted_at
    if since is None:
        return None
    return policy.procedure(dossier.procedure, since.astimezone(policy.calendar.zone).date())


def _between(facts: Sequence[Fact], opening: Fact, end: Fact | None) -> Sequence[Fact]:
    """The facts after the opening and before the end of work; none if it ended before it was opened."""
    return facts[facts.index(opening) + 1 : facts.index(end) if end is not None else len(facts)]


def _place(dossier: Dossier, facts: Sequence[Fact], reception: Fact | None, end: Fact | None) -> None:
    """Whose dossier it is: the unit that received it, then each it was transferred to until the end of work."""
    opening = reception or first_of(facts, "dossier.submitted") or first_of(facts, "dossier.transferred")
    if opening is None:
        return
    moves = [fact for fact in _between(facts, opening, end) if fact.type == "dossier.transferred"]
    places = [(fact.data["unit"], fact.time) for fact in (opening, *moves)]
    ends = [since for _, since in places[1:]] + [dossier.counted_at]
    dossier.stays = [Stay(unit, since, until) for (unit, since), until in zip(places, ends, strict=True)]
    dossier.unit = places[-1][0]


def _run_clock(
    dossier: Dossier,
    facts: Sequence[Fact],
    reception: Fact | None,
    end: Fact | None,
    rule: ProcedureRule | None,
    policy: Policy,
) -> None:
    if reception is not None:
        work = _between(facts, reception, end)
        ended = end.time if end is not None else None
        dossier.waits = [
            *_waits("supplement", work, ended, policy, stops=True),
            *_waits("fee", work, ended, policy, stops=rule is not None and rule.fee_stops_clock),
        ]
        _date(dossier, facts, reception, rule, policy)
    dossier.clock = clock.run(dossier.base_due, dossier.waits, policy.calendar)
    since = _between(facts, reception, None) if reception is not None else ()
    dossier.due_current, dossier.reappointments = _last_told(since, dossier.clock, policy)


def _waits(
    kind: WaitKind, work: Sequence[Fact], ended: datetime | None, policy: Policy, *, stops: bool
) -> Iterator[Wait]:
    """From each request to its answer; the end of work ends what is still open."""
    request, answers = _REQUESTS[kind]
    since: datetime | None = None
    for fact in work:
        if fact.type == request:
            since = since or fact.time
        elif fact.type in answers and since is not None:
            yield Wait(kind, since, fact.time, stops, told(fact.data.get("due_at"), policy.calendar.zone))
            since = None
    if since is not None:
        yield Wait(kind, since, ended, stops)


def _date(
    dossier: Dossier, facts: Sequence[Fact], reception: Fact, rule: ProcedureRule | None, policy: Policy
) -> None:
    """The due date before any pause, and where it is from: the slip, a duration, or a `late` event."""
    zone = policy.calendar.zone
    duration = reception.data.get("duration")
    if (slip := told(reception.data.get("due_at"), zone)) is not None:
        dossier.base_due, dossier.base_from = slip, "slip"
    elif duration is not None:
        _compute(dossier, reception, duration["value"], duration["unit"], policy)
        dossier.base_from = "event_duration"
    elif rule is not None and rule.duration_value is not None and rule.duration_unit is not None:
        _compute(dossier, reception, rule.duration_value, rule.duration_unit, policy)
        dossier.base_from = "procedure_duration"
    else:
        dates = (told(fact.data.get("due_at"), zone) for fact in facts if fact.type == "dossier.late")
        if (late := next((date for date in dates if date is not None), None)) is not None:
            dossier.base_due, dossier.base_from = late, "late_event"


def _compute(dossier: Dossier, reception: Fact, value: int, unit: str, policy: Policy) -> None:
    calendar, received = policy.calendar, reception.time
    intake = policy.intake_of(reception.data["unit"], received.astimezone(calendar.zone).date())
    dossier.reckoning = Reckoning(value, unit, intake)
    if unit == "working_hour":
        dossier.base_due = Due.by(add_working_hours(calendar, received, value))
    else:
        add = add_calendar_days if unit == "calendar_day" else add_working_days
        dossier.base_due = Due.on(add(calendar, received, value, policy.cutoff, intake), calendar.zone)


def _last_told(facts: Sequence[Fact], ran: Clock, policy: Policy) -> tuple[Due | None, int]:
    """What the citizen was last told, moved by the pauses that counted since; and how many new dates were told."""
    last, at = ran.due, None
    appointments: list[Due] = []
    for fact in facts:
        date = (
            told(fact.data.get(_TELLING[fact.type]), policy.calendar.zone) if fact.type in _TELLING else None
        )
        if date is None:
            continue
        last, at = date, fact.time
        if fact.type != "dossier.supplemented" and date not in appointments:
            appointments.append(date)
    if last is not None and at is not None:
        later = [
            (max(span.begin, at), span.end) for span in ran.counted if span.end is not None and span.end > at
        ]
        last = shift(last, policy.calendar, later)
    return last, len(appointments)


def _judge(dossier: Dossier, end: Fact | None, policy: Policy) -> None:
    """Early, on time or late at the end of work; by when an apology is owed; late only in the data."""
    due = dossier.clock.due
    if due is not None and dossier.received_at is not None:
        dossier.apology_deadline = _apology_deadline(due, dossier.received_at, policy)
    if end is None or dossier.received_at is None:
        return
    zone = policy.calendar.zone
    if due is None:
        dossier.outcome = "undated"
    elif end.time > due.at:
        dossier.outcome = "late"
    else:
        dossier.outcome = "early" if end.time.astimezone(zone).date() < due.day(zone) else "on_time"
        dossier.late_in_data_only = end.recorded_at > due.at


def _apology_deadline(due: Due, received_at: datetime, policy: Policy) -> datetime:
    """The end of the last working day before the due date (offset: a setting; 0 is the due day itself).

    The due date itself when that day lies before the reception.
    """
    calendar = policy.calendar
    day = due.day(calendar.zone)
    for _ in range(policy.apology_days_before):
        day = last_working_day_before(calendar, day)
    if day < received_at.astimezone(calendar.zone).date():
        return due.at
    return end_of_working_day(calendar, day)
