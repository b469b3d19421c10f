from dataclasses import replace
from typing import Any

import httpx

from app.directory import queries
from app.directory.procedures import ProcedureRule
from app.kit.db import Database
from tests.directory.makers import NOW, key, procedure, put

PUBLISHED = "2.000908.000.00.00.H61"
RULE = ProcedureRule(sector="land", service_level="full", fee_required=True)
"""What a procedure of the makers decides about a dossier."""


async def test_a_procedure_is_kept_under_its_canonical_code_and_remembers_the_published_one(
    client: httpx.AsyncClient,
) -> None:
    body = {
        "name": "Cấp bản sao từ sổ gốc",
        "sector": "justice",
        "service_level": "partial",
        "fee_required": False,
        "duration": {"value": 10, "unit": "working_day"},
        "fee_stops_clock": True,
    }
    answer = await client.put(f"/v1/procedures/{PUBLISHED}", json=body)
    expected = {
        **body,
        "code": "2.000908",
        "raw_code": PUBLISHED,
        "name_en": None,
        "full_eligible": False,
        "document_result": True,
        "offered_by": [],
        "valid_from": None,
        "valid_to": None,
    }
    shown = answer.json()
    (period,) = shown.pop("periods")
    assert period.pop("key") > 0
    assert (answer.status_code, shown) == (200, {**expected, "stands": True})
    assert period == {name: value for name, value in expected.items() if name != "code"}
    for code in ("2.000908", PUBLISHED, "2.000908.000.00.00.H10"):
        assert (await client.get(f"/v1/procedures/{code}")).json() == answer.json()
    page = (await client.get("/v1/procedures")).json()
    assert page == {"items": [answer.json()], "next_cursor": None}


async def test_two_publishers_copies_in_one_array_are_the_same_code_twice(client: httpx.AsyncClient) -> None:
    entries = [procedure(PUBLISHED), procedure("2.000908")]
    answer = await client.put("/v1/procedures", json=entries)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/1/code"]
    assert (await client.get("/v1/procedures")).json()["items"] == []


async def test_an_array_tells_what_it_did_and_pages_follow_the_code(client: httpx.AsyncClient) -> None:
    entries = [procedure(f"1.00000{number}") for number in range(5)]
    assert await put(client, entries, kind="procedures") == {
        "created": 5,
        "changed": 0,
        "unchanged": 0,
    }
    entries[0]["duration"] = {"value": 3, "unit": "calendar_day"}
    assert await put(client, entries, kind="procedures") == {
        "created": 0,
        "changed": 1,
        "unchanged": 4,
    }
    first = (await client.get("/v1/procedures?limit=3")).json()
    rest = (await client.get(f"/v1/procedures?limit=3&cursor={first['next_cursor']}")).json()
    assert [item["code"] for item in first["items"] + rest["items"]] == [entry["code"] for entry in entries]
    assert rest["next_cursor"] is None


async def test_a_wrong_unknown_or_later_field_is_refused_by_name(client: httpx.AsyncClient) -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"sector": ""}, "/sector"),
        ({"service_level": "toàn trình"}, "/service_level"),
        ({"fee_required": "true"}, "/fee_required"),
        ({"fee_required": 1}, "/fee_required"),
        ({"fee_required": None}, "/fee_required"),
        ({"duration": 10}, "/duration"),
        ({"duration": {"value": 10}}, "/duration/unit"),
        ({"duration": {"value": "10", "unit": "working_day"}}, "/duration/value"),
        ({"duration": {"value": 2.5, "unit": "working_day"}}, "/duration/value"),
        ({"duration": {"value": -1, "unit": "working_day"}}, "/duration/value"),
        ({"duration": {"value": 10**30, "unit": "working_day"}}, "/duration/value"),
        ({"duration": {"value": 10, "unit": "fortnight"}}, "/duration/unit"),
        ({"duration": {"value": 10, "unit": "working_day", "zone": "x"}}, "/duration/zone"),
        ({"offered_by": "H10.25"}, "/offered_by"),
        ({"offered_by": [""]}, "/offered_by/0"),
        ({"valid_from": "1.7.2025"}, "/valid_from"),
        ({"valid_from": 20270}, "/valid_from"),
        ({"valid_to": "2025-07-01T00:00:00"}, "/valid_to"),
        ({"valid_to": "2025-02-30"}, "/valid_to"),
        ({"valid_to": "2201-01-01"}, "/valid_to"),
        ({"valid_from": "2026-01-02", "valid_to": "2026-01-01"}, "/valid_to"),
        ({"fee": 0}, "/fee"),
    ]
    for wrong, pointer in wrongs:
        entries = [procedure("1.004946"), procedure("1.004947", **wrong)]
        answer = await client.put("/v1/procedures", json=entries)
        assert answer.status_code == 422, wrong
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/1{pointer}"]
    assert (await client.get("/v1/procedures/1.004946")).status_code == 404


async def test_procedures_are_common_a_limited_key_reads_but_does_not_write_them(
    client: httpx.AsyncClient, database: Database
) -> None:
    await put(client, [procedure("1.004946")], kind="procedures")
    limited = await key(database, "directory:write", "metrics:read", unit="H10")
    assert (await client.get("/v1/procedures/1.004946", headers=limited)).status_code == 200
    body = {name: value for name, value in procedure("x").items() if name != "code"}
    assert (await client.put("/v1/procedures/1.004947", json=body, headers=limited)).status_code == 403
    answer = await client.put("/v1/procedures", json=[procedure("1.004947")], headers=limited)
    assert answer.status_code == 403
    assert (await client.get("/v1/procedures/1.004947")).status_code == 404


async def test_the_part_of_procedures_that_dossiers_need_is_looked_up_by_canonical_code(
    client: httpx.AsyncClient, database: Database
) -> None:
    timed = procedure(PUBLISHED, duration={"value": 8, "unit": "working_hour"}, fee_stops_clock=True)
    await put(client, [timed, procedure("P")], kind="procedures")
    async with database.snapshot() as connection:
        assert await queries.procedures_for(connection, ["2.000908", "P", "unknown"]) == {
            "2.000908": [replace(RULE, duration_value=8, duration_unit="working_hour", fee_stops_clock=True)],
            "P": [RULE],
        }
        assert await queries.procedures_for(connection, []) == {}
        assert await queries.names(connection, "procedure", ["P", "unknown"], NOW.date()) == {
            "P": ("Thủ tục P", None)
        }
