"""On a whole city a preview is what happens, dossier by dossier, and events that come meanwhile are lost to nobody."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.dossiers.projector import Projector
from app.dossiers.schemas import DossierRow
from app.dossiers.tables import dossier
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.main import create_app
from app.ops.proof import verify
from app.settings import Settings
from tests.conftest import KEY
from tests.dossiers.city import NOW, VERSION, ZONE, describe, events, send

PATH = "/v1/calendars/vn/versions/2"

how_large = pytest.mark.parametrize(
    ("days", "copies", "least"),
    [
        pytest.param(95, 2, 3_000, id="short"),
        pytest.param(365, 28, 100_000, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)


@pytest.fixture
def here(settings: Settings, database: Database) -> Deployment:
    return Deployment(settings.model_copy(update={"calendar": "vn"}), database, lambda: NOW)


@pytest.fixture
async def client(here: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(here))
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as made:
        yield made


async def rows(database: Database) -> dict[str, dict[str, Any]]:
    async with database.snapshot() as connection:
        found = await connection.execute(sa.select(dossier))
        return {row["code"]: dict(row) for row in found.mappings()}


async def previewed(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    total: int | None = None
    asked: dict[str, Any] = {"limit": 1000}
    while True:
        told = (await client.get(f"{PATH}/preview", params=asked)).json()
        found |= {item["code"]: item for item in told["items"]}
        if told["total"] is not None:
            total = told["total"]["dossiers"]
            assert total == sum(unit["dossiers"] for unit in told["units"])
        if told["next_cursor"] is None:
            assert len(found) == total
            return found
        asked["cursor"] = told["next_cursor"]


def slip(row: dict[str, Any]) -> tuple[str | None, str | None]:
    shown = DossierRow.of({**row, "verdict": None}, ZONE)
    return shown.due_original, shown.due_current


@how_large
async def test_a_preview_is_what_happens_to_a_whole_city(
    client: httpx.AsyncClient, here: Deployment, database: Database, days: int, copies: int, least: int
) -> None:
    await describe(here)
    await send(here, events(days, copies))
    await Projector(here).run_until_current()
    before = await rows(database)
    assert len(before) >= least

    assert (await client.put(PATH, json=VERSION)).status_code == 200
    told = await previewed(client)
    assert (await client.post(f"{PATH}/put-in-force")).status_code == 200
    # New dossiers come while the change is taken up, and two workers share the work.
    more = send(here, events(min(days, 60), 1, since=copies))
    await asyncio.gather(more, *(Projector(here).run_until_current() for _ in range(2)))
    await Projector(here).run_until_current()
    after = await rows(database)

    changed = {code for code, row in before.items() if row != after[code]}
    assert changed == set(told)
    assert len(before) / 100 < len(changed) < len(before) / 2
    for code, item in told.items():
        columns = {name for name, value in before[code].items() if value != after[code][name]}
        assert columns == set(item["changes"]), code
        for row, shown in ((before[code], item["before"]), (after[code], item["after"])):
            assert (shown["due_original"], shown["due_current"]) == slip(row)
            if row["outcome"] is not None:
                assert shown["verdict"] == row["outcome"]
    assert len(after) > len(before)
    proof = await verify(here, lambda *_: None)
    assert (proof.checked, proof.pending, proof.differences) == (len(after), 0, [])
