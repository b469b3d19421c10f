"""kill -9 of the worker and of the database while webhooks go out: every message arrives, in order where asked."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from app.kit.db import Database, is_away
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.main import create_app
from app.settings import Settings
from tests.conftest import KEY
from tests.kit.postgres_makers import fresh_place
from tests.webhooks.makers import put, registered, states
from tests.webhooks.receivers import Receiver, receiver, status

UNITS = ("H10.1", "H10.2", "H10.3")
A_ROUND = 15

# The product's own loop, but a lease that the next round need not wait a minute for, and a loop that outlives errors.
WORKER = """
import asyncio, datetime, sys
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings
from app.webhooks import dispatcher
from app.webhooks.sender import HttpSender

dispatcher.LEASE = datetime.timedelta(seconds=1)

async def main():
    settings = Settings(_env_file=None, data_dir=sys.argv[2], webhook_allow_networks="127.0.0.0/8")
    here = Deployment(settings, Database(sys.argv[1], application_name="doomed"))
    await dispatcher.Dispatcher(here, HttpSender(allow=settings.webhook_allow_networks)).run(asyncio.Event())

asyncio.run(main())
"""


@pytest.fixture
async def own_server() -> AsyncIterator[tuple[str, Path]]:
    """A server and a folder of this test alone: it is going to be killed. Commits are durable, as in production."""
    with fresh_place() as place:
        server = await asyncio.to_thread(EmbeddedPostgres.open, place / "data")
        try:
            database = Database(server.dsn, application_name="tests")
            await upgrade(database)
            await database.close()
            yield server.dsn, place
        finally:
            await asyncio.to_thread(server.close)


class Rounds:
    """Messages put for two endpoints, while the worker or the database is killed at random points."""

    def __init__(self, here: Deployment, place: Path, receivers: list[Receiver], seed: int) -> None:
        self._here = here
        assert here.settings.database_url is not None
        self._dsn = here.settings.database_url.get_secret_value()
        self._place = place
        self._receivers = receivers
        self._random = Random(seed)  # noqa: S311 - repeatable, guards nothing
        self.put: list[tuple[str, str]] = []

    async def one(self, number: int) -> None:
        worker = await self._worker()
        try:
            heard = len(self._receivers[0].requests)
            for _ in range(A_ROUND):
                await self._put(self._random.choice(UNITS))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._receivers[0].until(heard + self._random.randint(1, A_ROUND))
            if number % 2:
                await self._kill_a_backend()
                await asyncio.sleep(self._random.uniform(0, 0.3))
        finally:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()

    async def all_arrive(self) -> None:
        worker = await self._worker()
        try:
            async with asyncio.timeout(90):
                while not await self._all_delivered():  # noqa: ASYNC110 - a table tells no event
                    await asyncio.sleep(0.2)
        finally:
            worker.kill()
            await worker.wait()

    async def _all_delivered(self) -> bool:
        try:
            return set(await states(self._here)) == {"delivered"}
        except Exception as error:
            if not is_away(error):
                raise
            return False

    async def _worker(self) -> asyncio.subprocess.Process:
        words = (sys.executable, "-c", WORKER, self._dsn, str(self._place))
        return await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)

    async def _put(self, unit: str) -> None:
        """Until it is committed: what broke off in between may or may not be there, and is not counted."""
        while True:
            try:
                self.put.append((unit, await put(self._here, unit)))
            except Exception as error:
                if not is_away(error):
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def _kill_a_backend(self) -> None:
        """PostgreSQL takes the death of one backend for a crash: it ends all others and recovers from its log."""
        connection = await asyncpg.connect(self._dsn)
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=1)


async def _killed(own_server: tuple[str, Path], rounds: int) -> None:
    dsn, place = own_server
    settings = Settings(
        _env_file=None,
        database_url=dsn,
        data_dir=place,
        bootstrap_key=KEY,
        webhook_allow_networks=["127.0.0.0/8"],
    )
    here = Deployment(settings, Database(dsn, application_name="tests"))
    try:
        await _through(here, place, rounds)
    finally:
        await here.database.close()  # a server waits for its clients before it ends


async def _through(here: Deployment, place: Path, rounds: int) -> None:
    transport = httpx.ASGITransport(app=create_app(here))
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        receiver(status(204)) as plain,
        receiver(status(204)) as ordered,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client,
    ):
        await registered(client, plain.url)
        await registered(client, ordered.url, ordered=True)
        running = Rounds(here, place, [plain, ordered], seed=rounds)
        for number in range(rounds):
            await running.one(number)
        await running.all_arrive()
        for at in (plain, ordered):
            assert {message for _, message in running.put} <= set(at.ids)
        await _in_order(here, ordered)


async def _in_order(here: Deployment, ordered: Receiver) -> None:
    """Of each unit no message came after a later one: one that came twice came twice in a row."""
    async with here.database.snapshot() as connection:
        rows = await connection.execute(
            sa.text("SELECT 'msg_' || replace(id::text, '-', ''), seq, unit FROM message")
        )
        known = {identifier: (unit, seq) for identifier, seq, unit in rows}
    for unit in UNITS:
        came = [known[identifier][1] for identifier in ordered.ids if known[identifier][0] == unit]
        assert came == sorted(came)


async def test_every_message_arrives_although_worker_and_database_are_killed_in_turn(
    own_server: tuple[str, Path],
) -> None:
    await _killed(own_server, 4)


@pytest.mark.soak
async def test_every_message_arrives_although_worker_and_database_are_killed_a_hundred_times(
    own_server: tuple[str, Path],
) -> None:
    await _killed(own_server, 100)
