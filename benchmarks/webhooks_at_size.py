"""What 10,000 endpoints and a million past deliveries change about judging units, putting a message, and delivering it.

Each figure is the median time at that size against that of the same work with one endpoint and no past (1 is best).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Final

import sqlalchemy as sa

from app.kit.deployment import Deployment
from app.lagging.queries import put_rule
from app.lagging.rules import Rule
from app.lagging.tables import alert
from app.lagging.watch import Watch
from app.webhooks import outbox
from app.webhooks.dispatcher import Dispatcher
from app.webhooks.sender import HttpSender
from benchmarks.receiving import deployment, receiver, register
from tests.figures.makers import a_dossier, store

UNITS: Final = 20
"""Units that fall behind in each judgement."""

EACH: Final = 10
"""Endpoints that heard each message of the past."""

TIMES: Final = 60
Work = dict[str, Callable[[], Awaitable[object]]]
RULE: Final = Rule("benchmark", "on_time", "rolling_30d", Decimal("0.9"), 5, Decimal("0.01"))


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - as every benchmark
    return asyncio.run(_measured(1_000, 100_000) if quick else _measured(10_000, 1_000_000))


async def _measured(endpoints: int, past: int) -> dict[str, float]:
    with receiver() as port:
        async with deployment() as here:
            await register(here, f"http://127.0.0.1:{port}/", unit=None)
            await _describe(here)
            sender = HttpSender(allow=here.settings.webhook_allow_networks)
            dispatcher = Dispatcher(here, sender)
            work: Work = {
                "judging": lambda: _judged(here),
                "putting": lambda: _put(here),
                "delivering": dispatcher.run_once,
            }
            before = await _timed(here, dispatcher, work)
            await _fill(here, endpoints, past)
            after = await _timed(here, dispatcher, work)
            await sender.close()
    figures = {f"{name}_ms_with_one_endpoint": spent * 1000 for name, spent in before.items()}
    figures |= {f"{name}_ms_with_{endpoints:,}_endpoints": spent * 1000 for name, spent in after.items()}
    return figures | {f"{name}_at_size_ratio": after[name] / before[name] for name in work}


async def _timed(here: Deployment, dispatcher: Dispatcher, work: Work) -> dict[str, float]:
    """Seconds of each piece of work, the median of many: units are judged and told of, then one more message is sent."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(TIMES):
        async with here.database.transaction() as connection:
            await connection.execute(sa.delete(alert))
        for name, task in work.items():
            if name == "delivering":
                await dispatcher.run_once()  # what the judgement said
                await _put(here)
            began = time.perf_counter()
            await task()
            spent[name].append(time.perf_counter() - began)
    return {name: median(times) for name, times in spent.items()}


async def _judged(here: Deployment) -> None:
    if not await Watch(here).judge():
        raise RuntimeError("somebody else judges")


async def _put(here: Deployment) -> None:
    async with here.database.transaction() as connection:
        await outbox.put(
            connection, type="unit.lagging", unit="U1", lineage=["U1", "TOP"], data={}, now=here.clock()
        )


async def _describe(here: Deployment) -> None:
    """Units that are behind: of ten dossiers ended yesterday five were late."""
    yesterday = here.clock() - timedelta(days=1)
    await store(
        here.database,
        [
            a_dossier(
                f"{unit}-{number}",
                unit=f"U{unit}",
                received_at=yesterday - timedelta(days=9),
                counted_at=yesterday,
                end_kind="processed",
                outcome="late" if number % 2 else "on_time",
            )
            for unit in range(UNITS)
            for number in range(10)
        ],
    )
    async with here.database.transaction() as connection:
        await put_rule(connection, RULE)


# Copies of the one endpoint for units of which nothing is told now, and what they were sent in the last weeks.
_PAST: Final = (
    """
    INSERT INTO endpoint (id, url, unit, description, ordered, secret, created_at, created_by)
    SELECT gen_random_uuid(), url, 'ELSEWHERE' || number % :places, description, ordered, secret, created_at, created_by
    FROM endpoint, generate_series(1, CAST(:endpoints AS integer)) AS number
    """,
    """
    INSERT INTO message (id, type, unit, lineage, body, created_at)
    SELECT gen_random_uuid(), 'unit.lagging', place, ARRAY[place, 'TOP'], repeat('x', 1000),
           now() - number * interval '10 s'
    FROM generate_series(1, CAST(:messages AS integer)) AS number, concat('ELSEWHERE', number % :places) AS place
    """,
    """
    INSERT INTO delivery (endpoint, message, lane, state, attempts, next_attempt_at)
    SELECT endpoint.id, seq, '', 'delivered', 1, message.created_at
    FROM message INNER JOIN endpoint ON message.unit = endpoint.unit
    """,
    """
    INSERT INTO attempt (endpoint, message, lease, at, duration_ms, status, excerpt)
    SELECT endpoint, message, gen_random_uuid(), next_attempt_at, 12, 204, '' FROM delivery
    ON CONFLICT DO NOTHING
    """,
    "ANALYZE endpoint, message, delivery, attempt",  # as autovacuum would by then
)


async def _fill(here: Deployment, endpoints: int, past: int) -> None:
    sizes = {"endpoints": endpoints, "places": endpoints // EACH, "messages": past // EACH}
    async with here.database.transaction() as connection:
        await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        for statement in _PAST:
            text = sa.text(statement)
            await connection.execute(text, {name: sizes[name] for name in text.compile().params})
