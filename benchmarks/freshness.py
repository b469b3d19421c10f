"""How long after it was accepted an event shows in the figures, at a steady rate (P6); and what API and worker hold (P9).

Goals: p99 within 300 ms at 5,000 events a second; API at most 150 MiB, worker 300. Of a machine that cannot keep the rate,
the rate that was kept is told too.
"""

import asyncio
import json
import time
from collections import deque
from datetime import datetime
from statistics import median, quantiles
from typing import Final

from app.events.marks import computed_through
from app.kit.clock import system_clock
from app.kit.db import Database
from benchmarks.client import Connection as Http
from benchmarks.load import lives
from benchmarks.product import BOOTSTRAP, Product, a_database, a_server, served

RATE: Final = 5_000
BATCH: Final = 102
"""Seventeen dossiers a post, about fifty posts a second."""
LOOK_EVERY: Final = 0.005


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    with a_server() as url, served(url) as product:
        return asyncio.run(_measured(url, product, 8 if quick else 120))


async def _measured(url: str, product: Product, seconds: int) -> dict[str, float]:
    waiting: deque[datetime] = deque()
    waits: list[float] = []
    held: list[tuple[float, float]] = []
    posts = seconds * RATE // BATCH
    async with a_database(url) as database:
        looking = asyncio.create_task(_look(database, product, waiting, waits, held, posts))
        took = await _send(product.port, posts, waiting)
        await looking
    return {
        "events_per_second_kept": posts * BATCH / took,
        "P6_median_ms": 1_000 * median(waits),
        "P6_p99_ms": 1_000 * quantiles(waits, n=100)[98],
        "P9_api_mib": max(api for api, _ in held),
        "P9_worker_mib": max(worker for _, worker in held),
    }


async def _send(port: int, posts: int, waiting: deque[datetime]) -> float:
    """Post at the rate, however long an answer takes as long as four connections suffice; the seconds it took."""
    bodies = [json.dumps(lives(BATCH)).encode() for _ in range(posts)]
    began = time.perf_counter()

    async def work(first: int) -> None:
        http = await Http.open(port, BOOTSTRAP)
        for number in range(first, posts, 4):
            await asyncio.sleep(max(0, began + number * BATCH / RATE - time.perf_counter()))
            status, answer = await http.post(
                "/v1/events", bodies[number], "application/cloudevents-batch+json"
            )
            assert status == 202, answer  # noqa: S101 - a benchmark of refusals would be none
            waiting.append(system_clock())
        http.close()

    await asyncio.gather(*(work(first) for first in range(4)))
    return time.perf_counter() - began


async def _look(
    database: Database,
    product: Product,
    waiting: deque[datetime],
    waits: list[float],
    held: list[tuple[float, float]],
    posts: int,
) -> None:
    """Note how long each of the posts, once acknowledged, waits until no mark is as old as that."""
    while len(waits) < posts:
        async with database.transaction() as connection:
            through = await computed_through(connection, system_clock())
        now = system_clock()
        while waiting and waiting[0] <= through:
            waits.append((now - waiting.popleft()).total_seconds())
        if len(held) * 0.5 < len(waits) / (RATE / BATCH):
            held.append((product.api_mib(), product.worker_mib()))
        await asyncio.sleep(LOOK_EVERY)
