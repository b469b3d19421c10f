"""Independent questions to the database, side by side on several connections that all see the same instant.

It knows snapshots and how many connections are to spare; what is asked, and whether it is independent, its caller knows.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.db import STATEMENT_TIMEOUT, Database, took_too_long

HELPERS: Final = 2
"""Connections beside the caller's own: more of them would wait for the same cores."""

Ask = Callable[[AsyncConnection], Awaitable[Any]]


def spared(ask: Ask, seconds: float) -> Ask:
    """`ask`, or None where one of its statements takes longer than so many seconds: for what an answer can do without."""

    async def asked(connection: AsyncConnection) -> Any:
        try:
            async with connection.begin_nested():
                await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
                answer = await ask(connection)
                await connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
        except sa.exc.DBAPIError as error:
            if not took_too_long(error):
                raise
            return None
        return answer

    return asked


async def abreast(
    database: Database, connection: AsyncConnection, questions: Mapping[str, Ask]
) -> dict[str, Any]:
    """Name → answer. Begun in the order given: name the longest first.

    `connection` is in a transaction of `Database.snapshot()`. Helpers join only while most of the pool is idle: callers
    that hold one connection and wait for another could otherwise wait for each other. The first error ends the others
    and is raised as it is.
    """
    waiting = deque(questions.items())
    answers: dict[str, Any] = {}

    async def work(through: AsyncConnection) -> None:
        while waiting:
            name, ask = waiting.popleft()
            answers[name] = await ask(through)

    async def help_out(snapshot: str) -> None:
        async with database.same_snapshot(snapshot) as other:
            await work(other)

    helpers = min(HELPERS, len(questions) - 1, database.to_spare())
    snapshot = await database.exported(connection) if helpers > 0 else ""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(helpers):
                group.create_task(help_out(snapshot))
            group.create_task(work(connection))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return {name: answers[name] for name in questions}
