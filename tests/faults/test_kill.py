"""kill -9 while events pour in: every acknowledged event is in the log, once, and what is derived equals it."""

import asyncio
import itertools
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from app.events.tables import event
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.ops.proof import verify
from tests.events.makers import received
from tests.processes import serving

CLIENTS = 32


@pytest.mark.parametrize(
    "posts", [pytest.param(600, id="short"), pytest.param(2_000, id="long", marks=pytest.mark.soak)]
)
async def test_no_acknowledged_event_is_lost_when_the_server_is_killed_under_load(
    database_url: str, database: Database, deployment: Deployment, tmp_path: Path, posts: int
) -> None:
    acknowledged: set[str] = set()
    numbers = itertools.count()
    with serving(database_url, tmp_path, log_level="error") as served:

        async def post(client: httpx.AsyncClient) -> None:
            for number in numbers:
                if number >= posts:
                    return
                made = received(f"H{number}")
                try:
                    answer = await client.post("/v1/events", json=made)
                except httpx.TransportError:
                    return  # killed: nothing was said about this one
                assert answer.status_code == 202
                acknowledged.add(made["id"])
                if len(acknowledged) == posts // 2:
                    served.kill()

        async with served.client() as client:
            await asyncio.gather(*(post(client) for _ in range(CLIENTS)))

    assert posts // 2 <= len(acknowledged) < posts
    async with database.transaction() as connection:
        stored = list((await connection.scalars(sa.select(event.c.id))).all())
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)

    with serving(database_url, tmp_path, log_level="error") as served:
        async with served.client() as client:
            again = await client.post("/v1/events", json=received("after"), headers={"Prefer": "wait=30"})
            assert again.headers["preference-applied"] == "wait"
            counts = await client.get("/v1/metrics/counts", params={"period": "2026-01"})
            assert counts.json()["total"]["received"] == len(stored) + 1
    verdict = await verify(deployment, lambda _done, _total: None)
    assert (verdict.different, verdict.checked) == (0, len(stored) + 1)
