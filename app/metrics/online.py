"""The rates of online service: filing, full service, electronic results, payment.

Pure: each is one declared object with its names, definition, version, legal basis and a worked example.
"""

from typing import Final

from app.kit.text import Text
from app.metrics.metric import Example, Part, Rate, Sum

_LEVELS: Final = Text(
    "Nghị định 42/2022/NĐ-CP (mức độ dịch vụ công trực tuyến).",
    "Decree 42/2022/NĐ-CP (levels of online public services).",
)
_DECISION_766: Final = Text(
    "Quyết định 766/QĐ-TTg năm 2022 (bộ chỉ số phục vụ theo thời gian thực).",
    "Decision 766/QĐ-TTg of 2022 (real-time service index).",
)
_RECEIVED: Final = Part(Text("Tiếp nhận trong kỳ", "Received in the period"), Sum(("received",)))

ONLINE_RATES: Final = (
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
        denominator=_RECEIVED,
        example=Example(
            Text("30 tiếp nhận, 24 trực tuyến", "30 received, 24 of them online"),
            {"received": 30, "received_online": 24},
        ),
    ),
    Rate(
        key="full_online",
        version=1,
        names=Text(
            "Tỷ lệ trực tuyến của dịch vụ công toàn trình", "Share received online of full online services"
        ),
        definition=Text(
            "Trong số hồ sơ tiếp nhận trong kỳ ở mức toàn trình, tỷ lệ nộp trực tuyến. Hồ sơ chưa rõ mức độ nêu ở excluded.",
            "Of the dossiers received in the period at service level full, the share that came online. Dossiers whose "
            "service level is unknown are told in excluded.",
        ),
        legal_basis=_LEVELS,
        numerator=Part(
            Text("Tiếp nhận trực tuyến, toàn trình", "Received online, service level full"),
            Sum(("received_full_online",)),
        ),
        denominator=Part(
            Text("Tiếp nhận, toàn trình", "Received, service level full"), Sum(("received_level_full",))
        ),
        excluded={"service_level_unknown": "received_level_unknown"},
        example=Example(
            Text(
                "20 toàn trình, 15 trực tuyến; 3 chưa rõ mức độ",
                "20 at level full, 15 online; 3 of unknown level",
            ),
            {"received_level_full": 20, "received_full_online": 15, "received_level_unknown": 3},
        ),
    ),
    Rate(
        key="full_online_of_all",
        version=1,
        names=Text("Tỷ lệ hồ sơ trực tuyến toàn trình", "Share handled fully online of all received"),
        definition=Text(
            "Trong số mọi hồ sơ tiếp nhận trong kỳ, tỷ lệ nộp trực tuyến ở mức toàn trình. Hồ sơ chưa rõ mức độ vẫn nằm "
            "trong mẫu số, không nằm trong tử số.",
            "Of all dossiers received in the period, the share that came online at service level full. A dossier of "
            "unknown level stands in the denominator and not in the numerator.",
        ),
        legal_basis=_LEVELS,
        numerator=Part(
            Text("Tiếp nhận trực tuyến, toàn trình", "Received online, service level full"),
            Sum(("received_full_online",)),
        ),
        denominator=_RECEIVED,
        example=Example(
            Text("30 tiếp nhận, 15 trực tuyến toàn trình", "30 received, 15 of them online at level full"),
            {"received": 30, "received_full_online": 15},
        ),
    ),
    Rate(
        key="full_online_of_eligible",
        version=1,
        names=Text(
            "Tỷ lệ toàn trình trên thủ tục đủ điều kiện", "Share handled fully online of eligible procedures"
        ),
        definition=Text(
            "Trong số hồ sơ tiếp nhận trong kỳ của thủ tục đủ điều kiện toàn trình, tỷ lệ nộp trực tuyến ở mức toàn trình.",
            "Of the dossiers received in the period of procedures marked eligible for full service, the share that came "
            "online at service level full.",
        ),
        legal_basis=Text(
            "Nghị định 42/2022/NĐ-CP; bảng điểm mới của Cổng Dịch vụ công quốc gia (Quyết định 766/QĐ-TTg).",
            "Decree 42/2022/NĐ-CP; the newer sheet of the national portal (Decision 766/QĐ-TTg).",
        ),
        numerator=Part(
            Text(
                "Tiếp nhận trực tuyến, toàn trình, thủ tục đủ điều kiện",
                "Received online, service level full, of eligible procedures",
            ),
            Sum(("received_eligible_full_online",)),
        ),
        denominator=Part(
            Text(
                "Tiếp nhận, thủ tục đủ điều kiện toàn trình",
                "Received, of procedures eligible for full service",
            ),
            Sum(("received_eligible",)),
        ),
        example=Example(
            Text(
                "25 của thủ tục đủ điều kiện, 15 trực tuyến toàn trình",
                "25 of eligible procedures, 15 online at level full",
            ),
            {"received_eligible": 25, "received_eligible_full_online": 15},
        ),
    ),
    Rate(
        key="online_with_result",
        version=1,
        names=Text(
            "Tỷ lệ hồ sơ trực tuyến có kết quả điện tử (Quyết định 766)",
            "Share received online with an electronic result (Decision 766)",
        ),
        definition=Text(
            "Trong số hồ sơ tiếp nhận trong kỳ, tỷ lệ nộp trực tuyến và, nếu thủ tục có kết quả là giấy tờ, đã có kết quả điện tử trước E.",
            "Of the dossiers received in the period, the share that came online and, where the procedure yields a "
            "document, had its electronic result issued before E.",
        ),
        legal_basis=_DECISION_766,
        numerator=Part(
            Text(
                "Tiếp nhận trực tuyến, có kết quả điện tử nếu có giấy tờ",
                "Received online, with the electronic result where there is a document",
            ),
            Sum(("received_online_with_result",)),
        ),
        denominator=_RECEIVED,
        example=Example(
            Text(
                "30 tiếp nhận; 20 trực tuyến có kết quả điện tử hoặc không có giấy tờ",
                "30 received; 20 online with an electronic result, or without a document",
            ),
            {"received": 30, "received_online_with_result": 20},
        ),
    ),
    Rate(
        key="online_payment",
        version=1,
        names=Text("Tỷ lệ hồ sơ thanh toán trực tuyến", "Share of fee-bearing dossiers paid online"),
        definition=Text(
            "Trong số hồ sơ tiếp nhận trong kỳ có phí, lệ phí hoặc nghĩa vụ tài chính, tỷ lệ đã thanh toán trực tuyến trước E. "
            "Hồ sơ chưa rõ có phí hay không nêu ở excluded.",
            "Of the dossiers received in the period that bear a fee, the share paid online before E. Dossiers of which it "
            "is unknown whether they bear one are told in excluded.",
        ),
        legal_basis=_DECISION_766,
        numerator=Part(
            Text("Có phí, đã thanh toán trực tuyến trước E", "Fee-bearing, paid online by E"),
            Sum(("received_fee_paid_online",)),
        ),
        denominator=Part(
            Text("Tiếp nhận trong kỳ, có phí", "Received in the period, fee-bearing"), Sum(("received_fee",))
        ),
        excluded={"fee_unknown": "received_fee_unknown"},
        example=Example(
            Text("12 có phí, 9 thanh toán trực tuyến; 2 chưa rõ", "12 bear a fee, 9 paid online; 2 unknown"),
            {"received_fee": 12, "received_fee_paid_online": 9, "received_fee_unknown": 2},
        ),
    ),
    Rate(
        key="online_payment_procedures",
        version=1,
        names=Text(
            "Tỷ lệ thủ tục có giao dịch thanh toán trực tuyến",
            "Share of fee-bearing procedures with an online payment",
        ),
        definition=Text(
            "Trong số thủ tục có phí có hồ sơ tiếp nhận hoặc thanh toán trực tuyến trong kỳ, tỷ lệ thủ tục có thanh toán trực "
            "tuyến trong kỳ. Mỗi thủ tục tính một lần trong mỗi dòng, nên dòng tổng không phải là tổng các dòng. Thủ tục có phí "
            "theo danh mục, hoặc vì có hồ sơ có phí tiếp nhận trước E.",
            "Of the fee-bearing procedures with a reception or an online payment in the period, the share with an online "
            "payment in it. A procedure counts once within each row, so that the total is not the sum of the rows. It is "
            "fee-bearing by its directory entry, or by any fee-bearing dossier received before E.",
        ),
        legal_basis=_DECISION_766,
        numerator=Part(
            Text(
                "Thủ tục có phí có thanh toán trực tuyến trong kỳ",
                "Fee-bearing procedures with an online payment in the period",
            ),
            Sum(("fee_procedures_paid_online",)),
        ),
        denominator=Part(
            Text(
                "Thủ tục có phí có tiếp nhận hoặc thanh toán trực tuyến trong kỳ",
                "Fee-bearing procedures with a reception or an online payment in the period",
            ),
            Sum(("fee_procedures",)),
        ),
        procedures=True,
        example=Example(
            Text(
                "8 thủ tục có phí, 6 có thanh toán trực tuyến",
                "8 fee-bearing procedures, 6 with an online payment",
            ),
            {"fee_procedures": 8, "fee_procedures_paid_online": 6},
        ),
    ),
)
