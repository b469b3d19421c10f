"""Mappings: the shipped ones tell what national codes mean, and a wrong one says where."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.importing.mapping import load, parse, shipped
from app.kit.deployment import Deployment
from app.kit.problems import Problem
from tests.importing.makers import counts, imported, log, workbook

NATIONAL = (
    "MaHoSo,MaTTHC,MaDonVi,KenhThucHien,TrangThaiHoSo,NgayNopHoSo,NgayTiepNhan,NgayHenTra,NgayTuChoi,"
    "NgayYeuCauBoSung,NgayCongDanBoSung,DuocThanhToanTrucTuyen,NgayKetThucXuLy,NgayTra\n"
)
ROWS = """\
D1,1.004946,U1,2,1,20260105080000,,,,,,0,,
D2,1.004946,U1,2,2,20260105080000,20260105093000,20260112,,,,1,,
D3,1.004946,U1,2,3,20260105080000,,,20260106100000,,,0,,
D5,1.004946,U1,1,5,,20260105093000,20260112,,20260107,,0,,
D4,1.004946,U1,3,4,,20260105093000,20260112,,20260107090000,20260108090000,NULL,,
D6,1.004946,U1,1,6,,20260105093000,20260112,,,,2,,
D7,1.004946,U1,1,7,,20260105093000,20260112,,,,0,20260107,
D8,1.004946,U1,1,8,,20260105093000,20260112,,,,0,20260107,
D9,1.004946,U1,1,9,,20260105093000,20260112,,,,0,20260109,
D10,1.004946,U1,1,10,,20260105093000,20260112,,,,0,20260109101500,20260110
"""


async def test_national_codes_become_facts(
    deployment: Deployment, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "status.csv"
    path.write_text(NATIONAL + ROWS, encoding="utf-8")
    options: dict[str, Any] = {"mapping": load("national"), "source": "urn:test"}
    assert (await imported(deployment, path, **options)).rejected == 0
    told: dict[str, list[str]] = {}
    for _, kind, subject, *_ in await log(deployment):
        told.setdefault(subject, []).append(kind.partition(".")[2])
    assert told == {
        "D1": ["submitted"],
        "D2": ["submitted", "paid_online", "received"],
        "D3": ["submitted", "intake_refused"],
        "D4": ["received", "supplement_requested", "supplemented"],
        "D5": ["received", "supplement_requested"],
        "D6": ["paid_online", "received"],
        "D7": ["received", "withdrawn"],
        "D8": ["received", "stopped"],
        "D9": ["received", "processed"],
        "D10": ["received", "processed", "returned"],
    }
    by = {(subject, kind): (time, data) for _, kind, subject, time, data in await log(deployment)}
    assert by["D2", "dossier.paid_online"][1] == {"gateway": "national"}
    assert by["D6", "dossier.paid_online"][1] == {"gateway": "local"}
    assert by["D4", "dossier.received"][1]["channel"] == "post"
    assert by["D9", "dossier.processed"][0] == datetime(2026, 1, 9, 10, 0, tzinfo=UTC)
    page = (await client.get("/v1/dossier", params={"code": "D10"})).json()
    assert (page["state"], page["verdict"]) == ("returned", "early")
    assert {finding["kind"] for finding in page["findings"]} == {"unknown_unit", "unknown_procedure"}
    # The next day's export, in which D2 has gone on: what was told stays, what is new is added.
    path.write_text(
        NATIONAL
        + ROWS.replace("D2,1.004946,U1,2,2", "D2,1.004946,U1,2,9").replace(",1,,\n", ",1,20260109,\n"),
        encoding="utf-8",
    )
    assert counts(await imported(deployment, path, **options)) == (1, 22, 0)


async def test_vietnamese_headings_and_real_dates_of_a_workbook_are_understood(
    deployment: Deployment, tmp_path: Path
) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        [
            [
                "Mã hồ sơ",
                "Mã TTHC",
                "Mã đơn vị",
                "KÊNH THỰC HIỆN",
                "Mã trạng thái",
                "Ngày tiếp nhận",
                "Ngày hẹn trả",
                "Ngày có kết quả",
            ],
            [
                "D1",
                1.004946,
                22918,
                1,
                9,
                local(2026, 1, 5, 8, 0),
                local(2026, 1, 12),
                local(2026, 1, 9),
            ],
        ],
    )
    await imported(deployment, path, mapping=load("national"), source="urn:test")
    ((_, _, _, _, data), (_, _, _, ended, _)) = await log(deployment)
    assert data == {"unit": "22918", "procedure": "1.004946", "channel": "counter", "due_at": "2026-01-12"}
    assert ended == datetime(2026, 1, 9, 10, 0, tzinfo=UTC)


async def test_an_unknown_code_or_value_is_told_by_column_and_nothing_is_guessed(
    deployment: Deployment, tmp_path: Path
) -> None:
    path, faults = tmp_path / "status.csv", io.StringIO()
    wrong = ROWS.splitlines(keepends=True)[1]
    changes = [("2,2,", "2,11,"), ("U1,2,", "U1,4,"), ("D2,", ","), ("20260112", "soon")]
    path.write_text(NATIONAL + "".join(wrong.replace(*change, 1) for change in changes), encoding="utf-8")
    report = await imported(deployment, path, faults=faults, mapping=load("national"), source="urn:test")
    assert report.rejected == 4
    told = [json.loads(line) for line in faults.getvalue().splitlines()]
    assert [(fault["line"], fault["errors"][0]["column"]) for fault in told] == [
        (2, "TrangThaiHoSo"),
        (3, "KenhThucHien"),
        (4, "MaHoSo"),
        (5, "NgayHenTra"),
    ]
    assert "(counter" not in told[1]["errors"][0]["detail"]


async def test_a_column_that_the_mapping_names_and_the_file_lacks_is_told(
    deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "status.csv"
    path.write_text(NATIONAL.replace("NgayHenTra", "Hạn"), encoding="utf-8")
    with pytest.raises(Problem) as refused:
        await imported(deployment, path, mapping=load("national"), source="urn:test")
    assert "NgayHenTra / Ngày hẹn trả" in refused.value.detail.en
    assert "“Hạn”" in refused.value.detail.vi
    path.write_text(NATIONAL + ROWS, encoding="utf-8")
    with pytest.raises(Problem, match="--source"):
        await imported(deployment, path, mapping=load("national"))


def test_every_shipped_mapping_reads_and_is_named_in_both_languages() -> None:
    assert set(shipped()) == {"national", "permits-wabo", "city-requests"}
    assert all(load(name).title_en for name in shipped())


def local(*parts: int) -> datetime:
    """A date cell of a workbook, which knows no zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - as a workbook has it


EVENT = '[[event]]\ntype = "dossier.processed"\ntime = "t"\n'
HEAD = 'title = "x"\nsubject = "s"\n'


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("title = ", "TOML"),
        (HEAD, "event"),
        (HEAD + "colour = 1\n" + EVENT, "colour"),
        (HEAD + EVENT.replace("processed", "finished"), "dossier.finished"),
        (HEAD + 'zone = "Mars/Base"\n' + EVENT, "Mars/Base"),
        (HEAD + 'dates = ["%Q"]\n' + EVENT, "%Q"),
        (HEAD + EVENT + 'data.outcome = {column = "x", values = "none"}\n', "values.none"),
        (HEAD + EVENT + 'id = "{nobody}"\n', "{subject}"),
    ],
)
def test_a_wrong_mapping_says_where(written: str, told: str) -> None:
    with pytest.raises(Problem) as refused:
        parse("mine.toml", written)
    said = refused.value.detail.en + "".join(
        f"{fault.pointer} {fault.detail.en}" for fault in refused.value.errors
    )
    assert told in said
    with pytest.raises(Problem, match="national"):
        load("no-such-mapping")
