"""Codes that dossiers name and nobody has described, with the dossiers that wait for each."""

from typing import Any

import httpx

from app.dossiers.projector import Projector
from app.kit.db import Database
from app.kit.deployment import Deployment
from tests.directory.makers import key, procedure, put, unit
from tests.dossiers.makers import fact, received
from tests.dossiers.test_projector import post


async def waiting(
    client: httpx.AsyncClient, query: str = "", headers: Any = None
) -> list[tuple[str, int, bool]]:
    answer = await client.get(f"/v1/directory/unknown?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [(one["code"], one["dossiers"], one["described"]) for one in answer.json()["items"]]


async def test_unknown_codes_are_listed_with_their_dossiers_until_they_are_described(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    await put(client, [unit("city"), unit("ward", "city")])
    await put(client, [procedure("1.000002", valid_from="2026-03-03")], kind="procedures")
    await post(client, received(unit="new"), code="D-1")
    await post(client, received(unit="new", procedure="1.000002.000.00.00.H61"), code="D-2")
    await post(client, received(unit="b"), code="D-3")
    await post(client, received(), fact("voided", "2026-03-02 10:00", reason="x"), code="D-4")
    await post(client, received(), code="D-5")
    projector = Projector(deployment)
    await projector.run_until_current()
    assert await waiting(client) == [("b", 1, False), ("new", 2, False)]
    procedures = [("1.000001", 3, False), ("1.000002", 1, True)]
    assert await waiting(client, "kind=procedure") == procedures
    limited = await key(database, "metrics:read", unit="city")
    assert await waiting(client, headers=limited) == []
    assert await waiting(client, "kind=procedure", limited) == [("1.000001", 1, False)]
    page = (await client.get("/v1/directory/unknown?kind=procedure&limit=1")).json()
    assert [one["code"] for one in page["items"]] == ["1.000001"]
    assert await waiting(client, f"kind=procedure&limit=1&cursor={page['next_cursor']}") == procedures[1:]

    await put(client, [unit("new", "city"), unit("b", "city")])
    await put(
        client,
        [procedure("1.000001"), procedure("1.000002", valid_from=None, valid_to="2026-03-02")],
        kind="procedures",
    )
    await projector.run_until_current()
    assert await waiting(client) == []
    assert await waiting(client, "kind=procedure") == []
    for wrong in ("kind=office", "cursor=AA", "limit=0"):
        assert (await client.get(f"/v1/directory/unknown?{wrong}")).status_code == 422
