"""The dossier as a row of its table: the part of the fold that figures need.

Pure. One place says what each column is, for the projector that writes it and for `verify` that recounts it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from app.dossiers.clock import Wait, WaitKind
from app.dossiers.dossier import Dossier
from app.worktime.deadline import Due

_MICROSECOND: Final = timedelta(microseconds=1)


def state(dossier: Dossier) -> str:
    """Where the dossier stands in its life."""
    if dossier.voided:
        return "voided"
    if dossier.end_kind is not None:
        handed_over = dossier.end_kind == "processed" and dossier.returned_at is not None
        return "returned" if handed_over else dossier.end_kind
    if dossier.received_at is None:
        return "submitted"
    open_waits = {wait.kind for wait in dossier.waits if wait.end is None}
    if "supplement" in open_waits:
        return "waiting_supplement"
    return "waiting_fee" if "fee" in open_waits else "in_progress"


def row(dossier: Dossier) -> dict[str, Any]:
    """The columns of the dossier table, as JSON values."""
    due, current = dossier.clock.due, dossier.due_current
    return {
        "code": dossier.code,
        "voided": dossier.voided,
        "state": state(dossier),
        "unit": dossier.unit,
        "procedure": dossier.procedure,
        "channel": dossier.channel,
        "sector": dossier.sector,
        "service_level": dossier.service_level,
        "full_eligible": dossier.full_eligible,
        "document_result": dossier.document_result,
        "submitted_at": dossier.submitted_at,
        "submitted_unit": dossier.submitted_unit,
        "received_at": dossier.received_at,
        "ended_at": dossier.ended_at,
        "end_kind": dossier.end_kind,
        "counted_at": dossier.counted_at,
        "outcome": dossier.outcome,
        "due_original": _at(due),
        "due_original_is_date": due is not None and due.is_date,
        "due_current": _at(current),
        "due_current_is_date": current is not None and current.is_date,
        "overdue_from": dossier.clock.overdue_from,
        "portal_due": _at(dossier.portal_clock.due),
        "portal_overdue_from": dossier.portal_clock.overdue_from,
        "repeat_waits": _ranges(dossier.repeat_waits, "supplement"),
        "supplement_waits": _ranges(dossier.waits, "supplement"),
        "fee_waits": _ranges(dossier.waits, "fee"),
        "intake_answered_at": dossier.intake_answered_at,
        "intake_deadline": dossier.intake_deadline,
        "processing": dossier.processing // _MICROSECOND if dossier.processing is not None else None,
        "fee_bearing": dossier.fee_bearing,
        "paid_online_at": dossier.paid_online_at,
        "online_payments": dossier.online_payments,
        "electronic_result_at": dossier.electronic_result_at,
        "apology_at": dossier.apology_at,
        "apology_deadline": dossier.apology_deadline,
        "reappointments": dossier.reappointments,
        "findings": sorted({finding.kind for finding in dossier.findings}),
        "late_in_data_only": dossier.late_in_data_only,
    }


def _at(due: Due | None) -> datetime | None:
    return due.at if due is not None else None


def _ranges(waits: Iterable[Wait], kind: WaitKind) -> str:
    """Waits as a PostgreSQL multirange of (begin, end]: the instant of the answer still counts as waiting."""
    spans = [
        f"({wait.begin.isoformat()},{wait.end.isoformat() + ']' if wait.end is not None else ')'}"
        for wait in waits
        if wait.kind == kind and wait.begin != wait.end
    ]
    return f"{{{','.join(spans)}}}"
