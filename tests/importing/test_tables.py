"""Tables of events and of the directory, from CSV and from workbooks, and what is told where they are wrong."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from app.kit.deployment import Deployment
from app.kit.problems import Problem
from tests.importing.makers import EVENTS, PROCESSED, RECEIVED, counts, imported, log, workbook

LOCAL = datetime(2026, 1, 5, 8, 0)  # noqa: DTZ001 - as a workbook has it
DUE = datetime(2026, 1, 9)  # noqa: DTZ001 - as a workbook has it
FACTS: list[tuple[Any, ...]] = [
    (
        "e1",
        "dossier.received",
        "H1",
        datetime(2026, 1, 5, 1, 0, tzinfo=UTC),
        {
            "unit": "U1",
            "procedure": "P1",
            "channel": "online",
            "due_at": "2026-01-09",
            "duration": {"value": 10, "unit": "working_day"},
            "fee_required": True,
        },
    ),
    ("e2", "dossier.processed", "H1", datetime(2026, 1, 8, 3, 0, 30, tzinfo=UTC), {}),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_a_table_of_events_is_read_with_every_separator(
    deployment: Deployment, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"{EVENTS}\n{RECEIVED}\n\n{PROCESSED}".replace(";", delimiter), encoding=encoding)
    assert counts(await imported(deployment, path)) == (2, 0, 0)
    assert await log(deployment) == FACTS
    assert counts(await imported(deployment, path)) == (0, 2, 0)


async def test_a_workbook_gives_the_same_events_with_real_dates_and_numbers(
    deployment: Deployment, tmp_path: Path
) -> None:
    rows: list[list[Any]] = [
        [],
        EVENTS.split(";"),
        [
            "e1",
            "/shop",
            "dossier.received",
            "H1",
            LOCAL,
            "U1",
            "P1",
            "online",
            DUE,
            10,
            "working_day",
            True,
        ],
        [None] * 12,
        ["e2", "/shop", "dossier.processed", "H1", datetime(2026, 1, 8, 10, 0, 30)],  # noqa: DTZ001 - as a workbook has it
    ]
    assert counts(await imported(deployment, workbook(tmp_path / "events.xlsx", rows))) == (2, 0, 0)
    assert await log(deployment) == FACTS


async def test_faults_name_row_and_column_and_good_rows_are_stored(
    deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    wrong = [
        RECEIVED.replace("e1", "b1").replace("05/01/2026 08:00", "31/02/2026"),
        RECEIVED.replace("e1", "b2").replace(";online;", ";fax;"),
        RECEIVED.replace("e1", "b3") + ";too;many",
        RECEIVED.replace("e1", "b4").replace(";10;", ";ten;"),
    ]
    path.write_text("\n".join([EVENTS, RECEIVED, *wrong]), encoding="utf-8")
    faults = io.StringIO()
    report = await imported(deployment, path, faults=faults)
    assert counts(report) == (1, 0, 4)
    told = [json.loads(line) for line in faults.getvalue().splitlines()]
    assert [
        (fault["line"], fault["id"], [error["column"] for error in fault["errors"]]) for fault in told
    ] == [
        (3, "b1", ["time"]),
        (4, "b2", ["channel"]),
        (5, "b3", [""]),
        (6, "b4", ["duration_value"]),
    ]
    table = io.StringIO()
    await imported(deployment, path, faults=table, faults_name="faults.csv")
    read = list(csv.DictReader(io.StringIO(table.getvalue().removeprefix("\ufeff"))))
    assert [(row["row"], row["column"]) for row in read][:2] == [("3", "time"), ("4", "channel")]
    assert any("channel" in line for line in report.told("en"))


async def test_a_workbook_s_errors_and_uncomputed_formulas_are_told_by_cell(
    deployment: Deployment, tmp_path: Path
) -> None:
    head = ["id", "source", "type", "subject", "time"]
    good = ["e1", "/shop", "dossier.processed", "H1", LOCAL]
    path = workbook(tmp_path / "a.xlsx", [head, [*good[:3], "#N/A", LOCAL], ["=1+1", *good[1:]], good])
    faults = io.StringIO()
    report = await imported(deployment, path, faults=faults)
    assert counts(report) == (1, 0, 2)
    details = [json.loads(line)["errors"][0]["detail"] for line in faults.getvalue().splitlines()]
    assert "D2" in details[0]
    assert "A3" in details[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a;b\n1;2\n", "not recognised"),
        ("", "no row of headings"),
        ("type,subject,time\nx,y,z\n", "“id”"),
        ("id,source,type,subject,time,time\n", "twice"),
        ('id,source,type,subject,time\n"open,' + "x" * 200_000, "quotation mark"),
    ],
)
async def test_a_table_that_is_none_says_what_is_missing(
    deployment: Deployment, tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Problem) as refused:
        await imported(deployment, path)
    assert told in refused.value.detail.en
    assert await log(deployment) == []


async def test_the_wrong_separator_is_told(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{EVENTS}\n{RECEIVED}\n", encoding="utf-8")
    with pytest.raises(Problem) as refused:
        await imported(deployment, path, kind="events", delimiter=",")
    assert "--delimiter" in refused.value.detail.en


async def test_a_sheet_is_chosen_by_name(deployment: Deployment, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["code", "name", "kind"], ["U1", "Unit 1", "ward"]], title="Đơn vị")
    book = openpyxl.load_workbook(path)
    book.create_sheet("First", 0)
    book.save(path)
    (described,) = (await imported(deployment, path, sheet="Đơn vị")).directory
    assert described.created == 1
    with pytest.raises(Problem) as refused:
        await imported(deployment, path, sheet="Third")
    assert "Đơn vị" in refused.value.detail.en


async def test_units_and_procedures_are_written_whole_and_dry_runs_write_nothing(
    deployment: Deployment, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    units = workbook(
        tmp_path / "units.xlsx",
        [
            ["code", "name", "kind", "parent"],
            [68, "Lâm Đồng", "province", None],
            [22918, "Mũi Né", "ward", 68],
        ],
    )
    procedures = tmp_path / "procedures.csv"
    procedures.write_text(
        "code,name,sector,service_level,fee_required,duration_value,duration.unit\n"
        "2.000908.000.00.00.H61,Cấp giấy phép,construction,full,có,10,working_day\n",
        encoding="utf-8",
    )
    dry = await imported(deployment, units, procedures, dry_run=True)
    assert [(told.kind, told.created) for told in dry.directory] == [("units", 2), ("procedures", 1)]
    assert (await client.get("/v1/units")).json()["items"] == []
    await imported(deployment, units, procedures)
    assert (await client.get("/v1/units/22918")).json()["parent"] == "68"
    procedure = (await client.get("/v1/procedures/2.000908")).json()
    assert (procedure["duration"], procedure["fee_required"]) == ({"value": 10, "unit": "working_day"}, True)
    again = await imported(deployment, units, procedures)
    assert [told.unchanged for told in again.directory] == [2, 1]


async def test_a_directory_table_with_one_fault_writes_nothing(
    deployment: Deployment, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "units.csv"
    faults = io.StringIO()
    path.write_text("code,name,kind,parent\nA,Unit A,ward,\nB,Unit B,village,\n", encoding="utf-8")
    (described,) = (await imported(deployment, path, faults=faults)).directory
    assert (described.created, described.rejected) == (0, 1)
    fault = json.loads(faults.getvalue())
    assert (fault["line"], fault["errors"][0]["column"]) == (3, "kind")
    path.write_text("code,name,kind,parent\nA,Unit A,ward,B\nB,Unit B,ward,A\n", encoding="utf-8")
    (described,) = (await imported(deployment, path)).directory
    assert described.rejected == 2
    assert (await client.get("/v1/units")).json()["items"] == []
    path.write_text("code,name,kind,colour\nA,Unit A,ward,red\n", encoding="utf-8")
    with pytest.raises(Problem, match="colour"):
        await imported(deployment, path)


async def test_codes_that_the_directory_does_not_know_are_counted(
    deployment: Deployment, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    await client.put("/v1/units/U1", json={"name": "Unit", "kind": "ward"})
    path = tmp_path / "events.csv"
    path.write_text(
        "\n".join([EVENTS, RECEIVED, RECEIVED.replace("e1", "e3").replace("U1", "U2")]), encoding="utf-8"
    )
    report = await imported(deployment, path, dry_run=True)
    assert (dict(report.units), dict(report.procedures)) == ({"U2": 1}, {"P1": 2})
    assert await log(deployment) == []


async def test_periods_successors_and_lists_of_the_directory_are_columns_too(
    deployment: Deployment, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    units, procedures, faults = tmp_path / "units.csv", tmp_path / "procedures.csv", io.StringIO()
    units.write_text(
        "code;name;kind;valid_from;valid_to;successors\n"
        "W2;New ward;ward;01/07/2025;;\n"
        "W1;Old ward;ward;;30/06/2025;W2:merge\n",
        encoding="utf-8",
    )
    procedures.write_text(
        "code,name,sector,service_level,fee_required,offered_by,valid_from\n"
        "P1,Procedure,land,full,no,W1; W2,2020-01-01\n",
        encoding="utf-8",
    )
    report = await imported(deployment, units, procedures, faults=faults)
    assert faults.getvalue() == ""
    assert [told.created for told in report.directory] == [2, 1]
    old = (await client.get("/v1/units/W1")).json()
    assert (old["valid_to"], old["successors"]) == ("2025-06-30", [{"code": "W2", "kind": "merge"}])
    assert (await client.get("/v1/procedures/P1")).json()["offered_by"] == ["W1", "W2"]
