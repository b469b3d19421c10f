"""A version of a calendar over a whole city: how long its preview takes, and how long until it has taken effect.

The goal is less than a minute on 100,000 dossiers, beside ingest that goes on: a sender posts all the while, and how long
its slowest batch took is told beside that of a sender alone. Everything is real: HTTP, a worker, durable commits.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import sqlalchemy as sa

from app.dossiers.projector import Projector
from app.dossiers.tables import dossier
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.logs import configure
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.main import create_app
from app.settings import Settings
from tests.dossiers.city import NOW, VERSION, describe, events, send

KEY: Final = "benchmark-key-of-a-city"
PATH: Final = "/v1/calendars/vn/versions/2"
BATCH: Final = 200
REST: Final = 0.1
JSON: Final = {"Content-Type": "application/json"}


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    configure("warning", "console")  # a line a request would be measured too
    return asyncio.run(_measured(2 if quick else 28))


async def _measured(copies: int) -> dict[str, float]:
    async with _city(copies) as (here, client):
        alone = await _sending(client, asyncio.sleep(5), copies)
        (await client.put(PATH, json=VERSION)).raise_for_status()
        begin = time.perf_counter()
        told = (await client.get(f"{PATH}/preview")).raise_for_status().json()
        previewed = time.perf_counter() - begin
        (await client.post(f"{PATH}/put-in-force")).raise_for_status()
        beside = await _sending(client, Projector(here).run_until_current(), copies + 1)
        left = (await client.get(f"{PATH}/preview")).raise_for_status().json()["total"]["dossiers"]
        if left:
            raise RuntimeError(f"{left} dossiers still differ")
        async with here.database.snapshot() as connection:
            count = await connection.scalar(sa.select(sa.func.count()).select_from(dossier))
    return {
        "dossiers": float(count or 0),
        "dossiers_changed": float(told["total"]["dossiers"]),
        "preview_seconds": previewed,
        "effective_after_seconds": beside.seconds,
        "slowest_batch_alone_seconds": max(alone.batches),
        "slowest_batch_meanwhile_seconds": max(beside.batches),
        "events_taken_in_meanwhile": float(len(beside.batches) * BATCH),
    }


class Sent(NamedTuple):
    """How long the work took beside which batches were sent, and how long each of them."""

    seconds: float
    batches: list[float]


async def _sending(client: httpx.AsyncClient, work: Coroutine[Any, Any, Any], copy: int) -> Sent:
    """Post batch after batch until some work is done."""

    async def timed() -> float:
        begin = time.perf_counter()
        await work
        return time.perf_counter() - begin

    more, batches = events(365, 1, since=copy), []
    working = asyncio.create_task(timed())
    while not working.done():
        batch = json.dumps(list(islice(more, BATCH)))
        begin = time.perf_counter()
        (await client.post("/v1/events", content=batch, headers=JSON)).raise_for_status()
        batches.append(time.perf_counter() - begin)
        await asyncio.sleep(REST)
    return Sent(await working, batches)


@asynccontextmanager
async def _city(copies: int) -> AsyncIterator[tuple[Deployment, httpx.AsyncClient]]:
    """A folded city on a clock that runs from its present on, and a client of its API."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        database = Database(postgres.dsn, application_name="benchmark")
        await upgrade(database)
        settings = Settings(_env_file=None, data_dir=Path(folder), bootstrap_key=KEY)
        here = Deployment(settings, database, lambda: NOW + timedelta(seconds=time.monotonic() - begin))
        await describe(here)
        await send(here, events(365, copies))
        await Projector(here).run_until_current()
        transport = httpx.ASGITransport(app=create_app(here))
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://bench", headers=headers, timeout=600
        ) as client:
            yield here, client
        await database.close()
