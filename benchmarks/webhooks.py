"""Webhook deliveries per second against a bare httpx loop of the same concurrency, and what a dead endpoint costs others.

Goals (P7): at least 0.7 of the loop; less than 5 % slower beside an endpoint that hangs. Everything is real: an
embedded PostgreSQL with durable commits, and a receiver in a process of its own.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import sqlalchemy as sa

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.settings import Settings
from app.webhooks import outbox, queries, signing, vault
from app.webhooks.dispatcher import SHARE, Dispatcher
from app.webhooks.sender import HttpSender
from app.webhooks.tables import delivery

ROUNDS: Final = 5
DATA: Final[dict[str, Any]] = {
    "unit": {"code": "H10.1", "name": "UBND phường Mũi Né"},
    "metric": "on_time",
    "numerator": 951,
    "denominator": 1003,
    "rate": 0.948156,
    "procedures": [{"code": f"1.00494{digit}", "late": digit} for digit in range(5)],
}


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    return asyncio.run(_measured(500 if quick else 5_000))


async def _measured(count: int) -> dict[str, float]:
    bare, ours, beside = [], [], []
    with _receiver() as port:
        async with _deployment() as here:
            await _register(here, f"http://127.0.0.1:{port}/", unit="alive")
            await _register(here, await _hanging(), unit="dead")
            for _ in range(ROUNDS):
                # In turns, so that a neighbour's work falls on all three alike.
                bare.append(await _bare(count, f"http://127.0.0.1:{port}/"))
                ours.append(await _delivered(here, count))
                beside.append(await _delivered(here, count, dead=count))
    return {
        "bare_httpx_per_second": median(bare),
        "delivered_per_second": median(ours),
        "ratio": median(mine / its for mine, its in zip(ours, bare, strict=True)),
        "beside_a_dead_endpoint": median(mine / alone for mine, alone in zip(beside, ours, strict=True)),
    }


async def _bare(count: int, url: str) -> float:
    body = signing.body(type="unit.lagging", timestamp=Deployment.clock(), data=DATA)
    left = iter(range(count))

    async def post(client: httpx.AsyncClient) -> None:
        for _ in left:
            answer = await client.post(url, content=body, headers={"content-type": "application/json"})
            answer.raise_for_status()

    async with httpx.AsyncClient() as client:
        began = time.perf_counter()
        await asyncio.gather(*(post(client) for _ in range(SHARE)))
        return count / (time.perf_counter() - began)


async def _delivered(here: Deployment, count: int, *, dead: int = 0) -> float:
    """Deliveries per second at the endpoint that answers, from the first look to the last record."""
    async with here.database.transaction() as connection:
        await connection.execute(sa.delete(delivery))
        for unit in ["dead"] * dead + ["alive"] * count:
            await outbox.put(
                connection, type="unit.lagging", unit=unit, lineage=[unit], data=DATA, now=here.clock()
            )
    sender = HttpSender(allow=here.settings.webhook_allow_networks)
    stop = asyncio.Event()
    began = time.perf_counter()
    running = asyncio.create_task(Dispatcher(here, sender).run(stop))
    try:
        while await _delivered_so_far(here) < count:  # noqa: ASYNC110 - it is the table that tells
            await asyncio.sleep(0.05)
        return count / (time.perf_counter() - began)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sender.close()


async def _delivered_so_far(here: Deployment) -> int:
    async with here.database.snapshot() as connection:
        counted = sa.select(sa.func.count()).where(delivery.c.state == "delivered")
        return await connection.scalar(counted) or 0


@asynccontextmanager
async def _deployment() -> AsyncIterator[Deployment]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        database = Database(postgres.dsn, application_name="benchmark")
        await upgrade(database)
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            webhook_allow_networks=["127.0.0.0/8"],
        )
        yield Deployment(settings, database)
        await database.close()


async def _register(here: Deployment, url: str, *, unit: str) -> None:
    async with here.database.transaction() as connection:
        await queries.add(
            connection,
            {
                "id": uuid7(here.clock()),
                "url": url,
                "unit": unit,
                "description": "",
                "ordered": False,
                "secret": vault.cipher(here.settings).encrypt(signing.new_secret().encode()),
                "created_at": here.clock(),
                "created_by": "benchmark",
            },
        )


async def _hanging() -> str:
    """A port that takes connections and says nothing."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@contextmanager
def _receiver() -> Iterator[int]:
    ours, its = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_receive, args=(its,), daemon=True)
    process.start()
    yield ours.recv()
    process.kill()
    process.join()


def _receive(parent: Connection) -> None:
    asyncio.run(_receive_for_ever(parent))


async def _receive_for_ever(parent: Connection) -> None:
    server = await asyncio.start_server(_take, "127.0.0.1", 0)
    parent.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    except asyncio.IncompleteReadError:
        writer.close()
