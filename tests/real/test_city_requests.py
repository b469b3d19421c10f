"""A hundred service requests with the city's own verdict: through the shipped mapping ours is the same, row by row."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.importing.importer import Options, import_files
from app.importing.mapping import load
from app.kit.deployment import Deployment
from app.settings import Settings

OURS = {"early": "ONTIME", "on_time": "ONTIME", "not_due": "ONTIME", "late": "OVERDUE", "overdue": "OVERDUE"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"timezone": "America/New_York"})


async def test_our_verdict_is_the_city_s_row_by_row(
    deployment: Deployment, client: httpx.AsyncClient, real: Callable[[str], Path]
) -> None:
    """Requests that were open when the file was made are open still, and all that were dated are due by now.

    Where no due date is known the city says ONTIME; we say that it is not known.
    """
    path = real("city_requests_100.csv.gz")
    rows = list(csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines()))
    assert len({row["case_id"] for row in rows}) == len(rows) == 100
    closed = sum(bool(row["closed_local"]) for row in rows)
    report = await import_files(
        deployment, [path], Options(load("city-requests")), faults=None, progress=lambda _: None
    )
    assert (report.accepted, report.duplicate, report.rejected) == (100 + closed, 0, 0)
    for row in rows:
        page = (await client.get("/v1/dossier", params={"code": row["case_id"]})).json()
        assert (page["unit"], page["procedure"]) == (row["department"], row["type"].strip())
        assert (page["ended_at"] is None) == (row["status"] == "Open") == (not row["closed_local"])
        if not row["due_local"]:
            assert (page["verdict"], row["city_flag"]) == ("undated", "ONTIME")
            continue
        assert OURS[page["verdict"]] == row["city_flag"], row
