"""Figures as CSV and as workbooks, as a spreadsheet reads them."""

import csv
import io
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from app.kit.db import Database
from app.kit.export import XLSX
from tests.figures.conftest import Wall
from tests.figures.makers import describe, ended, figures, store


@pytest.fixture
async def offices(database: Database) -> None:
    await describe(database)
    await store(
        database,
        [
            ended("1", "early", unit="=1+1"),
            ended("2", "late", unit="=1+1"),
            ended("3", "on_time", unit="D"),
            ended("4", "undated", unit="D"),
        ],
    )


async def table(client: httpx.AsyncClient, path: str, media: str) -> httpx.Response:
    answer = await client.get(f"/v1/metrics/{path}", headers={"Accept": media})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media)
    return answer


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.usefixtures("offices")
async def test_csv_names_its_columns_as_json_does_and_ends_with_the_total(client: httpx.AsyncClient) -> None:
    answer = await table(client, "on_time?period=2026-03&group_by=unit&lang=vi", "text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="on_time-2026-03-01-2026-03-31.csv"'
    names = ["unit.code", "unit.name", "numerator", "denominator", "rate", "excluded.undated"]
    lines = [
        ["'=1+1", "'=1+1", "1", "2", "0.5", "0"],
        ["D", "Đơn vị D", "1", "1", "1.0", "1"],
        ["Tổng", "", "2", "3", "0.666667", "1"],
    ]
    assert rows_of(answer) == [dict(zip(names, line, strict=True)) for line in lines]


@pytest.mark.usefixtures("offices")
async def test_a_workbook_has_typed_cells_a_frozen_heading_and_percents(client: httpx.AsyncClient) -> None:
    answer = await table(client, "on_time?period=2026-03&group_by=unit,month&compare=previous", XLSX)
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert sheet.freeze_panes == "A2"
    cells = [[cell.value for cell in line] for line in sheet.iter_rows()]
    assert cells[0] == [
        "Code: Unit",
        "Unit",
        "Month",
        "Numerator",
        "Denominator",
        "On-time rate of resolved dossiers",
        "Excluded: undated",
        "Numerator, period compared with",
        "Denominator, period compared with",
        "On-time rate of resolved dossiers, period compared with",
    ]
    assert cells[1][:6] == ["'=1+1", "'=1+1", "2026-03", 1, 2, 0.5]
    assert cells[-1] == ["Total", None, None, 2, 3, 0.666667, 1, 0, 0, None]
    assert (sheet["A2"].data_type, sheet["F2"].data_type) == ("s", "n")
    assert sheet["F2"].number_format == "0.00%"


@pytest.mark.usefixtures("offices")
@pytest.mark.parametrize("metric", ["counts", "processing_time", "reporting_delay"])
async def test_every_kind_of_metric_is_written_as_its_json_says(
    client: httpx.AsyncClient, metric: str
) -> None:
    query = f"{metric}?period=2026-03&group_by=unit"
    (*lines, total) = rows_of(await table(client, query, "text/csv"))
    document: dict[str, Any] = await figures(client, metric, period="2026-03", group_by="unit")
    assert [line["unit.code"].lstrip("'") for line in lines] == [
        row["unit"]["code"] for row in document["rows"]
    ]
    for line, row in zip([*lines, total], [*document["rows"], document["total"]], strict=True):
        kept = {name: value for name, value in line.items() if not name.startswith("unit.")}
        assert kept == {name: "" if row[name] is None else str(row[name]) for name in kept}
    workbook = await table(client, query, XLSX)
    assert load_workbook(io.BytesIO(workbook.content)).worksheets[0].max_row == len(lines) + 2


@pytest.mark.usefixtures("offices")
async def test_each_form_has_an_etag_of_its_own(client: httpx.AsyncClient, wall: Wall) -> None:
    tags = {
        (await table(client, "on_time?period=2026-03", media)).headers["etag"]
        for media in ("application/json", "text/csv", XLSX)
    }
    assert len(tags) == 3
    for media in ("text/csv", XLSX):
        first = await table(client, "on_time?period=2026-03", media)
        again = await client.get(
            "/v1/metrics/on_time?period=2026-03",
            headers={"Accept": media, "If-None-Match": first.headers["etag"]},
        )
        assert again.status_code == 304
