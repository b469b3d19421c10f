"""What the demo asks of the database: how far the sample city has been sent, and whether it would be among strangers.

Nothing is written here.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tables import unit
from app.events.tables import event


async def sent(connection: AsyncConnection, source: str) -> tuple[datetime, datetime] | None:
    """When the first event of a source happened and when the last was recorded, in UTC; None before the first."""
    first, last = (
        await connection.execute(
            sa.select(sa.func.min(event.c.time), sa.func.max(event.c.recorded_at)).where(
                event.c.source == source
            )
        )
    ).one()
    return (first, last) if first is not None else None


async def holds_others(connection: AsyncConnection, sources: Collection[str], units: Collection[str]) -> bool:
    """Whether there are events of other sources, or units besides these."""
    statement = sa.select(
        sa.or_(
            sa.exists().where(event.c.source.not_in(list(sources))),
            sa.exists().where(unit.c.code.not_in(list(units))),
        )
    )
    return bool(await connection.scalar(statement))
