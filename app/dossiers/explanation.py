"""How a verdict came about, in words that a citizen can follow: dates, pauses with their working time, the comparison.

Pure. It tells what the fold found; it computes no due date of its own.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from app.dossiers import sums
from app.dossiers.clock import Stretch
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Policy
from app.kit.text import Text
from app.worktime.deadline import Due, worked_between

_CHANNELS: Final = {
    "online": Text("trực tuyến", "online"),
    "counter": Text("trực tiếp", "at the counter"),
    "post": Text("qua bưu chính công ích", "by public post"),
}
_BASES: Final = {
    "slip": Text("Giấy hẹn ghi hạn trả kết quả: {due}.", "The slip says that the result is due: {due}."),
    "event_duration": Text(
        "Giấy hẹn không ghi ngày; tính theo thời hạn ghi trong sự việc tiếp nhận: {due}. Ngày tiếp nhận không tính.",
        "The slip names no date; by the duration told at the reception it is due: {due}. The day of reception does not count.",
    ),
    "procedure_duration": Text(
        "Giấy hẹn không ghi ngày; tính theo thời hạn của thủ tục: {due}. Ngày tiếp nhận không tính.",
        "The slip names no date; by the procedure's duration it is due: {due}. The day of reception does not count.",
    ),
    "late_event": Text(
        "Giấy hẹn không ghi ngày; nguồn báo trễ hạn cho biết hạn: {due}.",
        "The slip names no date; the source's notice of lateness names it: {due}.",
    ),
}
_ENDS: Final = {
    "processed": Text("Xử lý xong {at}.", "Processed {at}."),
    "returned": Text(
        "Trả kết quả {at} (không có tin xử lý xong).", "Returned {at} (nothing told that it was processed)."
    ),
    "stopped": Text("Dừng giải quyết {at}.", "Stopped {at}."),
    "withdrawn": Text("Người nộp rút hồ sơ {at}.", "Withdrawn by the applicant {at}."),
    "intake_refused": Text("Từ chối tiếp nhận {at}.", "Refused at intake {at}."),
}
_OUTCOMES: Final = {
    "early": Text(
        "Kết thúc trước ngày đến hạn ({due}): trước hạn.",
        "It ended before the day it was due ({due}): early.",
    ),
    "on_time": Text(
        "Kết thúc không sau hạn ({due}): đúng hạn.", "It ended by the due date ({due}): on time."
    ),
    "late": Text(
        "Kết thúc sau hạn ({due}) {hours} giờ làm việc: quá hạn.",
        "It ended {hours} working hours after the due date ({due}): late.",
    ),
    "undated": Text("Không biết hạn: không xét đúng hạn.", "No due date is known: lateness is not judged."),
}
_RECEIVED: Final = Text("Tiếp nhận {at} tại {unit}, {channel}.", "Received {at} at {unit}, {channel}.")
_SUBMITTED: Final = Text(
    "Nộp trực tuyến {at} tại {unit}; chưa tiếp nhận.", "Filed online {at} at {unit}; not received yet."
)
_PAUSED: Final = Text(
    "Tạm dừng từ {begin} đến {end}: {hours} giờ làm việc không tính vào thời hạn.",
    "Paused from {begin} to {end}: {hours} working hours do not count.",
)
_PAUSING: Final = Text(
    "Đang tạm dừng từ {begin}: đồng hồ đứng yên, hồ sơ không quá hạn trong lúc này.",
    "Paused since {begin}: the clock stands still, and the dossier is not overdue meanwhile.",
)
_NEW_SLIP: Final = Text(
    "Khi bổ sung xong, giấy hẹn ghi hạn mới: {due}.",
    "When it was supplemented, the slip named a new date: {due}.",
)
_IGNORED: Final = Text(
    "Tạm dừng từ {begin} bắt đầu sau hạn: không được tính, vì tạm dừng không xóa được quá hạn.",
    "The pause from {begin} began after the due date: it does not count, since no pause cures lateness.",
)
_MOVED: Final = Text("Hạn sau khi tính tạm dừng{sum}: {due}.", "With its pauses{sum} it was due: {due}.")
_MOVED_BY_DAYS: Final = Text(" ({days} ngày làm việc, làm tròn lên)", " ({days} working days, rounded up)")
_RETOLD: Final = Text(
    "Công dân được hẹn lại: {due}. Hẹn lại không xóa quá hạn.",
    "The citizen was told another date: {due}. That never cures lateness.",
)
_OPEN: Final = Text(
    "Chưa kết thúc; còn {hours} giờ làm việc đến hạn.", "Not ended; {hours} working hours are left."
)
_OVERDUE: Final = Text(
    "Chưa kết thúc và đã quá hạn {hours} giờ làm việc.", "Not ended, and {hours} working hours overdue."
)
_OPEN_UNDATED: Final = Text("Chưa kết thúc; không biết hạn.", "Not ended; no due date is known.")
_DATA_ONLY: Final = Text(
    "Việc xong đúng hạn nhưng được báo sau hạn: chỉ trễ trên dữ liệu.",
    "The work was done in time but told after the due date: late only in the data.",
)
_VOIDED: Final = Text("Nhập nhầm: không tính vào số liệu nào.", "Entered by mistake: it stands in no figure.")


def explain(dossier: Dossier, policy: Policy, now: datetime) -> list[Text]:
    """One sentence a step, in the order in which things happened."""
    return list(_lines(dossier, policy, now))


def _lines(dossier: Dossier, policy: Policy, now: datetime) -> Iterator[Text]:
    if dossier.voided:
        yield _VOIDED
    if dossier.received_at is None:
        if dossier.submitted_at is not None:
            yield _SUBMITTED.filled(at=_at(dossier.submitted_at, policy), unit=dossier.submitted_unit)
        return
    channel = _CHANNELS[dossier.channel or "counter"]
    at = _at(dossier.received_at, policy)
    yield _both(_RECEIVED, channel, at=at, unit=dossier.stays[0].unit)
    if dossier.base_due is not None and dossier.base_from is not None:
        yield _BASES[dossier.base_from].filled(due=_due(dossier.base_due, policy))
    yield from sums.reckoned(dossier, policy)
    yield from _pauses(dossier, policy)
    yield from sums.version(dossier, policy)
    if dossier.due_current != dossier.clock.due and dossier.due_current is not None:
        yield _RETOLD.filled(due=_due(dossier.due_current, policy))
    yield from _ending(dossier, policy, now)


def _both(template: Text, channel: Text, **values: object) -> Text:
    return Text(
        template.vi.format(channel=channel.vi, **values), template.en.format(channel=channel.en, **values)
    )


def _pauses(dossier: Dossier, policy: Policy) -> Iterator[Text]:
    for stretch in dossier.clock.counted:
        yield _pause(stretch, policy)
        for wait in stretch.waits:
            if wait.new_due is not None:
                yield _NEW_SLIP.filled(due=_due(wait.new_due, policy))
    for stretch in dossier.clock.ignored:
        yield _IGNORED.filled(begin=_at(stretch.begin, policy))
    due = dossier.clock.due
    if due is not None and due != dossier.base_due:
        rounded = due.is_date and dossier.clock.amount
        moved = _MOVED_BY_DAYS.filled(days=_days(dossier.clock.amount)) if rounded else Text("", "")
        yield Text(
            _MOVED.vi.format(due=_due(due, policy), sum=moved.vi),
            _MOVED.en.format(due=_due(due, policy), sum=moved.en),
        )


def _pause(stretch: Stretch, policy: Policy) -> Text:
    begin = _at(stretch.begin, policy)
    if stretch.end is None:
        return _PAUSING.filled(begin=begin)
    worked = worked_between(policy.calendar, stretch.begin, stretch.end)
    return _PAUSED.filled(begin=begin, end=_at(stretch.end, policy), hours=_hours(worked))


def _ending(dossier: Dossier, policy: Policy, now: datetime) -> Iterator[Text]:
    due, calendar = dossier.clock.due, policy.calendar
    shown = _due(due, policy) if due is not None else ""
    if dossier.ended_at is not None and dossier.end_kind is not None and dossier.outcome is not None:
        yield _ENDS[dossier.end_kind].filled(at=_at(dossier.ended_at, policy))
        over = worked_between(calendar, due.at, dossier.ended_at) if due is not None else timedelta()
        yield _OUTCOMES[dossier.outcome].filled(due=shown, hours=_hours(over))
        if dossier.late_in_data_only:
            yield _DATA_ONLY
    elif due is None:
        yield _OPEN_UNDATED
    elif dossier.clock.overdue_from is not None:
        late = dossier.clock.overdue_from < now
        span = worked_between(calendar, due.at, now) if late else worked_between(calendar, now, due.at)
        yield (_OVERDUE if late else _OPEN).filled(hours=_hours(span))


def _at(moment: datetime, policy: Policy) -> str:
    return sums.moment(moment, policy.calendar.zone)


def _due(due: Due, policy: Policy) -> str:
    return sums.shown(due.day(policy.calendar.zone)) if due.is_date else _at(due.at, policy)


def _days(amount: Fraction | int) -> str:
    """Working days, with the fraction that is rounded up: `1 1/2`."""
    whole, part = divmod(Fraction(amount), 1)
    return " ".join(str(one) for one in (whole, part) if one) or "0"


def _hours(worked: timedelta) -> str:
    return f"{worked / timedelta(hours=1):.2f}".rstrip("0").rstrip(".")
