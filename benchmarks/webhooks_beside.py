"""What one ill endpoint costs the others: deliveries to an endpoint that answers, alone and beside one that does not.

The goal (P7) is less than 5 % in deliveries a second. As these swing by more than that from run to run on a machine that others
use, and a neighbour's work can only make a run slower, the fastest runs are compared; the processor time of worker and database is told
beside it, and so is what comes out where both runs are alike.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Final, NamedTuple
from unittest.mock import patch

import psutil  # type: ignore[import-untyped]  # its release carries no types
import sqlalchemy as sa

from app.kit.deployment import Deployment
from app.webhooks import dispatcher, outbox
from app.webhooks.sender import HttpSender
from app.webhooks.tables import delivery, endpoint
from benchmarks.receiving import DATA, deployment, receiver, register
from tests.webhooks import receivers

ALONE: Final = "nobody"
BEHAVIOURS: Final = {
    "a_dead_endpoint": receivers.hang,
    "a_failing_endpoint": receivers.status(500),
    "a_trickling_endpoint": receivers.trickle,
    "a_flooding_endpoint": receivers.flood,
}
REFUSING: Final = "a_refusing_endpoint"
KINDS: Final = (*BEHAVIOURS, REFUSING, ALONE)


class Spent(NamedTuple):
    """On so many deliveries at the endpoint that answers: seconds, and processor seconds of worker and database."""

    seconds: float
    work: float


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - as every benchmark
    return asyncio.run(_measured(300, 1) if quick else _measured(3_000, 4))


async def _measured(count: int, rounds: int) -> dict[str, float]:
    alone: dict[str, list[Spent]] = {kind: [] for kind in KINDS}
    beside: dict[str, list[Spent]] = {kind: [] for kind in KINDS}
    with receiver() as port, _ill() as urls, patch.object(dispatcher, "_STOP_SECONDS", 0.0):
        async with deployment() as here:
            await register(here, f"http://127.0.0.1:{port}/", unit=ALONE)
            for kind, url in urls.items():
                await register(here, url, unit=kind)
            await _put(here, count)
            for _ in range(rounds):
                for kind in KINDS:
                    # There and back again, so that what a neighbour does and what grows with time falls on both alike.
                    for at, with_whom in ((alone, ALONE), (beside, kind), (beside, kind), (alone, ALONE)):
                        at[kind].append(await _delivered(here, with_whom))
    return {
        f"{what}_beside_{kind}".removeprefix("speed_"): min(spent[place] for spent in alone[kind])
        / min(spent[place] for spent in beside[kind])
        for kind in KINDS
        for place, what in enumerate(("speed", "work"))
    }


async def _put(here: Deployment, count: int) -> None:
    """So many messages, each of which every endpoint hears."""
    async with here.database.transaction() as connection:
        for _ in range(count):
            await outbox.put(
                connection, type="unit.lagging", unit=ALONE, lineage=KINDS, data=DATA, now=here.clock()
            )


# As if nothing had ever been sent, and nobody but these two heard of it.
_AGAIN: Final = (
    "TRUNCATE delivery, attempt",
    "UPDATE endpoint SET failing_since = NULL WHERE failing_since IS NOT NULL",
    """
    INSERT INTO delivery (endpoint, message, lane, state, attempts, next_attempt_at)
    SELECT endpoint.id, message.seq, '', 'pending', 0, now()
    FROM message CROSS JOIN endpoint
    WHERE endpoint.unit IN (:alone, :beside)
    ORDER BY message.seq, endpoint.id
    """,
)


async def _delivered(here: Deployment, beside: str) -> Spent:
    """What it takes to deliver all to the endpoint that answers, while `beside` is to hear the same."""
    async with here.database.transaction() as connection:
        for statement in _AGAIN:
            text = sa.text(statement)
            given = {"alone": ALONE, "beside": beside}
            await connection.execute(text, {name: given[name] for name in text.compile().params})
    sender = HttpSender(allow=here.settings.webhook_allow_networks)
    began, worked = time.perf_counter(), _worked(here)
    running = asyncio.create_task(dispatcher.Dispatcher(here, sender).run(asyncio.Event()))
    try:
        while await _waits(here):  # noqa: ASYNC110 - it is the table that tells
            await asyncio.sleep(0.02)
        return Spent(time.perf_counter() - began, _worked(here) - worked)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sender.close()


async def _waits(here: Deployment) -> bool:
    """Whether the endpoint that answers has anything left to hear."""
    waiting = sa.select(delivery).join_from(delivery, endpoint)
    chosen = waiting.where(endpoint.c.unit == ALONE, delivery.c.state == "pending")
    async with here.database.snapshot() as connection:
        return bool(await connection.scalar(sa.select(chosen.exists())))


def _worked(here: Deployment) -> float:
    """Processor seconds of this process and of the server's, until now."""
    note = here.settings.data_dir / "database" / "postmaster.pid"
    server = psutil.Process(int(note.read_text().splitlines()[0]))
    times = [process.cpu_times() for process in server.children()]
    return time.process_time() + sum((spent.user + spent.system for spent in times), 0.0)


@contextmanager
def _ill() -> Iterator[dict[str, str]]:
    """The addresses of receivers in a process of their own that do what they should not, and of none at all."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_misbehave, args=(its,), daemon=True)
    process.start()
    yield ours.recv() | {REFUSING: "http://127.0.0.1:1/"}
    process.kill()
    process.join()


def _misbehave(parent: Connection) -> None:
    asyncio.run(_misbehave_for_ever(parent))


async def _misbehave_for_ever(parent: Connection) -> None:
    async with AsyncExitStack() as stack:
        ats = {
            kind: await stack.enter_async_context(receivers.receiver(how)) for kind, how in BEHAVIOURS.items()
        }
        parent.send({kind: at.url for kind, at in ats.items()})
        await asyncio.Event().wait()
