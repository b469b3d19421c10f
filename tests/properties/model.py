"""Dossiers and figures counted again, slowly and straight from their definitions; it shares no code with the product.

Working time is Monday to Friday 07:30-11:30 and 13:00-17:00 in Vietnam, whose clocks never change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from math import ceil
from typing import Any

ICT = timezone(timedelta(hours=7))
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
WINDOWS = ((time(7, 30), time(11, 30)), (time(13), time(17)))
WORKING_DAY = timedelta(hours=8)
CUTOFF = time(15)

TYPES = [
    "dossier.submitted",
    "dossier.received",
    "dossier.intake_refused",
    "dossier.supplement_requested",
    "dossier.supplemented",
    "dossier.fee_requested",
    "dossier.paid_online",
    "dossier.paid_in_person",
    "dossier.transferred",
    "dossier.rescheduled",
    "dossier.late",
    "dossier.apology_issued",
    "dossier.processed",
    "dossier.returned",
    "dossier.withdrawn",
    "dossier.stopped",
    "dossier.voided",
    "event.retracted",
]

FINDINGS = {
    *("second_reception", "end_before_reception", "pause_after_due"),
    *("retraction_without_target", "retraction_of_retraction"),
}
"""The kinds of findings that the model tells."""

Due = date | datetime
Wait = tuple[str, datetime, datetime | None]
"""What is waited for, from when, and until when."""


@dataclass(frozen=True)
class Event:
    """One event; `time` is local, `type` is the contract's."""

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any] = field(hash=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.id

    def is_a(self, *kinds: str) -> bool:
        return self.type.removeprefix("dossier.") in kinds


@dataclass(frozen=True)
class Procedure:
    """What the directory says of a procedure."""

    level: str = "none"
    duration: tuple[int, str] | None = None
    fee_stops_clock: bool = False


# --- working time


def windows(day: date) -> list[tuple[datetime, datetime]]:
    if day.weekday() > 4:
        return []
    return [(datetime.combine(day, a, ICT), datetime.combine(day, b, ICT)) for a, b in WINDOWS]


def worked(begin: datetime, end: datetime) -> timedelta:
    days = [begin.date() + n * DAY for n in range((end.date() - begin.date()).days + 1)]
    spans = [(max(a, begin), min(b, end)) for day in days for a, b in windows(day)]
    return sum((b - a for a, b in spans if a < b), timedelta())


def after(moment: datetime, amount: timedelta) -> datetime:
    """When so much working time since `moment` is over."""
    day = moment.date()
    while True:
        for a, b in windows(day):
            begin = max(a, moment)
            if begin < b and amount <= b - begin:
                return begin + amount
            amount -= max(b - begin, timedelta())
        day += DAY


def working_day(day: date, n: int) -> date:
    """The n-th working day after `day`."""
    while n:
        day += DAY
        n -= bool(windows(day))
    return day


def computed(received: datetime, value: int, unit: str) -> Due:
    if unit == "working_hour":
        return after(received, value * timedelta(hours=1))
    day = received.date()
    if received.time() > CUTOFF or not windows(day):
        day = working_day(day, 1)
    return day + value * DAY if unit == "calendar_day" else working_day(day, value)


def moved(due: Due, paused: timedelta) -> Due:
    if not paused:
        return due
    if isinstance(due, datetime):
        return after(due, paused)
    return working_day(due, ceil(paused / WORKING_DAY))


def limit(due: Due) -> datetime:
    """The last instant that is in time."""
    return due if isinstance(due, datetime) else datetime.combine(due, time(), ICT) + DAY - TICK


def told(text: str | None) -> Due | None:
    if text is None or len(text) == len("2024-03-18"):
        return date.fromisoformat(text) if text else None
    return datetime.fromisoformat(text).astimezone(ICT)


# --- one dossier


@dataclass
class Life:
    """What follows from a dossier's facts."""

    findings: set[str]
    voided: bool = False
    received: Event | None = None
    end: Event | None = None
    unit: str | None = None
    procedure: str | None = None
    due: Due | None = None
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    @property
    def ended(self) -> datetime | None:
        return self.end.time if self.end else None

    @property
    def channel(self) -> str | None:
        return self.received.data["channel"] if self.received else None

    @property
    def counted(self) -> datetime | None:
        """When the end counts in periods."""
        return max(self.end.time, self.received.time) if self.end and self.received else None

    @property
    def outcome(self) -> str | None:
        if self.end is None or self.received is None:
            return None
        if self.due is None:
            return "undated"
        if self.end.time > limit(self.due):
            return "late"
        return "early" if self.end.time.date() < limit(self.due).date() else "on_time"

    def overdue(self, now: datetime) -> bool:
        """Whether it is overdue just before `now`, given that it is open.

        A slip that ends a pause may name a date that is over by then; it is overdue only once the pause is.
        """
        paused = any(end is None or now <= end for _, end in self.pauses)
        return self.due is not None and limit(self.due) < now and not paused

    def verdict(self, now: datetime) -> str | None:
        if self.received is None or self.outcome:
            return self.outcome
        if self.due is None:
            return "undated"
        return "overdue" if self.overdue(now) else "not_due"


def standing(events: Iterable[Event]) -> tuple[list[Event], set[str]]:
    """The events that nobody took back, in their own order."""
    ordered = sorted(events, key=lambda e: (e.time, TYPES.index(e.type), e.source, e.id))
    known = {event.key: event for event in ordered}
    gone, findings = set(), set()
    for event in ordered:
        if event.type == "event.retracted":
            key = (event.data.get("event_source", event.source), event.data["event_id"])
            if key not in known:
                findings.add("retraction_without_target")
            elif known[key].type == "event.retracted":
                findings.add("retraction_of_retraction")
            else:
                gone.add(key)
    return [e for e in ordered if e.type != "event.retracted" and e.key not in gone], findings


def live(events: Iterable[Event], procedures: dict[str, Procedure]) -> Life | None:
    facts, findings = standing(events)
    if not facts:
        return Life(findings) if findings else None
    life = Life(findings, voided=any(fact.is_a("voided") for fact in facts))
    receptions = [fact for fact in facts if fact.is_a("received")]
    life.received = receptions[0] if receptions else None
    start = facts.index(receptions[0]) if receptions else -1
    life.end = next(
        (
            fact
            for kinds, among in (
                (["processed"], facts),
                (["returned"], facts),
                (["stopped", "withdrawn", "intake_refused"], facts[start + 1 :]),
            )
            for fact in among
            if fact.is_a(*kinds)
        ),
        None,
    )
    if life.received is None:
        return life
    if len(receptions) > 1:
        findings.add("second_reception")
    if life.end and life.end.time < life.received.time:
        findings.add("end_before_reception")
    work = facts[start + 1 : facts.index(life.end) if life.end else None]
    moves = [fact.data["unit"] for fact in work if fact.is_a("transferred")]
    life.unit = [life.received.data["unit"], *moves][-1]
    life.procedure = life.received.data["procedure"].removesuffix(".000.00.00.H61")
    procedure = procedures.get(life.procedure, Procedure())
    run_clock(life, first_due(life.received, facts, procedure), work, procedure)
    return life


def first_due(received: Event, facts: Sequence[Event], procedure: Procedure) -> Due | None:
    if "due_at" in received.data:
        return told(received.data["due_at"])
    if "duration" in received.data:
        return computed(received.time, **received.data["duration"])
    if procedure.duration:
        return computed(received.time, *procedure.duration)
    return next((told(f.data["due_at"]) for f in facts if f.is_a("late") and "due_at" in f.data), None)


def run_clock(life: Life, slip: Due | None, work: Sequence[Event], procedure: Procedure) -> None:
    """Walks through the work and stops the clock while somebody is waited for."""
    stopping = {"supplement", "fee"} if procedure.fee_stops_clock else {"supplement"}
    waiting: dict[str, datetime] = {}
    watch = Watch(life, slip)
    for fact in work:
        kind = "fee" if fact.is_a("fee_requested", "paid_online", "paid_in_person") else "supplement"
        if fact.is_a("supplement_requested", "fee_requested") and kind not in waiting:
            if kind in stopping and not stopping & waiting.keys():
                watch.stop(fact.time)
            waiting[kind] = fact.time
        elif fact.is_a("supplemented", "paid_online", "paid_in_person") and kind in waiting:
            life.waits.append((kind, waiting.pop(kind), fact.time))
            if kind in stopping:
                watch.answer(fact.time, told(fact.data.get("due_at")), goes_on=not stopping & waiting.keys())
    life.waits += [(kind, since, life.ended) for kind, since in waiting.items()]
    if stopping & waiting.keys():
        watch.end(life.ended)


class Watch:
    """Moves the due date of a dossier by the time that it stood still, and notes when that was."""

    def __init__(self, life: Life, slip: Due | None) -> None:
        self.life, self.slip = life, slip
        self.paused = timedelta()
        life.due = slip

    def stop(self, now: datetime) -> None:
        """Somebody is waited for from now on; it counts unless the due date is over.

        What begins at the very instant at which a pause ended goes on with it.
        """
        goes_on = bool(self.life.pauses) and self.life.pauses[-1][1] == now
        self.begin = self.mark = now
        self.counts = goes_on or self.life.due is None or now <= limit(self.life.due)
        if not self.counts:
            self.life.findings.add("pause_after_due")

    def answer(self, now: datetime, slip: Due | None, *, goes_on: bool) -> None:
        """One of those waited for has answered, perhaps with a new slip; the clock goes on after the last of them."""
        if not self.counts:
            return
        self.paused, self.mark = self.paused + worked(self.mark, now), now
        if slip:
            self.life.due, self.slip, self.paused = slip, slip, timedelta()
        if goes_on:
            self.life.due = moved(self.slip, self.paused) if self.slip else None
            self.life.pauses.append((self.begin, now))

    def end(self, ended: datetime | None) -> None:
        """Nobody answered any more: the end of work ends the pause, if there was one."""
        if ended:
            self.answer(ended, None, goes_on=True)
        elif self.counts:
            self.life.pauses.append((self.begin, None))


# --- figures

CHANNELS = ("online", "counter", "post")
LEVELS = ("full", "partial", "none", "unknown")


def count(
    lives: Iterable[Life], begin: datetime, end: datetime, procedures: dict[str, Procedure]
) -> dict[str, int]:
    """Every count of the instants from `begin` up to, not including, `end`."""
    found: list[str] = []
    for life in lives:
        if life.voided or life.received is None or not life.received.time < end:
            continue
        counted = life.counted
        if begin <= life.received.time:
            level = life.received.data.get("service_level")
            level = level or (procedures[life.procedure].level if life.procedure in procedures else "unknown")
            found += ["received", f"received_{life.channel}", f"received_level_{level}"]
        elif counted is None or counted >= begin:
            found += ["carried_over"]
        if counted is not None and begin <= counted < end and life.end:
            found += ["resolved", f"resolved_{life.outcome}", life.end.type.removeprefix("dossier.")]
        if counted is None or counted >= end:
            found += ["in_progress", f"in_progress_{'overdue' if life.overdue(end) else 'not_due'}"]
            found += {f"waiting_{kind}" for kind, a, b in life.waits if a < end and (b is None or end <= b)}
    names = [
        "received",
        *(f"received_{channel}" for channel in CHANNELS),
        *(f"received_level_{level}" for level in LEVELS),
        *(
            "carried_over",
            "resolved",
            "resolved_early",
            "resolved_on_time",
            "resolved_late",
            "resolved_undated",
        ),
        *("withdrawn", "stopped", "in_progress", "in_progress_not_due", "in_progress_overdue"),
        *("waiting_supplement", "waiting_fee"),
    ]
    counts = {name: found.count(name) for name in names}
    return counts | {
        # Everything is told long after it was due: what was done in time looked late in the data until then.
        "late_in_data_only": counts["resolved_early"] + counts["resolved_on_time"],
        "residual": counts["received"] + counts["carried_over"] - counts["resolved"] - counts["in_progress"],
    }
