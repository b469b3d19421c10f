"""The rates of time: kept due dates, apologies for missed ones, answers to online submissions.

Pure: each is one declared object with its names, definition, version, legal basis and a worked example.
"""

from typing import Final

from app.kit.text import Text
from app.metrics.metric import Example, Part, Rate, Sum

ON_TIME: Final = Rate(
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
    example=Example(
        Text(
            "6 trước hạn, 3 đúng hạn, 1 quá hạn, 2 không rõ hạn",
            "6 resolved early, 3 on time, 1 late, 2 undated",
        ),
        {"resolved_early": 6, "resolved_on_time": 3, "resolved_late": 1, "resolved_undated": 2},
    ),
)

ON_TIME_OF_DUE: Final = Rate(
    key="on_time_of_due",
    version=1,
    names=Text("Tỷ lệ đúng hạn trên hồ sơ đến hạn trong kỳ", "On-time rate of dossiers that fell due"),
    definition=Text(
        "Trong số hồ sơ có hạn rơi vào kỳ, trước E, tỷ lệ xong không muộn hơn hạn, dù xong trong kỳ hay trước kỳ. "
        "Hồ sơ còn tạm dừng hợp lệ tại E thì chưa đến hạn và chưa tính.",
        "Of the dossiers whose due date lies in the period, before E, the share that ended no later than due, whether "
        "in the period or before it. While a pause begun by the due date lasts at E, a dossier has not fallen due.",
    ),
    legal_basis=Text(
        "Nghị định 118/2025/NĐ-CP (một cửa); không có biểu mẫu riêng.",
        "Decree 118/2025/NĐ-CP (one-stop mechanism); no form of its own.",
    ),
    numerator=Part(Text("Xong không muộn hơn hạn", "Ended by the due date"), Sum(("due_kept",))),
    denominator=Part(
        Text(
            "Đến hạn trong kỳ và trước E, không trong thời gian tạm dừng hợp lệ",
            "Due in the period and before E, not in a pause begun by the due date",
        ),
        Sum(("due",)),
    ),
    example=Example(
        Text("10 hồ sơ đến hạn, 7 xong theo hạn", "10 fell due, 7 of them ended by then"),
        {"due": 10, "due_kept": 7},
    ),
)

ON_TIME_OF_RECEIVED: Final = Rate(
    key="on_time_of_received",
    version=1,
    names=Text(
        "Tỷ lệ đúng hạn trên hồ sơ tiếp nhận (Quyết định 766)",
        "On-time rate of received dossiers (Decision 766)",
    ),
    definition=Text(
        "Trong số hồ sơ tiếp nhận trong kỳ và biết hạn, tỷ lệ xong không muộn hơn hạn, hoặc chưa xong và chưa quá hạn "
        "tại E. Chỉ thời gian chờ bổ sung dời hạn. Hồ sơ đang chờ bổ sung tại E tính là đúng hạn nếu từ khi tiếp nhận "
        "mới yêu cầu một lần, trước hạn; từ lần yêu cầu thứ hai tính là quá hạn. Hồ sơ không rõ hạn nêu ở excluded.",
        "Of the dossiers received in the period whose due date is known, the share that ended no later than due, or is "
        "open and not overdue at E. Only supplement pauses move the due date here. A dossier that waits at E counts in "
        "time after one supplement request since its reception, if that came by the due date; after more than one as "
        "late. Undated dossiers are told in excluded.",
    ),
    legal_basis=Text(
        "Quyết định 766/QĐ-TTg năm 2022, theo cách tính của Cổng Dịch vụ công quốc gia.",
        "Decision 766/QĐ-TTg of 2022, as the national public service portal computes it.",
    ),
    numerator=Part(
        Text(
            "Xong không muộn hơn hạn, hoặc chưa xong và chưa quá hạn tại E",
            "Ended by the due date, or open and not overdue at E",
        ),
        Sum(("received_dated",), ("received_late",)),
    ),
    denominator=Part(
        Text("Tiếp nhận trong kỳ, biết hạn", "Received in the period, due date known"),
        Sum(("received_dated",)),
    ),
    excluded={"undated": "received_undated"},
    example=Example(
        Text(
            "tiếp nhận 20 hồ sơ biết hạn, 4 quá hạn; 1 không rõ hạn",
            "20 received with a due date, 4 of them late; 1 undated",
        ),
        {"received_dated": 20, "received_late": 4, "received_undated": 1},
    ),
)

ON_TIME_OF_WORKLOAD: Final = Rate(
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
    example=Example(
        Text(
            "20 tiếp nhận, 5 chuyển qua, 2 giải quyết quá hạn, 3 đang quá hạn",
            "20 received, 5 carried over, 2 resolved late, 3 overdue at E",
        ),
        {"received": 20, "carried_over": 5, "resolved_late": 2, "in_progress_overdue": 3},
    ),
)

_LATE: Final = Part(
    Text("Giải quyết quá hạn trong kỳ + đang quá hạn tại E", "Resolved late in the period + overdue at E"),
    Sum(("resolved_late", "in_progress_overdue")),
)
_APOLOGY_BASIS: Final = Text(
    "Nghị định 118/2025/NĐ-CP (xin lỗi và hẹn lại); mẫu 04, Thông tư 03/2025/TT-VPCP.",
    "Decree 118/2025/NĐ-CP (apology and new appointment); form 04, Circular 03/2025/TT-VPCP.",
)

