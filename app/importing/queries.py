"""Every statement on runs of imports.

Statements only: what a run is, `importer` says.
"""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.events.tables import receipt
from app.importing.tables import import_run


async def broken_off(connection: AsyncConnection, digest: bytes) -> sa.Row[Any] | None:
    """The receipt of the latest run of this file that was not finished, if it has stored anything."""
    statement = (
        sa.select(receipt)
        .join(import_run, import_run.c.receipt == receipt.c.receipt)
        .where(import_run.c.digest == digest, import_run.c.finished_at.is_(None))
        .order_by(import_run.c.begun_at.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).one_or_none()


async def begin(connection: AsyncConnection, run: uuid.UUID, digest: bytes, file: str, now: datetime) -> None:
    """Note that a file is being imported."""
    await connection.execute(
        sa.insert(import_run).values(receipt=run, digest=digest, file=file, begun_at=now)
    )


async def finish(connection: AsyncConnection, digest: bytes, now: datetime) -> None:
    """Note that a file was imported to its end, whichever runs did it."""
    await connection.execute(
        sa.update(import_run)
        .where(import_run.c.digest == digest, import_run.c.finished_at.is_(None))
        .values(finished_at=now)
    )
