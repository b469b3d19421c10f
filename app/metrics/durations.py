"""The statistics: how long processing took, and how late facts were reported.

Pure. Percentiles interpolate between the two nearest values, as spreadsheets do (PERCENTILE.INC); all are exact.
"""

from typing import Final

from app.kit.text import Text
from app.metrics.metric import Statistic

_PARTS: Final = {
    "mean": Text("Trung bình", "Mean"),
    "median": Text("Trung vị", "Median"),
    "p90": Text("Phân vị 90", "90th percentile"),
}

REPORTING_DELAY: Final = Statistic(
    key="reporting_delay",
    version=1,
    names=Text("Độ trễ báo cáo", "Reporting delay"),
    definition=Text(
        "Số giây từ khi sự việc xảy ra đến khi được ghi nhận ở đây, của mọi sự việc ghi nhận trong kỳ; không bao giờ dưới 0. "
        "Nhóm theo source để biết từng nguồn.",
        "Seconds from the happening of a fact to its recording here, of all events recorded in the period; never below 0. "
        "Grouped by source, it tells of each.",
    ),
    legal_basis=Text(
        "Không có biểu mẫu riêng; cho biết số liệu có kịp thời không.",
        "No form of its own; it tells whether figures come in time.",
    ),
    parts={"count": Text("Số sự việc", "Events"), **_PARTS},
    unit="second",
    microseconds=1_000_000,
    example=(0, 10, 20, 60),
    by_source=True,
)

PROCESSING_TIME: Final = Statistic(
    key="processing_time",
    version=1,
    names=Text("Thời gian giải quyết", "Processing time"),
    definition=Text(
        "Số giờ làm việc từ khi tiếp nhận đến khi xong, trừ thời gian tạm dừng hợp lệ, của hồ sơ xử lý xong hoặc trả kết quả trong kỳ.",
        "Working hours from the reception to the end of work, net of pauses, of the dossiers processed or returned in the period.",
    ),
    legal_basis=Text(
        "Không có biểu mẫu riêng; giờ làm việc theo lịch làm việc.",
        "No form of its own; working hours by the working calendar.",
    ),
    parts={"count": Text("Số hồ sơ", "Dossiers"), **_PARTS},
    unit="working_hour",
    microseconds=3_600_000_000,
    example=(4, 8, 8, 12, 40),
)

STATISTICS: Final = (PROCESSING_TIME, REPORTING_DELAY)
