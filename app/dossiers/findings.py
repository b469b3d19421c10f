"""Finds what does not fit in a dossier's facts, and says every kind of it in words.

Pure. A finding is never an error and never changes a verdict; it tells people where to look.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from app.directory.procedures import ProcedureRule
from app.dossiers.clock import told
from app.dossiers.dossier import Dossier, Finding
from app.dossiers.end import CLOSINGS
from app.dossiers.facts import Fact, Policy
from app.kit.text import Text

KINDS: Final[Mapping[str, Text]] = {
    "no_reception": Text(
        "Có sự việc xử lý nhưng chưa có tiếp nhận.", "There are facts of processing but no reception."
    ),
    "second_reception": Text(
        "Tiếp nhận lần nữa; lần sớm nhất được tính.", "Received again; the earliest reception counts."
    ),
    "end_before_reception": Text(
        "Kết thúc trước khi tiếp nhận; trong kỳ, tính tại lúc tiếp nhận.",
        "It ended before its reception; in periods it counts at the reception.",
    ),
    "closed_before_reception": Text(
        "Từ chối, rút hoặc dừng trước khi tiếp nhận; không được tính.",
        "Refused, withdrawn or stopped before the reception; it does not count.",
    ),
    "request_before_reception": Text(
        "Yêu cầu bổ sung hoặc nộp tiền trước khi tiếp nhận không làm dừng thời hạn.",
        "A request before the reception does not stop the clock.",
    ),
    "told_before_reception": Text(
        "Hẹn lại trước khi tiếp nhận không được tính.", "A new date told before the reception does not count."
    ),
    "transfer_before_reception": Text(
        "Chuyển xử lý trước khi tiếp nhận; đơn vị tiếp nhận được tính.",
        "Transferred before the reception; the unit that received it counts.",
    ),
    "after_end": Text(
        "Yêu cầu hoặc chuyển xử lý sau khi đã kết thúc không được tính.",
        "A request or transfer after the end of work does not count.",
    ),
    "supplemented_without_request": Text(
        "Bổ sung khi không có yêu cầu bổ sung.", "Supplemented although nothing had been requested."
    ),
    "pause_after_due": Text(
        "Tạm dừng bắt đầu sau hạn; không được tính, cũng như ngày hẹn mới khi kết thúc nó.",
        "A pause begun after the due date; neither it nor a new date that ends it counts.",
    ),
    "returned_before_processed": Text(
        "Trả kết quả trước khi xử lý xong.", "Returned before it was processed."
    ),
    "second_reappointment": Text("Hẹn lại quá một lần.", "More than one re-appointment; one is allowed."),
    "source_verdict_differs": Text(
        "Nguồn báo trễ hạn khác với kết quả tính ở đây.",
        "The source's verdict of lateness differs from ours.",
    ),
    "unknown_unit": Text("Mã đơn vị chưa có trong danh mục.", "The unit's code is not in the directory."),
    "unknown_procedure": Text(
        "Mã thủ tục chưa có trong danh mục, hoặc chưa có hiệu lực, hết hiệu lực vào ngày tiếp nhận.",
        "The procedure's code is not in the directory, or was not in force on the day of reception.",
    ),
    "foreign_unit": Text(
        "Khóa gửi sự việc này không được tác động đến đơn vị này; sự việc không được tính.",
        "The key that sent this may not act on this unit; the event has no effect.",
    ),
    "retraction_without_target": Text(
        "Thu hồi một sự việc không có trong hồ sơ này.",
        "It retracts an event that this dossier does not have.",
    ),
    "retraction_of_retraction": Text(
        "Không thu hồi được một lệnh thu hồi; gửi lại sự việc bằng mã mới.",
        "A retraction cannot be retracted; send the fact again under a new id.",
    ),
}

_BEFORE: Final = {
    "dossier.supplement_requested": "request_before_reception",
    "dossier.fee_requested": "request_before_reception",
    "dossier.transferred": "transfer_before_reception",
    "dossier.rescheduled": "told_before_reception",
    **dict.fromkeys(CLOSINGS, "closed_before_reception"),
}
_AFTER: Final = dict.fromkeys(
    ("dossier.supplement_requested", "dossier.fee_requested", "dossier.transferred"), "after_end"
)


def look(
    dossier: Dossier,
    facts: Sequence[Fact],
    reception: Fact | None,
    end: Fact | None,
    rule: ProcedureRule | None,
    policy: Policy,
) -> list[Finding]:
    """Whatever does not fit in the standing facts of a folded dossier, in their order.

    `rule` is what was in force for its procedure on the day of reception, or of filing while there is none.
    """
    found: list[Finding] = []
    if reception is None and any(fact.type not in {"dossier.submitted", *CLOSINGS} for fact in facts):
        found.append(Finding("no_reception"))
    if dossier.unit is not None and dossier.unit not in policy.units:
        found.append(Finding("unknown_unit"))
    if dossier.procedure is not None and rule is None:
        found.append(Finding("unknown_procedure"))
    if dossier.reappointments > 1:
        found.append(Finding("second_reappointment"))
    if end is not None and reception is not None and end.time < reception.time:
        found.append(Finding("end_before_reception", end.source, end.id))
    if dossier.clock.ignored:
        found.append(Finding("pause_after_due"))
    return found + _misplaced(facts, reception, end) + _contradicting(dossier, facts, policy)


def _misplaced(facts: Sequence[Fact], reception: Fact | None, end: Fact | None) -> list[Finding]:
    """Facts that stand where they cannot count."""
    found: list[Finding] = []
    begun, ended, requested = reception is None, False, False
    for fact in facts:
        kind = _BEFORE.get(fact.type) if not begun else _AFTER.get(fact.type) if ended else None
        if fact.type == "dossier.received" and fact is not reception:
            kind = "second_reception"
        elif fact.type == "dossier.returned" and not ended and end is not None and fact is not end:
            kind = "returned_before_processed"
        elif fact.type == "dossier.supplemented" and not requested:
            kind = "supplemented_without_request"
        if kind is not None:
            found.append(Finding(kind, fact.source, fact.id))
        requested = fact.type == "dossier.supplement_requested" or (
            requested and fact.type != "dossier.supplemented"
        )
        begun, ended = begun or fact is reception, ended or fact is end
    return found


def _contradicting(dossier: Dossier, facts: Sequence[Fact], policy: Policy) -> list[Finding]:
    """The source's own verdict (`late`) that differs from ours, unless it gave the missing due date itself."""
    due = dossier.clock.due
    if due is None:
        return []
    found: list[Finding] = []
    for fact in facts:
        if fact.type != "dossier.late":
            continue
        date = told(fact.data.get("due_at"), policy.calendar.zone)
        filled = dossier.base_from == "late_event" and date == dossier.base_due
        if not filled and (not _is_late(dossier, fact.time) or date not in {None, due}):
            found.append(Finding("source_verdict_differs", fact.source, fact.id))
    return found


def _is_late(dossier: Dossier, at: datetime) -> bool:
    if dossier.outcome is not None:
        return dossier.outcome == "late"
    return dossier.clock.overdue_from is not None and dossier.clock.overdue_from < at
