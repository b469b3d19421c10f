"""Signs of life of the workers: a worker that died silently must not look like a slow one.

It knows when a worker was last seen and what it had counted by then; what a worker does it refuses to know.
"""

import os
import socket
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.deployment import Deployment
from app.ops import counters
from app.ops.tables import heartbeat

SILENT_AFTER: Final = timedelta(seconds=30)
"""A worker not seen for this long is dead."""

_FORGOTTEN_AFTER: Final = timedelta(days=1)


async def beat(here: Deployment) -> None:
    """Say that this process is alive and what it has counted, and forget workers that have been gone for a day."""
    now = here.clock()
    statement = insert(heartbeat).values(
        worker=f"{socket.gethostname()}:{os.getpid()}", seen_at=now, counters=counters.taken()
    )
    async with here.database.transaction() as connection:
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["worker"],
                set_={"seen_at": statement.excluded.seen_at, "counters": statement.excluded.counters},
            )
        )
        await connection.execute(sa.delete(heartbeat).where(heartbeat.c.seen_at < now - _FORGOTTEN_AFTER))


async def last_beat(connection: AsyncConnection) -> datetime | None:
    """When any worker was last seen."""
    seen: datetime | None = await connection.scalar(sa.select(sa.func.max(heartbeat.c.seen_at)))
    return seen


async def counted(connection: AsyncConnection) -> dict[str, list[counters.Count]]:
    """What each worker of the last day had counted when it was last seen."""
    rows = await connection.execute(sa.select(heartbeat.c.worker, heartbeat.c.counters))
    return {row.worker: [counters.Count(*count) for count in row.counters] for row in rows}
