"""What the benchmarks of webhooks stand on: a deployment of their own, a message, and a receiver in another process.

It measures nothing.
"""

import asyncio
import multiprocessing
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.settings import Settings
from app.webhooks import queries, signing, vault

DATA: Final[dict[str, Any]] = {
    "unit": {"code": "H10.1", "name": "UBND phường Mũi Né"},
    "metric": "on_time",
    "numerator": 951,
    "denominator": 1003,
    "rate": 0.948156,
    "procedures": [{"code": f"1.00494{digit}", "late": digit} for digit in range(5)],
}
"""What a message says."""


@asynccontextmanager
async def deployment() -> AsyncIterator[Deployment]:
    """A deployment on an embedded PostgreSQL with durable commits, which may send to this machine."""
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


async def register(here: Deployment, url: str, *, unit: str | None) -> None:
    """An endpoint of a unit, or of all."""
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


@contextmanager
def receiver() -> Iterator[int]:
    """The port of a receiver in a process of its own that answers 204 as fast as it can."""
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
