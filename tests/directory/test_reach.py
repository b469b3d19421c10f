from typing import Any

import httpx
import pytest

from app.directory import queries
from app.directory.reach import subtree, visible_units
from app.keys.caller import Caller
from app.kit.db import Database
from app.kit.problems import Problem
from tests.directory.makers import NOW, TREE, Headers, key, put, unit

TODAY = NOW.date()
CITY = ["H10.1", "H10.1.a", "H10.1.b"]


@pytest.fixture
async def city(client: httpx.AsyncClient, database: Database) -> Headers:
    """A key limited to the city of the tree."""
    await put(client, TREE)
    return await key(database, "directory:write", "metrics:read", unit="H10.1")


async def test_subtrees_parents_and_names_are_read_from_the_structure(
    client: httpx.AsyncClient, database: Database
) -> None:
    await put(client, TREE)
    async with database.snapshot() as connection:
        assert sorted(await subtree(connection, "H10.1", TODAY)) == CITY
        assert (await subtree(connection, "H10.1", TODAY))[0] == "H10.1"
        assert await subtree(connection, "unknown", TODAY) == ["unknown"]
        found = await queries.structure(connection)
        tree = found.now(TODAY)
        assert sorted(found.below(["H10.1", "H10.1.a", "H44"], tree)) == [*CITY, "H44"]
        assert found.below([], tree) == []
        above = {entry["code"]: entry["parent"] for entry in TREE if entry["parent"]}
        assert tree == found.then(TODAY) == above
        names = await queries.names(connection, "unit", ["H44", "unknown"], TODAY)
        assert names == {"H44": ("Đơn vị H44", None)}


async def test_a_key_sees_its_unit_and_all_below_and_nothing_else(
    client: httpx.AsyncClient, database: Database
) -> None:
    await put(client, TREE)

    async def seen(limit: str | None, *asked: str) -> list[str] | None:
        caller = Caller("id", "name", frozenset({"metrics:read"}), limit)
        async with database.snapshot() as connection:
            found = await visible_units(connection, caller, asked, TODAY)
        return None if found is None else sorted(found)

    assert await seen(None) is None
    assert await seen(None, "H10.1") == CITY
    assert await seen(None, "H10.1", "H10.2") == [*CITY, "H10.2", "H10.2.a"]
    assert await seen(None, "unknown") == ["unknown"]
    assert await seen("H10.1") == CITY
    assert await seen("H10.1", "H10.1") == CITY
    assert await seen("H10.1", "H10.1.b", "H10.1.b") == ["H10.1.b"]
    assert await seen("unknown") == ["unknown"]
    for limit, asked in (
        ("H10.1", ["H10"]),
        ("H10.1", ["H10.2"]),
        ("H10.1", ["H10.1.a", "H44"]),
        ("H10.1", ["unknown"]),
        ("unknown", ["H10"]),
    ):
        with pytest.raises(Problem) as refused:
            await seen(limit, *asked)
        assert refused.value.kind == "forbidden"
        assert asked[-1] in refused.value.detail.en


async def test_a_limited_key_reads_its_part_of_the_directory(
    client: httpx.AsyncClient, city: Headers
) -> None:
    items = (await client.get("/v1/units", headers=city)).json()["items"]
    assert [item["code"] for item in items] == CITY
    items = (await client.get("/v1/units/tree", headers=city)).json()["items"]
    assert [item["code"] for item in items] == ["H10.1"]
    assert (await client.get("/v1/units/H10.1.a", headers=city)).status_code == 200
    for path in ("units/H10", "units/H10.2.a", "units/unknown", "units?unit=H10", "units/tree?unit=H44"):
        assert (await client.get(f"/v1/{path}", headers=city)).status_code == 403, path


async def test_a_limited_key_writes_inside_its_part_of_the_tree(
    client: httpx.AsyncClient, city: Headers
) -> None:
    allowed: dict[str, list[dict[str, Any]]] = {
        "rename one below": [unit("H10.1.a", "H10.1", name="Tên mới")],
        "rename itself": [unit("H10.1", "H10", name="Tên mới")],
        "add one below": [unit("H10.1.c", "H10.1")],
        "move one inside": [unit("H10.1.a.1", "H10.1.a"), unit("H10.1.b", "H10.1.a.1")],
    }
    for what, entries in allowed.items():
        assert sum((await put(client, entries, city)).values()) == len(entries), what


async def test_a_limited_key_writes_nothing_else(client: httpx.AsyncClient, city: Headers) -> None:
    forbidden: dict[str, list[dict[str, Any]]] = {
        "rename a foreign unit": [unit("H10.2.a", "H10.2", name="Tên mới")],
        "write its parent": [unit("H10", kind="province")],
        "add a root": [unit("new")],
        "add a foreign unit": [unit("new", "H10.2")],
        "add below the unknown": [unit("new", "nobody's")],
        "take a foreign unit in": [unit("H10.2.a", "H10.1")],
        "take a root in": [unit("H44", "H10.1")],
        "give a unit away": [unit("H10.1.a", "H10.2")],
        "make a unit a root": [unit("H10.1.a")],
        "move itself": [unit("H10.1", "H44")],
        "make itself a root": [unit("H10.1")],
        "one inside, one outside": [unit("H10.1.a", "H10.1"), unit("new", "H10")],
        "take its own parent in": [unit("H10", "H10.1")],
        "take in what foreign units already name as their parent": [unit("nobody's", "H10.1")],
    }
    await put(client, [unit("lost", "nobody's")])
    before = (await client.get("/v1/units")).json()
    for what, entries in forbidden.items():
        answer = await client.put("/v1/units", json=entries, headers=city)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden"), what
    assert (await client.get("/v1/units")).json() == before


async def test_every_route_needs_its_scope(client: httpx.AsyncClient, database: Database) -> None:
    unit_body = {"name": "x", "kind": "ward"}
    procedure_body = {"name": "x", "sector": "x", "service_level": "full", "fee_required": True}
    keys = {scope: await key(database, scope) for scope in ("directory:write", "metrics:read")}
    routes: list[tuple[str, str, Any, str]] = [
        ("PUT", "units", [], "directory:write"),
        ("PUT", "units/A", unit_body, "directory:write"),
        ("PUT", "procedures", [], "directory:write"),
        ("PUT", "procedures/A", procedure_body, "directory:write"),
        ("GET", "units", None, "metrics:read"),
        ("GET", "units/tree", None, "metrics:read"),
        ("GET", "units/A", None, "metrics:read"),
        ("GET", "procedures", None, "metrics:read"),
        ("GET", "procedures/A", None, "metrics:read"),
    ]
    for method, path, body, needed in routes:
        for scope, headers in {**keys, "none": {"Authorization": ""}}.items():
            answer = await client.request(method, f"/v1/{path}", json=body, headers=headers)
            expected = {needed: 200, "none": 401}.get(scope, 403)
            assert answer.status_code == expected, (method, path, scope)
