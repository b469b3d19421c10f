"""kill -9 of workers and of the database while webhooks go out, some of them to receivers that do all that receivers do.

Every message arrives under one id and with one body, in order where asked, and a worker that outlives it all, and that is
stopped for longer than its lease now and then, stays small.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil  # type: ignore[import-untyped]  # its release carries no types
import pytest
import sqlalchemy as sa

from app.kit.db import Database, is_away
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.main import create_app
from app.settings import Settings
from tests.conftest import KEY
from tests.faults.doomed import LEASE
from tests.kit.postgres_makers import fresh_place, kill_server
from tests.webhooks.makers import put, registered, undelivered
from tests.webhooks.receivers import (
    Behaviour,
    Receiver,
    close_early,
    close_inside,
    flood,
    flood_headers,
    hang,
    receiver,
    status,
    trickle,
)

UNITS = ("H10.1", "H10.2", "H10.3")
A_ROUND = 15
STOPPED_EVERY = 5
"""Rounds from one stop of the survivor to the next."""

SETTLING_IN = 30
"""Rounds after which a worker's memory is expected to grow no more."""

MIB = 2**20
T = TypeVar("T")


@pytest.fixture
async def own_server() -> AsyncIterator[tuple[EmbeddedPostgres, Path]]:
    """A server and a folder of this test alone: it is going to be killed. Commits are durable, as in production."""
    with fresh_place() as place:
        server = await asyncio.to_thread(EmbeddedPostgres.open, place / "data")
        try:
            database = Database(server.dsn, application_name="tests")
            await upgrade(database)
            await database.close()
            yield server, place
        finally:
            await asyncio.to_thread(server.close)


class Workers:
    """Forks workers and kills them."""

    def __init__(self, nursery: asyncio.subprocess.Process) -> None:
        self._nursery = nursery

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, dsn: str, place: Path) -> "AsyncIterator[Workers]":
        nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.doomed", dsn, str(place)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield cls(nursery)
        finally:
            assert nursery.stdin is not None
            nursery.stdin.close()
            await nursery.wait()

    async def born(self) -> psutil.Process:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(b"\n")
        return psutil.Process(int(await self._nursery.stdout.readline()))


def chaos(random: Random, healed: asyncio.Event) -> Behaviour:
    """Now this, now that, until it is healed; the redirect leads to the receiver itself, and would be seen there."""
    ill: list[Behaviour] = [
        *(hang, trickle, flood, flood_headers, close_early, close_inside),
        *(status(500), status(503, "Retry-After: nonsense"), status(429, "Retry-After: 1")),
        *(status(204), status(200, body=b"x" * 100_000), status(204)),
    ]

    async def behave(at: Receiver, writer: asyncio.StreamWriter) -> None:
        redirect = status(302, f"Location: {at.url}/elsewhere")
        how = status(204) if healed.is_set() else random.choice([*ill, redirect])
        await how(at, writer)

    return behave


def closed_down(closing: asyncio.Event, healed: asyncio.Event) -> Behaviour:
    """410 from its closing until it is opened again, some of them so slowly that they come after that."""

    async def behave(at: Receiver, writer: asyncio.StreamWriter) -> None:
        is_gone = closing.is_set() and not healed.is_set()
        if is_gone and len(at.requests) % 3:
            await asyncio.sleep(0.3)
        await status(410 if is_gone else 204)(at, writer)

    return behave


class Rounds:
    """Messages are put and delivered, while workers and the database are killed at random points."""

    def __init__(
        self,
        here: Deployment,
        server: EmbeddedPostgres,
        workers: Workers,
        survivor: psutil.Process,
        random: Random,
    ) -> None:
        self._here = here
        self._server = server
        self._workers = workers
        self._survivor = survivor
        self._random = random
        self.put: list[str] = []

    async def one(self, number: int, at: Receiver) -> None:
        """A worker is born and dies, with the database in every other round, after `at` has heard a few messages."""
        worker = await self._workers.born()
        stopping = asyncio.create_task(self._stop_the_survivor()) if number % STOPPED_EVERY == 2 else None
        heard = len(at.requests) + self._random.randint(1, A_ROUND)
        putting = asyncio.create_task(self.put_some())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await at.until(heard)
        await asyncio.sleep(self._random.uniform(0, 0.05))
        if number % 2:
            await self._kill_the_database(whole=number % 4 == 3)
            await asyncio.sleep(self._random.uniform(0, 0.3))
        worker.kill()  # raises if it had not lived until now
        await asyncio.to_thread(self._server.ensure_running)
        await putting
        if stopping:
            await stopping

    async def _stop_the_survivor(self) -> None:
        """For longer than its lease, wherever it is: others send what it had claimed."""
        await asyncio.sleep(self._random.uniform(0, 0.3))
        self._survivor.suspend()
        try:
            await asyncio.sleep(1.25 * LEASE.total_seconds())
        finally:
            self._survivor.resume()

    async def put_some(self) -> None:
        """A few messages of any unit."""
        for _ in range(A_ROUND):
            unit = self._random.choice(UNITS)
            # Until it is committed: what broke off in between may or may not be there, and is not counted.
            self.put.append(await outliving(partial(put, self._here, unit)))

    async def _kill_the_database(self, *, whole: bool) -> None:
        """All of it; or one backend, which PostgreSQL takes for a crash: it ends all others and recovers from its log."""
        if whole:
            await asyncio.to_thread(kill_server, self._here.settings.data_dir / "data", self._server)
            return
        connection = await asyncpg.connect(self._server.dsn)
        os.kill(await connection.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=1)

    async def all_delivered(self) -> None:
        """Wait until nothing else is left; when half a minute delivers nothing, tell what is left, and all that is known of it."""
        fewest, since = sys.maxsize, monotonic()
        while left := await outliving(lambda: undelivered(self._here)):
            if len(left) < fewest:
                fewest, since = len(left), monotonic()
            assert monotonic() < since + 30, "\n".join(["undelivered:", *left])
            await asyncio.sleep(0.2)