APOLOGY: Final = Rate(
    key="apology",
    version=1,
    names=Text("Tỷ lệ hồ sơ quá hạn có thư xin lỗi", "Share of late dossiers with an apology"),
    definition=Text(
        "Trong số hồ sơ giải quyết quá hạn trong kỳ và hồ sơ đang quá hạn tại E, tỷ lệ đã có thư xin lỗi trước E, kể cả "
        "thư gửi trước khi quá hạn.",
        "Of the dossiers resolved late in the period and those overdue at E, the share with an apology before E; one "
        "that came before the dossier was late counts too.",
    ),
    legal_basis=_APOLOGY_BASIS,
    numerator=Part(
        Text("Hồ sơ quá hạn đã có thư xin lỗi trước E", "Late dossiers with an apology by E"),
        Sum(("resolved_late_apologised", "in_progress_overdue_apologised")),
    ),
    denominator=_LATE,
    example=Example(
        Text(
            "3 giải quyết quá hạn, 2 có thư xin lỗi; 5 đang quá hạn, 4 có thư",
            "3 resolved late, 2 of them with an apology; 5 overdue at E, 4 with one",
        ),
        {
            "resolved_late": 3,
            "resolved_late_apologised": 2,
            "in_progress_overdue": 5,
            "in_progress_overdue_apologised": 4,
        },
    ),
)

APOLOGY_IN_TIME: Final = Rate(
    key="apology_in_time",
    version=1,
    names=Text(
        "Tỷ lệ hồ sơ quá hạn được xin lỗi đúng lúc", "Share of late dossiers whose apology came in time"
    ),
    definition=Text(
        "Trong số hồ sơ giải quyết quá hạn trong kỳ và hồ sơ đang quá hạn tại E, tỷ lệ có thư xin lỗi đầu tiên không "
        "muộn hơn hạn của thư: hết ngày làm việc liền trước ngày hẹn.",
        "Of the dossiers resolved late in the period and those overdue at E, the share whose first apology was issued "
        "by its own deadline: the end of the last working day before the due date.",
    ),
    legal_basis=_APOLOGY_BASIS,
    numerator=Part(
        Text(
            "Hồ sơ quá hạn có thư xin lỗi đầu tiên đúng lúc",
            "Late dossiers whose first apology came by its deadline",
        ),
        Sum(("resolved_late_apologised_in_time", "in_progress_overdue_apologised_in_time")),
    ),
    denominator=_LATE,
    example=Example(
        Text(
            "3 giải quyết quá hạn, 1 được xin lỗi đúng lúc; 5 đang quá hạn, 3 được xin lỗi đúng lúc",
            "3 resolved late, 1 of them with an apology in time; 5 overdue at E, 3 with one in time",
        ),
        {
            "resolved_late": 3,
            "resolved_late_apologised_in_time": 1,
            "in_progress_overdue": 5,
            "in_progress_overdue_apologised_in_time": 3,
        },
    ),
)

INTAKE_ON_TIME: Final = Rate(
    key="intake_on_time",
    version=1,
    names=Text("Tỷ lệ trả lời hồ sơ trực tuyến đúng hạn", "Share of online submissions answered in time"),
    definition=Text(
        "Trong số hồ sơ nộp trực tuyến trong kỳ đã được trả lời (tiếp nhận, từ chối hoặc yêu cầu bổ sung) trước E, hoặc "
        "đã quá 8 giờ làm việc trước E, tỷ lệ được trả lời trong 8 giờ làm việc. Tính cho đơn vị được nộp. Hồ sơ "
        "rút trong thời hạn đó, trước khi được trả lời, không tính.",
        "Of the online submissions of the period that were answered (received, refused or asked for a supplement) before "
        "E, or whose 8 working hours had passed before E, the share answered within 8 working hours. They count for the "
        "unit they were submitted to. One withdrawn within that time, before any answer, leaves the figure.",
    ),
    legal_basis=Text(
        "Nghị định 118/2025/NĐ-CP: trả lời hồ sơ trực tuyến trong 8 giờ làm việc.",
        "Decree 118/2025/NĐ-CP: online submissions are answered within 8 working hours.",
    ),
    numerator=Part(
        Text("Được trả lời trong 8 giờ làm việc", "Answered within 8 working hours"),
        Sum(("submitted_answered_in_time",)),
    ),
    denominator=Part(
        Text("Được trả lời trước E, hoặc đã hết thời hạn trước E", "Answered by E, or the limit passed by E"),
        Sum(("submitted",)),
    ),
    example=Example(
        Text(
            "40 hồ sơ đã được trả lời hoặc hết thời hạn, 38 được trả lời trong thời hạn",
            "40 answered or past their limit, 38 answered within it",
        ),
        {"submitted": 40, "submitted_answered_in_time": 38},
    ),
)

TIMELINESS: Final = (
    ON_TIME,
    ON_TIME_OF_DUE,
    ON_TIME_OF_RECEIVED,
    ON_TIME_OF_WORKLOAD,
)
DUTIES: Final = (APOLOGY, APOLOGY_IN_TIME, INTAKE_ON_TIME)
