"""What is measured: every metric as one declared object, with its names, definition, version and legal basis.

Pure: it says what figures mean and how they follow from counts; where counts come from it does not know.
The definitions are those of the domain, told in words in docs/figures.md.
"""

from collections.abc import Mapping
from typing import Final

from app.kit.text import Text
from app.metrics.metric import Balance, Part, Rate, Sum

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

RATES: Final = (
    Rate(
        key="on_time",
        version=1,
        names=Text("Tỷ lệ giải quyết trước và đúng hạn", "On-time rate of resolved dossiers"),
        definition=Text(
            "Trong số hồ sơ giải quyết xong trong kỳ và biết hạn, tỷ lệ xong không muộn hơn hạn. Hạn chỉ dời theo thời "
            "gian tạm dừng hợp lệ; hẹn lại không làm mất quá hạn. Hồ sơ không rõ hạn không tính, nêu ở excluded.",
            "Of the dossiers whose work ended in the period and whose due date is known, the share that ended no later "
            "than due. Only pauses move the due date; a new appointment never cures lateness. Undated dossiers are "
            "left out and told in excluded.",
        ),
        legal_basis=Text(
            "Nghị định 118/2025/NĐ-CP (một cửa); cột 8–10 biểu II.06a, Thông tư 01/2020/TT-VPCP.",
            "Decree 118/2025/NĐ-CP (one-stop mechanism); columns 8–10 of form II.06a, Circular 01/2020/TT-VPCP.",
        ),
        numerator=Part(
            Text("Giải quyết trước hạn hoặc đúng hạn trong kỳ", "Resolved early or on time in the period"),
            Sum(("resolved_early", "resolved_on_time")),
        ),
        denominator=Part(
            Text("Đã giải quyết trong kỳ, biết hạn", "Resolved in the period, due date known"),
            Sum(("resolved_early", "resolved_on_time", "resolved_late")),
        ),
        excluded={"undated": "resolved_undated"},
    ),
    Rate(
        key="on_time_of_workload",
        version=1,
        names=Text(
            "Tỷ lệ không quá hạn trên tổng hồ sơ phải giải quyết", "Share of the workload that is not late"
        ),
        definition=Text(
            "Trong số hồ sơ tiếp nhận trong kỳ và kỳ trước chuyển qua, tỷ lệ không giải quyết quá hạn và không đang quá hạn tại E.",
            "Of the dossiers received in the period and carried over into it, the share neither resolved late nor overdue at E.",
        ),
        legal_basis=Text(
            "Không có biểu mẫu riêng; tính từ các cột của biểu II.06a, Thông tư 01/2020/TT-VPCP.",
            "No form of its own; computed from the columns of form II.06a, Circular 01/2020/TT-VPCP.",
        ),
        numerator=Part(
            Text(
                "Tiếp nhận + kỳ trước chuyển qua − giải quyết quá hạn − đang quá hạn tại E",
                "Received + carried over − resolved late − overdue at E",
            ),
            Sum(("received", "carried_over"), ("resolved_late", "in_progress_overdue")),
        ),
        denominator=Part(
            Text("Tiếp nhận trong kỳ + kỳ trước chuyển qua", "Received in the period + carried over"),
            Sum(("received", "carried_over")),
        ),
    ),
    Rate(
        key="online",
        version=1,
        names=Text("Tỷ lệ hồ sơ nộp trực tuyến", "Share received online"),
        definition=Text(
            "Trong số hồ sơ tiếp nhận trong kỳ, tỷ lệ nộp qua kênh trực tuyến, ở mọi mức độ dịch vụ.",
            "Of the dossiers received in the period, the share that came by the online channel, at any service level.",
        ),
        legal_basis=Text(
            "Nghị định 42/2022/NĐ-CP (dịch vụ công trực tuyến); cột 4 biểu II.06a, Thông tư 01/2020/TT-VPCP.",
            "Decree 42/2022/NĐ-CP (online public services); column 4 of form II.06a, Circular 01/2020/TT-VPCP.",
        ),
        numerator=Part(
            Text("Tiếp nhận trực tuyến trong kỳ", "Received online in the period"), Sum(("received_online",))
        ),
        denominator=Part(Text("Tiếp nhận trong kỳ", "Received in the period"), Sum(("received",))),
    ),
)

CATALOGUE: Final[Mapping[str, Rate | Balance]] = {metric.key: metric for metric in (COUNTS, *RATES)}
"""Every metric by its key, in the order in which it is listed."""
