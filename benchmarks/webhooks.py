"""Webhook deliveries per second against a bare httpx loop of the same concurrency.

The goal (P7) is at least 0.7 of the loop. Everything is real: an embedded PostgreSQL with durable commits, and a receiver in a
process of its own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Final

import httpx
import sqlalchemy as sa

from app.kit.deployment import Deployment
from app.webhooks import outbox, signing
from app.webhooks.dispatcher import SHARE, Dispatcher
from app.webhooks.sender import HttpSender
from app.webhooks.tables import delivery
from benchmarks import webhooks_at_size, webhooks_beside
from benchmarks.receiving import DATA, deployment, receiver, register

ROUNDS: Final = 3


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    speed = asyncio.run(_measured(500 if quick else 5_000))
    return speed | webhooks_beside.run(quick=quick) | webhooks_at_size.run(quick=quick)


async def _measured(count: int) -> dict[str, float]:
    rounds: list[dict[str, float]] = []
    with receiver() as port:
        async with deployment() as here:
            url = f"http://127.0.0.1:{port}/"
            await register(here, url, unit="alive")
            spending: dict[str, Callable[[], Awaitable[float]]] = {
                "bare": lambda: _bare(count, url),
                "ours": lambda: _delivered(here, count),
            }
            for _ in range(ROUNDS):
                spent = dict.fromkeys(spending, 0.0)
                # There and back again, so that a neighbour's work and what grows with time fall on both alike.
                for what in (*spending, *reversed(spending)):
                    spent[what] += await spending[what]()
                rounds.append(spent)
    return {
        "bare_httpx_per_second": median(2 * count / spent["bare"] for spent in rounds),
        "delivered_per_second": median(2 * count / spent["ours"] for spent in rounds),
        "ratio": median(spent["bare"] / spent["ours"] for spent in rounds),
    }


async def _bare(count: int, url: str) -> float:
    """Seconds for so many bare posts."""
    body = signing.body(type="unit.lagging", timestamp=Deployment.clock(), data=DATA)
    left = iter(range(count))

    async def post(client: httpx.AsyncClient) -> None:
        for _ in left:
            answer = await client.post(url, content=body, headers={"content-type": "application/json"})
            answer.raise_for_status()

    async with httpx.AsyncClient() as client:
        began = time.perf_counter()
        await asyncio.gather(*(post(client) for _ in range(SHARE)))
        return time.perf_counter() - began


async def _delivered(here: Deployment, count: int) -> float:
    """Seconds for so many deliveries, from the first look to the last record."""
    async with here.database.transaction() as connection:
        # So that no round pays for the rows, dead and alive, of those before; a past has a benchmark of its own.
        await connection.execute(sa.text("TRUNCATE message, delivery, attempt"))
        for _ in range(count):
            await outbox.put(
                connection, type="unit.lagging", unit="alive", lineage=["alive"], data=DATA, now=here.clock()
            )
    sender = HttpSender(allow=here.settings.webhook_allow_networks)
    stop = asyncio.Event()
    began = time.perf_counter()
    running = asyncio.create_task(Dispatcher(here, sender).run(stop))
    try:
        while await _delivered_so_far(here) < count:  # noqa: ASYNC110 - it is the table that tells
            await asyncio.sleep(0.05)
        return time.perf_counter() - began
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sender.close()


async def _delivered_so_far(here: Deployment) -> int:
    async with here.database.snapshot() as connection:
        counted = sa.select(sa.func.count()).where(delivery.c.state == "delivered")
        return await connection.scalar(counted) or 0
