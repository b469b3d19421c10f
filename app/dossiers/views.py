"""A dossier as one person asks about it: its row, what of it depends on now, and the explanation.

Pure. It reads what the fold found and decides nothing anew.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.dossiers.dossier import Dossier
from app.dossiers.explanation import explain
from app.dossiers.facts import Policy
from app.dossiers.findings import KINDS
from app.dossiers.row import state
from app.dossiers.sums import rests_on
from app.kit.text import Language
from app.worktime.deadline import Due, worked_between


def verdict(dossier: Dossier, now: datetime) -> str | None:
    """early, on_time, late, not_due, overdue or undated; None for a dossier without a reception."""
    if dossier.received_at is None:
        return None
    if dossier.outcome is not None:
        return dossier.outcome
    if dossier.clock.due is None:
        return "undated"
    begun = dossier.clock.overdue_from
    return "overdue" if begun is not None and begun < now else "not_due"


def apology(dossier: Dossier, now: datetime) -> str | None:
    """not_owed, owed, issued_in_time, issued_late or missing; None for a dossier without a reception.

    Owed: open, and the end of the last working day before the due date has passed. Missing: late without one.
    Undated dossiers owe none, nor do those that ended in time (Decree 118/2025/NĐ-CP).
    """
    judged, deadline = verdict(dossier, now), dossier.apology_deadline
    if judged is None:
        return None
    if deadline is None or judged in {"early", "on_time", "undated"}:
        return "not_owed"
    if dossier.apology_at is not None and dossier.apology_at <= now:
        return "issued_in_time" if dossier.apology_at <= deadline else "issued_late"
    if judged in {"late", "overdue"}:
        return "missing"
    stands_still = dossier.clock.overdue_from is None
    return "owed" if now > deadline and not stands_still else "not_owed"


def page(dossier: Dossier, policy: Policy, now: datetime, spoken: Language) -> dict[str, Any]:
    """Everything about one dossier, for `GET /v1/dossier`."""
    zone = policy.calendar.zone
    version = rests_on(dossier, policy)
    counted = {wait for stretch in dossier.clock.counted for wait in stretch.waits}
    return {
        "code": dossier.code,
        "state": state(dossier),
        "unit": dossier.unit,
        "procedure": dossier.procedure,
        "channel": dossier.channel,
        "service_level": dossier.service_level,
        "submitted_at": dossier.submitted_at,
        "received_at": dossier.received_at,
        "due_original": shown(dossier.clock.due, zone),
        "due_current": shown(dossier.due_current, zone),
        "calendar": None if version is None else {"key": policy.calendar.key, "version": version},
        "ended_at": dossier.ended_at,
        "end_kind": dossier.end_kind,
        "returned_at": dossier.returned_at,
        "verdict": verdict(dossier, now),
        "late_in_data_only": dossier.late_in_data_only,
        "paid_online": dossier.paid_online_at is not None,
        "fee_bearing": dossier.fee_bearing,
        "apology": {
            "state": apology(dossier, now),
            "deadline": dossier.apology_deadline,
            "issued_at": dossier.apology_at,
            "reappointments": dossier.reappointments,
        },
        "pauses": [
            {
                "kind": wait.kind,
                "begin": wait.begin,
                "end": wait.end,
                "counted": wait in counted,
                "working_hours": hours(worked_between(policy.calendar, wait.begin, wait.end or now)),
            }
            for wait in sorted(dossier.waits, key=lambda wait: (wait.begin, wait.kind))
        ],
        "stays": [{"unit": stay.unit, "since": stay.since, "until": stay.until} for stay in dossier.stays],
        "findings": [
            {
                "kind": found.kind,
                "detail": KINDS[found.kind].said(spoken),
                "source": found.source,
                "id": found.id,
            }
            for found in dossier.findings
        ],
        "explanation": [line.said(spoken) for line in explain(dossier, policy, now)],
        "timezone": zone.key,
    }


def shown(due: Due | None, zone: ZoneInfo) -> str | None:
    """A due date as it stands on the slip: a bare local date, or an instant with the local offset."""
    if due is None:
        return None
    return due.day(zone).isoformat() if due.is_date else due.at.astimezone(zone).isoformat()


def hours(worked: timedelta) -> float:
    """Working time in hours, to two decimals."""
    return round(worked / timedelta(hours=1), 2)