async def outliving(what: Callable[[], Awaitable[T]]) -> T:
    """Try until the database is there."""
    while True:
        try:
            return await what()
        except Exception as error:
            if not is_away(error):
                raise
        await asyncio.sleep(0.1)


async def asked(client: httpx.AsyncClient, method: str, path: str, **body: object) -> Any:
    """What the route answers once the database is there."""
    while (answer := await client.request(method, path, json=body or None)).status_code == 503:  # noqa: ASYNC110 - an outage tells no event
        await asyncio.sleep(0.1)
    assert answer.is_success, answer.text
    return answer.json()


async def _killed(own_server: tuple[EmbeddedPostgres, Path], rounds: int) -> list[int]:
    """Through so many rounds; the memory after each, in bytes, of a worker that outlives them."""
    server, place = own_server
    settings = Settings(
        _env_file=None,
        database_url=server.dsn,
        data_dir=place,
        bootstrap_key=KEY,
        webhook_allow_networks=["127.0.0.0/8"],
    )
    here = Deployment(settings, Database(server.dsn, application_name="tests"))
    try:
        return await _through(here, server, place, rounds)
    finally:
        await here.database.close()  # a server waits for its clients before it ends


async def _through(here: Deployment, server: EmbeddedPostgres, place: Path, rounds: int) -> list[int]:
    transport = httpx.ASGITransport(app=create_app(here))
    headers = {"Authorization": f"Bearer {KEY}"}
    random = Random(rounds)  # noqa: S311 - repeatable, guards nothing
    closing, healed, began = asyncio.Event(), asyncio.Event(), datetime.now(UTC)
    async with (
        receiver() as plain,
        receiver() as ordered,
        receiver(chaos(random, healed)) as ill,
        receiver(chaos(random, healed)) as ill_ordered,
        receiver(closed_down(closing, healed)) as gone,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client,
        Workers.of(server.dsn, place) as workers,
    ):
        survivor = await workers.born()
        running = Rounds(here, server, workers, survivor, random)
        for at in (plain, ill):
            await registered(client, at.url)
        for at in (ordered, ill_ordered):
            await registered(client, at.url, ordered=True)
        left = f"/v1/webhooks/{(await registered(client, gone.url))['id']}"
        memory = []
        for number in range(rounds):
            await running.one(number, plain)
            memory.append(survivor.memory_info().rss)
        closing.set()  # so late that attempts are under way when it is opened again
        await running.put_some()
        async with asyncio.timeout(30):
            while (await asked(client, "GET", left))["disabled_reason"] != "gone":  # noqa: ASYNC110 - a route tells no event
                await asyncio.sleep(0.01)
        healed.set()
        await asked(client, "PATCH", left, enabled=True)
        await asked(client, "POST", f"{left}/replay", since=began.isoformat())
        await running.all_delivered()
        assert survivor.is_running()
        bodies = defaultdict(set)
        for at in (plain, ordered, ill, ill_ordered, gone):
            assert set(running.put) <= set(at.ids)
            for request in at.requests:
                bodies[request.id].add(request.body)
        assert {len(found) for found in bodies.values()} == {1}
        await _in_order(here, ordered)
        await _in_order(here, ill_ordered)
    return memory


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
    own_server: tuple[EmbeddedPostgres, Path],
) -> None:
    await _killed(own_server, 4)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_every_message_arrives_although_worker_and_database_are_killed_a_hundred_times(
    own_server: tuple[EmbeddedPostgres, Path],
) -> None:
    memory = await _killed(own_server, 100)
    early, late = median(memory[SETTLING_IN : SETTLING_IN + 10]), median(memory[-10:])
    print(f"resident: {early / MIB:.1f} MiB after {SETTLING_IN} rounds, {late / MIB:.1f} at the end")  # noqa: T201
    assert late < early + 8 * MIB
