"""Findings, patterns and delays, by kind, source and unit."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from app.dossiers.findings import KINDS
from app.kit.db import Database
from app.quality.api import PATTERNS
from tests.directory.makers import key
from tests.figures.makers import DAY, HOUR, MIDNIGHT, Row, a_dossier, describe, ended, record, store

MINUTE = timedelta(minutes=1)
AT = MIDNIGHT + 10 * HOUR
"""Friday noon is far: this is Sunday 2026-03-01, 10:00 in Hanoi."""


def told(
    code: str, kind: str, at: datetime, source: str = "/a", delay: timedelta = MINUTE, **data: Any
) -> Row:
    return {
        "source": source,
        "id": f"{code} {kind} {at}",
        "type": f"dossier.{kind}",
        "subject": code,
        "time": at,
        "recorded_at": at + delay,
        "data": data,
        "digest": b"",
        "receipt": UUID(int=0),
    }


async def quality(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/data-quality", params={"period": "2026-03", **parameters})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def seen(found: Iterable[dict[str, Any]]) -> list[tuple[str, str, str | None, int]]:
    return [(one["kind"], one["source"], one["unit"]["code"], one["dossiers"]) for one in found]


async def test_findings_are_counted_by_kind_source_and_unit(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(
        database,
        [
            ended("1", "late", findings=["second_reception", "unknown_unit"]),
            ended("2", "late", findings=["second_reception"]),
            a_dossier("3", unit="D", received_at=MIDNIGHT, findings=["second_reception"]),
            a_dossier("4", unit="D", received_at=MIDNIGHT, findings=["unknown_unit"]),
        ],
    )
    events = [told(code, "received", AT) for code in "123"]
    events += [told("1", "stopped", AT, source="/b"), told("1", "late", AT), told("4", "late", AT - 9 * DAY)]
    await record(database, events)
    answer = await quality(client)
    assert seen(answer["findings"]) == [
        ("second_reception", "/a", "A", 2),
        ("second_reception", "/a", "D", 1),
        ("second_reception", "/b", "A", 1),
        ("unknown_unit", "/a", "A", 1),
        ("unknown_unit", "/b", "A", 1),
    ]
    assert answer["findings"][1]["unit"]["name"] == "Ward D"
    assert answer["findings"][0]["says"] == KINDS["second_reception"].en
    assert [(one["source"], one["count"], one["median"]) for one in answer["reporting_delay"]] == [
        ("/a", 4, 60.0),
        ("/b", 1, 60.0),
    ]
    assert seen((await quality(client, unit="D"))["findings"]) == [("second_reception", "/a", "D", 1)]
    assert (await quality(client, period="2026-01"))["findings"] == []


async def test_each_pattern_is_seen_where_it_is_and_nowhere_else(
    client: httpx.AsyncClient, database: Database
) -> None:
    due = MIDNIGHT + 2 * DAY - timedelta(microseconds=1)  # the end of Monday 2026-03-02; work ends at 17:00
    rows = [
        a_dossier(f"{kind} {place}", received_at=MIDNIGHT, due_original=due)
        for kind in ("moved", "paused", "told")
        for place in range(2)
    ]
    rows += [ended("fast 0", "early", MIDNIGHT + HOUR), ended("fast 1", "early", MIDNIGHT + HOUR)]
    rows[-2]["received_at"] = MIDNIGHT + HOUR - timedelta(seconds=59)
    rows[-1]["received_at"] = MIDNIGHT + HOUR - MINUTE
    await store(database, rows)
    evening = MIDNIGHT + DAY + 16 * HOUR  # 16:00: an hour of work is left
    await record(
        database,
        [
            told("moved 0", "rescheduled", due + HOUR, due_at="2026-03-09"),
            told("moved 1", "rescheduled", due, due_at="2026-03-09"),
            told("moved 1", "apology_issued", due + HOUR, letter_no="7"),
            told("paused 0", "supplement_requested", evening),
            told("paused 1", "fee_requested", evening - MINUTE),
            told("told 0", "received", AT, delay=3 * DAY + MINUTE),
            told("told 1", "received", AT, delay=3 * DAY),
            told("fast 0", "processed", MIDNIGHT + HOUR),
            told("fast 1", "processed", MIDNIGHT + HOUR),
        ],
    )
    answer = await quality(client)
    assert seen(answer["patterns"]) == [
        ("back_dated", "/a", "A", 1),
        ("due_moved_after_it_passed", "/a", "A", 1),
        ("finished_at_once", "/a", "A", 1),
        ("paused_in_the_last_hour", "/a", "A", 1),
    ]
    assert answer["patterns"][0]["says"] == PATTERNS["back_dated"].en


async def test_finishing_in_bulk_at_the_end_of_a_month_is_seen(
    client: httpx.AsyncClient, database: Database
) -> None:
    last = MIDNIGHT + 29 * DAY  # 30 March
    rows = [ended(f"A{n}", "on_time", last + n * MINUTE) for n in range(10)]
    rows += [ended(f"B{n}", "on_time", last + n * MINUTE, unit="B") for n in range(9)]
    rows += [ended(f"C{n}", "on_time", MIDNIGHT + (n + 1) * DAY, unit="C") for n in range(20)]
    rows += [ended(f"C{n}", "on_time", last, unit="C") for n in range(20, 30)]
    await store(database, rows)
    await record(database, [told(row["code"], "processed", row["counted_at"]) for row in rows])
    assert seen((await quality(client))["patterns"]) == [("finished_in_bulk", "/a", "A", 10)]


async def test_late_in_the_data_stands_against_late_in_fact(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert (await quality(client))["late"] == {
        "late_in_fact": 0,
        "late_in_data_only": 0,
        "share_in_data_only": None,
    }
    in_data = [ended(str(n), "on_time", late_in_data_only=True) for n in range(3)]
    await store(database, [*in_data, ended("4", "late"), ended("5", "early")])
    assert (await quality(client))["late"] == {
        "late_in_fact": 1,
        "late_in_data_only": 3,
        "share_in_data_only": 0.75,
    }


async def test_the_quality_of_data_is_shown_within_a_keys_unit(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(database, [ended(unit, "late", unit=unit, findings=["pause_after_due"]) for unit in "ABD"])
    await record(database, [told(unit, "received", AT, source=f"/{unit}") for unit in "ABD"])
    limited = await key(database, "metrics:read", unit="B")
    answer = (await client.get("/v1/data-quality?period=2026-03", headers=limited)).json()
    assert seen(answer["findings"]) == [("pause_after_due", "/B", "B", 1), ("pause_after_due", "/D", "D", 1)]
    assert [one["source"] for one in answer["reporting_delay"]] == ["/B", "/D"]
    other = await key(database, "events:read")
    assert (await client.get("/v1/data-quality", headers=other)).status_code == 403
