"""Facts of one dossier in few words, around the week of Monday 2 March 2026 in Vietnam.

Office hours are Monday to Friday 07:30-11:30 and 13:00-17:00 and no day is a holiday, so that a reader can check every sum.
"""

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from app.directory.procedures import ProcedureRule
from app.directory.structure import Structure
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Fact, Policy
from app.dossiers.fold import fold
from app.worktime.calendar import plain
from app.worktime.deadline import Due

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

POLICY = Policy(
    calendar=plain(ZONE),
    cutoff=time(15),
    apology_days_before=1,
    units=Structure.of({"city": None, "ward": "city", "other": None}),
    procedures={
        "1.000001": [ProcedureRule()],
        "1.000002": [ProcedureRule(5, "working_day")],
        "1.000003": [ProcedureRule(fee_stops_clock=True)],
    },
)


def at(text: str) -> datetime:
    """A local instant, such as `2026-03-06 16:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def fact(kind: str, when: str, **told: Any) -> Fact:
    """A `dossier.{kind}` event at a local instant; it was recorded when it happened unless told otherwise."""
    meta = {name: told.pop(name) for name in ("id", "source", "recorded", "unit_limit") if name in told}
    return Fact(
        source=meta.get("source", "/igate"),
        id=meta.get("id", f"{kind} {when}"),
        type=kind if kind.startswith("event.") else f"dossier.{kind}",
        time=at(when),
        data=told,
        recorded_at=at(meta.get("recorded", when)),
        unit_limit=meta.get("unit_limit"),
    )


def received(when: str = "2026-03-02 09:00", **told: Any) -> Fact:
    """Received on Monday morning at the ward."""
    return fact("received", when, **{"unit": "ward", "procedure": "1.000001", "channel": "counter", **told})


def folded(*facts: Fact, policy: Policy = POLICY) -> Dossier:
    """The dossier of these facts."""
    dossier = fold("H10-1", facts, policy)
    assert dossier is not None
    return dossier


def slip(due: Due | None) -> str | None:
    """A due date as a reader writes it: a bare date, or a local instant."""
    if due is None:
        return None
    local = due.at.astimezone(ZONE)
    if not due.is_date:
        return str(local.replace(tzinfo=None))
    assert local == datetime.combine(local.date(), time.max, ZONE)
    return str(local.date())


def due_of(*facts: Fact, policy: Policy = POLICY) -> str | None:
    """The due date that judges."""
    return slip(folded(*facts, policy=policy).clock.due)


def kinds(dossier: Dossier) -> set[str]:
    """The kinds of its findings."""
    return {found.kind for found in dossier.findings}


def named(dossier: Dossier, kind: str) -> list[str | None]:
    """The ids of the events that its findings of one kind mean."""
    return [found.id for found in dossier.findings if found.kind == kind]


def day(text: str) -> date:
    """A date."""
    return date.fromisoformat(text)


def everything(dossiers: Iterable[Dossier]) -> set[str]:
    """What a set of dossiers says, written out: one entry when they are all the same."""
    return {repr(dossier) for dossier in dossiers}
