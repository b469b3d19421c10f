"""A hundred service requests with the city's own verdict: ours is the same, row by row."""

import csv
import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.settings import Settings

ZONE = ZoneInfo("America/New_York")
OURS = {"early": "ONTIME", "on_time": "ONTIME", "not_due": "ONTIME", "late": "OVERDUE", "overdue": "OVERDUE"}

Row = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"timezone": ZONE.key})


def told(local: str) -> str:
    return datetime.fromisoformat(local).replace(tzinfo=ZONE).isoformat()


def event(row: Row, kind: str, local: str, **data: str) -> dict[str, Any]:
    return {
        "id": f"{row['case_id']}:{kind}",
        "source": "/city",
        "type": f"dossier.{kind}",
        "subject": row["case_id"],
        "time": told(local),
        "data": data,
    }


def events(row: Row) -> list[dict[str, Any]]:
    """The request as facts: opened, and closed where it was; due at the instant that the city had told."""
    slip = {"due_at": told(row["due_local"])} if row["due_local"] else {}
    channel = "counter" if row["channel"] == "Constituent Call" else "online"
    opened = event(
        row,
        "received",
        row["opened_local"],
        unit=row["department"],
        procedure=row["type"].strip(),
        channel=channel,
        **slip,
    )
    closed = [event(row, "processed", row["closed_local"])] if row["closed_local"] else []
    return [opened, *closed]


async def test_our_verdict_is_the_city_s_row_by_row(
    client: httpx.AsyncClient, real: Callable[[str], Path]
) -> None:
    """Requests that were open when the file was made are open still, and all that were dated are due by now.

    Where no due date is known the city says ONTIME; we say that it is not known.
    """
    lines = gzip.decompress(real("city_requests_100.csv.gz").read_bytes()).decode().splitlines()
    rows = list(csv.DictReader(lines))
    assert len({row["case_id"] for row in rows}) == len(rows) == 100
    answer = await client.post("/v1/events", json=[event for row in rows for event in events(row)])
    assert answer.status_code == 202, answer.text
    for row in rows:
        page = (await client.get("/v1/dossier", params={"code": row["case_id"]})).json()
        assert (page["ended_at"] is None) == (row["status"] == "Open") == (not row["closed_local"])
        if not row["due_local"]:
            assert (page["verdict"], row["city_flag"]) == ("undated", "ONTIME")
            continue
        assert OURS[page["verdict"]] == row["city_flag"], row
