"""An import that broke off goes on where it stopped, with exact counts for the whole file."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.importing import importer
from app.importing.importer import Options, import_files
from app.kit.deployment import Deployment
from tests.events.makers import received
from tests.importing.makers import counts, imported, log


class BrokenOffError(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "_PORTION", 10)


def lines(path: Path) -> Path:
    events: list[dict[str, Any]] = [received(f"H{number}") for number in range(45)]
    events[3]["data"]["channel"] = "fax"
    events[37]["data"]["channel"] = "fax"
    events[5] = received("H4")
    path.write_text("\n".join(json.dumps(made) for made in events), encoding="utf-8")
    return path


async def broken_off(here: Deployment, path: Path, after: int) -> None:
    told = 0

    def break_off(_: int) -> None:
        nonlocal told
        told += 1
        if told == after:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        await import_files(here, [path], Options(), faults=None, progress=break_off)


@pytest.mark.parametrize("after", [1, 2, 4, 5])
async def test_it_goes_on_where_it_stopped_and_counts_the_whole_file(
    deployment: Deployment, tmp_path: Path, after: int
) -> None:
    path, faults = lines(tmp_path / "events.ndjson"), (tmp_path / "faults.ndjson")
    await broken_off(deployment, path, after)
    stored = len(await log(deployment))
    with faults.open("w", encoding="utf-8") as file:
        report = await import_files(deployment, [path], Options(), faults=file, progress=lambda _: None)
    assert stored < 43 or after == 5
    assert counts(report) == (42, 1, 2)
    assert report.resumed == {"events.ndjson": min(10 * after, 45)}
    assert [json.loads(line)["line"] for line in faults.read_text().splitlines()] == [4, 38]
    assert len(await log(deployment)) == 42
    # Finished, it is another import: everything is a duplicate then.
    again = await imported(deployment, path)
    assert (counts(again), again.resumed) == ((0, 43, 2), {})


async def test_a_changed_file_or_another_way_of_reading_it_begins_anew(
    deployment: Deployment, tmp_path: Path
) -> None:
    path = lines(tmp_path / "events.ndjson")
    await broken_off(deployment, path, 2)
    path.write_text(path.read_text() + "\n" + json.dumps(received("NEW")), encoding="utf-8")
    report = await imported(deployment, path)
    assert (report.resumed, report.accepted + report.duplicate + report.rejected) == ({}, 46)


async def test_a_dry_run_leaves_no_trace(deployment: Deployment, tmp_path: Path) -> None:
    await imported(deployment, lines(tmp_path / "events.ndjson"), dry_run=True)
    async with deployment.database.transaction() as connection:
        for table in ("event", "receipt", "import_run", "rejected_event"):
            assert await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0
