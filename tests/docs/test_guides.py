"""The lines of the first hour and of the dashboard guide work as printed, and so do the addresses in their scripts."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import KEY
from tests.docs.newcomer import Terminal, documents
from tests.docs.pages import DOCS, shell_blocks
from tests.processes import Served, serving


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    with serving(database_url, tmp_path) as running:
        yield running


def test_the_first_hour_and_the_dashboards_follow_each_other(served: Served) -> None:
    describe, sign = shell_blocks(DOCS / "first-hour.md")
    (pull,) = shell_blocks(DOCS / "for-dashboards.md")
    with Terminal(served.url) as terminal:
        terminal.run(f"KEY={KEY}")
        unit, procedure = documents(terminal.run(describe))
        assert (unit["code"], procedure["sector"]) == ("22918", "land")

        commitment, rule, scorecard = documents(terminal.run(sign))
        assert (commitment["version"], rule["target"], scorecard["scheme"]) == (
            1,
            None,
            "reform-index",
        )

        pulled = terminal.run(pull)
    assert "\ufeffmonth,unit" in pulled
    rates, *_, behind = documents(pulled)
    assert rates["rows"] == behind["items"] == []


def test_the_scripts_for_spreadsheets_and_grafana_ask_for_what_there_is(served: Served) -> None:
    page = (DOCS / "for-dashboards.md").read_text(encoding="utf-8")
    (path,) = re.findall(r'RelativePath = "([^"]+)"', page)
    query = dict(re.findall(r'(\w+) = "([^"]*)"', page.partition("Query = [")[2].partition("]")[0]))
    (address,) = re.findall(r'"url": "([^"]+)"', page)
    typed = re.findall(r'\{"(\w+)", (?:Int64.Type|type number)\}', page)
    selected = re.findall(r'"selector": "(\w+)"', page)
    with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30) as client:
        table = client.get(path, params=query, headers={"Accept": "text/csv"}).raise_for_status()
        columns = table.text.removeprefix("\ufeff").splitlines()[0].split(",")
        assert set(typed) | {"month"} <= set(columns)

        event = {
            "source": "urn:trial",
            "id": "1",
            "type": "dossier.received",
            "subject": "D-1",
            "time": "2026-01-05T09:30:00+07:00",
            "data": {"unit": "U", "procedure": "1.900001", "channel": "online", "due_at": "2026-01-12"},
        }
        end = {
            **event,
            "id": "2",
            "type": "dossier.processed",
            "time": "2026-01-09T09:30:00+07:00",
            "data": {},
        }
        client.post("/v1/events", json=event).raise_for_status()
        client.post("/v1/events", json=end, headers={"Prefer": "wait=30"}).raise_for_status()
        (row,) = client.get(address).raise_for_status().json()["rows"]
        assert set(selected) <= row.keys()
        book = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        assert book in page
        assert client.get(path, headers={"Accept": book}).headers["content-type"].startswith(book)
