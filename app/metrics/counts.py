"""The counts of dossiers and their balance, as the columns of form II.06a have them.

Pure: it says what each count means in words; how dossiers are counted it does not know.
"""

from typing import Final

from app.kit.text import Text
from app.metrics.metric import Balance, Sum

_FORM_II_06A: Final = Text(
    "Biểu II.06a, Thông tư 02/2017/TT-VPCP và 01/2020/TT-VPCP.",
    "Form II.06a, Circulars 02/2017/TT-VPCP and 01/2020/TT-VPCP.",
)

COUNTS: Final = Balance(
    key="counts",
    version=1,
    names=Text("Số lượng hồ sơ", "Dossier counts"),
    definition=Text(
        "Hồ sơ tiếp nhận trong kỳ, kỳ trước chuyển qua, đã giải quyết và đang giải quyết, kèm chênh lệch cân đối. "
        "E là thời điểm sớm hơn giữa hiện tại và cuối kỳ; chỉ tính những gì xảy ra trước E.",
        "Dossiers received in the period, carried over into it, resolved and in progress, with the residual of the "
        "balance. E is the earlier of now and the end of the period; only what happened before E counts.",
    ),
    legal_basis=_FORM_II_06A,
    counts={
        "received": Text("Tiếp nhận trong kỳ", "Received in the period"),
        "received_online": Text("Tiếp nhận trực tuyến", "Received online"),
        "received_counter": Text("Tiếp nhận trực tiếp", "Received at the counter"),
        "received_post": Text("Tiếp nhận qua bưu chính công ích", "Received by public post"),
        "received_level_full": Text("Tiếp nhận, toàn trình", "Received, full online service"),
        "received_level_partial": Text("Tiếp nhận, một phần", "Received, partial online service"),
        "received_level_none": Text("Tiếp nhận, không có dịch vụ trực tuyến", "Received, no online service"),
        "received_level_unknown": Text(
            "Tiếp nhận, chưa rõ mức độ dịch vụ", "Received, service level unknown"
        ),
        "carried_over": Text(
            "Kỳ trước chuyển qua", "Carried over: received before the period, not ended before it"
        ),
        "resolved_early": Text("Giải quyết trước hạn", "Resolved early"),
        "resolved_on_time": Text("Giải quyết đúng hạn", "Resolved on time, not early"),
        "resolved_late": Text("Giải quyết quá hạn", "Resolved late"),
        "resolved_undated": Text("Giải quyết, không rõ hạn", "Resolved, due date unknown"),
        "withdrawn": Text("Trong số đã giải quyết: rút hồ sơ", "Of the resolved: withdrawn"),
        "stopped": Text("Trong số đã giải quyết: dừng giải quyết", "Of the resolved: stopped"),
        "late_in_data_only": Text(
            "Trong số đúng hạn: chỉ quá hạn trên dữ liệu, vì báo về sau hạn",
            "Of those on time: late only in the data, since the end was reported after the due date",
        ),
        "in_progress_not_due": Text("Đang giải quyết, chưa quá hạn tại E", "In progress at E, not overdue"),
        "in_progress_overdue": Text("Đang giải quyết, quá hạn tại E", "In progress at E, overdue"),
        "waiting_supplement": Text(
            "Trong số đang giải quyết: chờ bổ sung tại E",
            "Of those in progress: awaiting a supplement at E",
        ),
        "waiting_fee": Text(
            "Trong số đang giải quyết: chờ nghĩa vụ tài chính tại E",
            "Of those in progress: awaiting a fee at E",
        ),
    },
    sums={
        "resolved": (
            Text("Đã giải quyết trong kỳ", "Resolved in the period"),
            Sum(("resolved_early", "resolved_on_time", "resolved_late", "resolved_undated")),
        ),
        "in_progress": (
            Text("Đang giải quyết tại E", "In progress at E"),
            Sum(("in_progress_not_due", "in_progress_overdue")),
        ),
        "residual": (
            Text(
                "Chênh lệch: tiếp nhận + kỳ trước chuyển qua − đã giải quyết − đang giải quyết",
                "Residual: received + carried over − resolved − in progress",
            ),
            Sum(
                ("received", "carried_over"),
                (
                    "resolved_early",
                    "resolved_on_time",
                    "resolved_late",
                    "resolved_undated",
                    "in_progress_not_due",
                    "in_progress_overdue",
                ),
            ),
        ),
    },
)
