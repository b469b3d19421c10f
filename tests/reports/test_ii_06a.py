"""Form II.06a against dossiers counted by hand and by a plain recount; and its printed layout."""

import csv
import io
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from openpyxl import load_workbook

from app.kit.db import Database
from app.kit.export import XLSX
from tests.figures.conftest import Wall
from tests.figures.makers import DAY, MIDNIGHT, a_dossier, describe, ended, random_dossiers, store
from tests.figures.recount import Row, buckets
from tests.figures.test_recount import FIRST, PERIODS

COLUMNS = [
    *("total", "received_online", "received_counter_post", "carried_over"),
    *("resolved", "resolved_early", "resolved_on_time", "resolved_late"),
    *("in_progress", "in_progress_not_due", "in_progress_overdue"),
]


async def form(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/reports/ii-06a", params=parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def numbers(line: dict[str, Any]) -> list[int]:
    return [line[name] for name in COLUMNS]


async def offices(database: Database) -> None:
    await describe(database)
    land: dict[str, Any] = {"sector": "land", "channel": "counter"}
    await store(
        database,
        [
            ended("1", "early", **land),
            ended("2", "on_time", **land),
            ended("3", "late", MIDNIGHT, **land),
            ended("4", "undated", **land),
            ended("5", "early", **land) | {"end_kind": "withdrawn"},
            ended("6", "late", **land) | {"end_kind": "withdrawn"},
            ended("7", "undated", **land) | {"end_kind": "stopped"},
            ended("8", "on_time", **land) | {"end_kind": "intake_refused"},
            a_dossier("9", sector="construction", received_at=MIDNIGHT, channel="post"),
            a_dossier("10", received_at=MIDNIGHT - DAY, overdue_from=MIDNIGHT),
            a_dossier("11", received_at=MIDNIGHT, supplement_pauses=[(MIDNIGHT, None)]),
            a_dossier("12", received_at=MIDNIGHT, voided=True),
        ],
    )


async def test_each_dossier_stands_in_the_columns_that_the_form_means(
    client: httpx.AsyncClient, database: Database
) -> None:
    await offices(database)
    answer = await form(client, period="2026-03", lang="vi")
    assert [(row["number"], row["sector"]["name"]) for row in answer["rows"]] == [
        (1, "construction"),
        (2, "land"),
        (3, "Chưa rõ lĩnh vực"),
    ]
    assert [numbers(row) for row in answer["rows"]] == [
        [1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0],
        [8, 0, 7, 1, 8, 1, 5, 2, 0, 0, 0],
        [2, 1, 0, 1, 0, 0, 0, 0, 2, 1, 1],
    ]
    assert numbers(answer["total"]) == [11, 1, 8, 2, 8, 1, 5, 2, 3, 2, 1]
    assert {line["residual"] for line in [*answer["rows"], answer["total"]]} == {0}
    assert answer["notes"] == [
        "Cột 9 gồm 1 hồ sơ do người nộp rút, không quá hạn.",
        "Cột 9 gồm 1 hồ sơ dừng giải quyết, không quá hạn.",
        "Cột 9 gồm 1 hồ sơ bị từ chối sau khi tiếp nhận, không quá hạn.",
        "Cột 9 gồm 1 hồ sơ đã xong mà không rõ ngày hẹn trả.",
        "Cột 12 gồm 1 hồ sơ đang chờ bổ sung, chưa quá hạn khi yêu cầu.",
    ]
    assert [column["number"] for column in answer["columns"]] == list(range(3, 14))
    assert answer["unit"] is None
    below = await form(client, period="2026-03", unit="B")
    assert (below["unit"], below["rows"], set(numbers(below["total"]))) == (
        {"code": "B", "name": "Đơn vị B"},
        [],
        {0},
    )


async def test_what_does_not_balance_is_told_with_its_residual(
    client: httpx.AsyncClient, database: Database
) -> None:
    await store(database, [a_dossier("1", received_at=MIDNIGHT + DAY, counted_at=MIDNIGHT + DAY)])
    answer = await form(client, period="2026-03")
    assert answer["total"]["residual"] == 1
    assert answer["notes"][-1] == "The form does not balance: (3) − (7) − (11) = 1."


def _column_of(row: Row) -> str:
    if row["outcome"] == "late":
        return "resolved_late"
    finished = row["end_kind"] in {"processed", "returned"}
    return "resolved_early" if finished and row["outcome"] == "early" else "resolved_on_time"


async def test_any_form_equals_a_plain_recount_and_balances(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    rows = random_dossiers(Random(6), zone, FIRST, 220, 300)  # noqa: S311 - repeatable, no secret
    await store(database, rows)
    for name, (first, last) in PERIODS.items():
        (whole,) = buckets(first, last, [], zone, wall.now, report=False)
        expected: dict[str | None, dict[str, int]] = {}
        for row in rows:
            received, end = row["received_at"], row["counted_at"]
            gone = end is not None and end < whole.begin
            if row["voided"] or received is None or received >= whole.end or gone:
                continue
            line = expected.setdefault(row["sector"], dict.fromkeys(COLUMNS, 0))
            online = "received_online" if row["channel"] == "online" else "received_counter_post"
            line["total"] += 1
            line["carried_over" if received < whole.begin else online] += 1
            if end is not None and end < whole.end:
                line["resolved"] += 1
                line[_column_of(row)] += 1
            else:
                overdue = row["overdue_from"] is not None and row["overdue_from"] < whole.end
                line["in_progress"] += 1
                line["in_progress_overdue" if overdue else "in_progress_not_due"] += 1
        answer = await form(client, period=name)
        assert {row["sector"]["code"]: numbers(row) for row in answer["rows"]} == {
            sector: list(line.values()) for sector, line in expected.items()
        }, name
        assert all(line["residual"] == 0 for line in [*answer["rows"], answer["total"]])


async def test_the_workbook_is_laid_out_as_the_printed_form(
    client: httpx.AsyncClient, database: Database
) -> None:
    await offices(database)
    answer = await client.get("/v1/reports/ii-06a?period=2026-03&unit=A&lang=vi", headers={"Accept": XLSX})
    assert answer.headers["content-disposition"] == 'attachment; filename="II.06a-2026-03-01-2026-03-31.xlsx"'
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    said = {str(cell.value): cell.coordinate for line in sheet.iter_rows() for cell in line if cell.value}
    assert said["Biểu số II.06a/VPCP/KSTT"] == "A1"
    assert "Kỳ báo cáo: từ ngày 01/03/2026 đến ngày 31/03/2026" in said
    assert "Đơn vị báo cáo: Đơn vị A" in said
    assert [said[f"({place})"] for place in (1, 2, 4, 5, 13)] == ["A9", "B9", "D9", "E9", "M9"]
    assert (said["(3)=(4)+(5)+(6)"], said["(11)=(12)+(13)"]) == ("C9", "K9")
    assert [cell.value for cell in sheet[13]][2:] == [11, 1, 8, 2, 8, 1, 5, 2, 3, 2, 1]
    assert {"NGƯỜI LẬP BIỂU", "THỦ TRƯỞNG ĐƠN VỊ", "Ghi chú:"} <= said.keys()
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.freeze_panes == "C10"


async def test_csv_has_a_line_for_each_sector_and_the_total(
    client: httpx.AsyncClient, database: Database
) -> None:
    await offices(database)
    answer = await client.get("/v1/reports/ii-06a?period=2026-03", headers={"Accept": "text/csv"})
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0] == ["sector", *COLUMNS, "residual"]
    assert [line[0] for line in lines[1:]] == ["construction", "land", "", "TOTAL"]
    assert lines[-1][1:] == ["11", "1", "8", "2", "8", "1", "5", "2", "3", "2", "1", "0"]


async def test_what_a_form_cannot_be_asked_is_refused(client: httpx.AsyncClient) -> None:
    for query in ("group_by=unit", "closing=1", "period=2026-13", "compare=previous"):
        assert (await client.get(f"/v1/reports/ii-06a?{query}")).status_code == 422
    answer = await client.get("/v1/reports/ii-06a", headers={"Accept": "application/pdf"})
    assert answer.status_code == 406
