"""Form II.06a: dossiers received, resolved and in progress by sector, in the columns of the printed form.

Pure, after Circulars 02/2017/TT-VPCP and 01/2020/TT-VPCP and the domain note §8. It makes columns of counts; how
dossiers are counted and how the form is written down it does not know.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from app.kit.text import Text
from app.metrics.balances import Equation
from app.metrics.metric import Sum

FORM: Final = "II.06a/VPCP/KSTT"
CIRCULARS: Final = Text(
    "Ban hành theo Thông tư số 02/2017/TT-VPCP, sửa đổi theo Thông tư số 01/2020/TT-VPCP",
    "Issued with Circular 02/2017/TT-VPCP, as amended by Circular 01/2020/TT-VPCP",
)
TITLE: Final = Text(
    "Tình hình, kết quả giải quyết TTHC tại cơ quan, đơn vị trực tiếp giải quyết TTHC",
    "Administrative procedures handled by the office that resolves them",
)


class Column(NamedTuple):
    """A numbered column: its name in documents, its heading under a common one, its counts, and its formula."""

    number: int
    name: str
    over: Text
    heading: Text
    sum: Sum
    formula: str = ""


_RECEIVED: Final = Text("Số lượng hồ sơ tiếp nhận", "Dossiers received")
_RESOLVED: Final = Text("Số lượng hồ sơ đã giải quyết", "Dossiers resolved")
_OPEN: Final = Text("Số lượng hồ sơ đang giải quyết", "Dossiers in progress")
_TOTAL: Final = Text("Tổng số", "Total")
_NEVER_LATE: Final = ("finished_undated", "withdrawn_not_late", "stopped_not_late", "intake_refused_not_late")

# Column 8 is for work that was finished early: who withdraws early has not been served early (domain note §8).
COLUMNS: Final = (
    Column(
        3,
        "total",
        _RECEIVED,
        _TOTAL,
        Sum(("received_online", "received_counter", "received_post", "carried_over")),
        "(3)=(4)+(5)+(6)",
    ),
    Column(
        4,
        "received_online",
        _RECEIVED,
        Text("Trong kỳ: trực tuyến", "In the period: online"),
        Sum(("received_online",)),
    ),
    Column(
        5,
        "received_counter_post",
        _RECEIVED,
        Text("Trong kỳ: trực tiếp, bưu chính", "In the period: counter, post"),
        Sum(("received_counter", "received_post")),
    ),
    Column(6, "carried_over", _RECEIVED, Text("Từ kỳ trước", "Carried over"), Sum(("carried_over",))),
    Column(
        7,
        "resolved",
        _RESOLVED,
        _TOTAL,
        Sum(("finished_early", "finished_on_time", *_NEVER_LATE, "resolved_late")),
        "(7)=(8)+(9)+(10)",
    ),
    Column(8, "resolved_early", _RESOLVED, Text("Trước hạn", "Early"), Sum(("finished_early",))),
    Column(
        9, "resolved_on_time", _RESOLVED, Text("Đúng hạn", "On time"), Sum(("finished_on_time", *_NEVER_LATE))
    ),
    Column(10, "resolved_late", _RESOLVED, Text("Quá hạn", "Late"), Sum(("resolved_late",))),
    Column(
        11,
        "in_progress",
        _OPEN,
        _TOTAL,
        Sum(("in_progress_not_due", "in_progress_overdue")),
        "(11)=(12)+(13)",
    ),
    Column(12, "in_progress_not_due", _OPEN, Text("Trong hạn", "Not due"), Sum(("in_progress_not_due",))),
    Column(13, "in_progress_overdue", _OPEN, Text("Quá hạn", "Overdue"), Sum(("in_progress_overdue",))),
)

_NOTES: Final[Mapping[str, Text]] = {
    "withdrawn_not_late": Text(
        "Cột 9 gồm {n} hồ sơ do người nộp rút, không quá hạn.",
        "Column 9 holds {n} dossiers that were withdrawn and not late.",
    ),
    "stopped_not_late": Text(
        "Cột 9 gồm {n} hồ sơ dừng giải quyết, không quá hạn.",
        "Column 9 holds {n} dossiers that were stopped and not late.",
    ),
    "intake_refused_not_late": Text(
        "Cột 9 gồm {n} hồ sơ bị từ chối sau khi tiếp nhận, không quá hạn.",
        "Column 9 holds {n} dossiers that were refused after their reception and not late.",
    ),
    "finished_undated": Text(
        "Cột 9 gồm {n} hồ sơ đã xong mà không rõ ngày hẹn trả.",
        "Column 9 holds {n} finished dossiers whose due date is unknown.",
    ),
    "waiting_supplement_not_due": Text(
        "Cột 12 gồm {n} hồ sơ đang chờ bổ sung, chưa quá hạn khi yêu cầu.",
        "Column 12 holds {n} dossiers that await a supplement and were not overdue when it was requested.",
    ),
}

NEEDS: Final = tuple(dict.fromkeys([key for column in COLUMNS for key in column.sum.plus] + list(_NOTES)))
"""The counts from which the form is made."""

BALANCE: Final = Equation(("total",), ("resolved", "in_progress"))
"""Column 3 = columns 7 + 11."""


def columns(counts: Mapping[str, int]) -> dict[str, int]:
    """The numbered columns of one line."""
    return {column.name: column.sum.of(counts) for column in COLUMNS}


def residual(line: Mapping[str, int]) -> int:
    """Column 3 less columns 7 and 11; 0 when the line balances."""
    return BALANCE.residual(line)


def notes(counts: Mapping[str, int], residue: int) -> Sequence[Text]:
    """The footnotes: what stands in columns 9 and 12 that their headings do not tell, and what does not balance."""
    found = [note.filled(n=counts[key]) for key, note in _NOTES.items()]
    if residue:
        found.append(
            Text(
                f"Biểu không cân đối: (3) − (7) − (11) = {residue}.",
                f"The form does not balance: (3) − (7) − (11) = {residue}.",
            )
        )
    return found
