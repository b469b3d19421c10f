import asyncio

import httpx
import pytest

from app.directory import queries
from app.kit.db import Database
from tests.directory.makers import NOW, TREE, changes, procedure, put, unit


async def test_new_entries_are_changes_for_dossiers_may_have_named_them_before(
    client: httpx.AsyncClient, database: Database
) -> None:
    await put(client, [unit("A"), unit("B", "A")])
    await put(client, [procedure("2.000908.000.00.00.H61")], kind="procedures")
    assert await changes(database) == [("procedure", "2.000908"), ("unit", "A"), ("unit", "B")]
    assert await changes(database) == [], "each change is claimed once"


async def test_only_a_moved_unit_touches_dossiers(client: httpx.AsyncClient, database: Database) -> None:
    await put(client, TREE)
    await changes(database)
    await put(client, TREE)
    await put(client, [unit("H44", name="Huế", name_en="Huế", kind="city")])
    assert await changes(database) == []
    await put(
        client,
        [unit("H10.1.a", "H10.2"), unit("H10.2", None, kind="district"), unit("H44", "H10")],
    )
    assert await changes(database) == [("unit", "H10.1.a"), ("unit", "H10.2"), ("unit", "H44")]


BEFORE = procedure("1.004946", duration={"value": 10, "unit": "working_day"})


async def described_anew(client: httpx.AsyncClient, field: dict[str, object]) -> None:
    await put(client, [{**BEFORE, **field}, procedure("other")], kind="procedures")


async def test_what_a_dossier_takes_from_its_procedure_touches_a_procedure_s_dossiers(
    client: httpx.AsyncClient, database: Database
) -> None:
    fields: list[dict[str, object]] = [
        {"duration": {"value": 11, "unit": "working_day"}},
        {"duration": {"value": 10, "unit": "calendar_day"}},
        {"duration": None},
        {"fee_stops_clock": True},
        {"sector": "construction"},
        {"service_level": "none"},
        {"fee_required": False},
        {"full_eligible": True},
        {"document_result": False},
    ]
    for field in fields:
        await described_anew(client, {})
        await changes(database)
        await described_anew(client, field)
        assert await changes(database) == [("procedure", "1.004946")], field


async def test_a_name_touches_no_dossier(client: httpx.AsyncClient, database: Database) -> None:
    await described_anew(client, {})
    await changes(database)
    fields: list[dict[str, object]] = [
        {},
        {"name": "Khác", "name_en": "Other"},
    ]
    for field in fields:
        await described_anew(client, field)
        assert await changes(database) == []


async def test_a_refused_write_leaves_no_change(client: httpx.AsyncClient, database: Database) -> None:
    answer = await client.put("/v1/units", json=[unit("A"), unit("B", "B")])
    assert answer.status_code == 422
    assert await changes(database) == []


async def test_changes_of_a_claim_that_fails_are_there_again_and_two_claimers_never_share_one(
    database: Database,
) -> None:
    everything = [("unit", f"u{number}") for number in range(5)]
    async with database.transaction() as connection:
        await queries.note_changes(connection, "unit", [code for _, code in everything], NOW)
        await queries.note_changes(connection, "unit", ["u0"], NOW)

    async def fail() -> None:
        async with database.transaction() as connection:
            assert await queries.claim_changes(connection) == everything
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await fail()
    async with database.transaction() as one, database.transaction() as other:
        first = await queries.claim_changes(one, limit=2)
        second = await asyncio.wait_for(queries.claim_changes(other), 10)
    assert first == everything[:2]
    assert second == [("unit", "u0"), *everything[2:]], "u0 was noted twice"
    assert await changes(database) == []
