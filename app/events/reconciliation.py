"""Reconciles a day with its source: what the source counted against what the log holds.

It reads the log and changes nothing; what is missing the source sends again, and ids keep it from counting twice.
"""

import hashlib
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from app.events.instants import Day
from app.events.tables import event
from app.events.types import TYPES
from app.keys.guard import Caller, EventsWrite
from app.kit.deployment import Here, Snapshot
from app.kit.problems import Fault, Problem
from app.kit.text import Text

router: Final = APIRouter(prefix="/v1", tags=["events"])

_NO_TYPE: Final = Text("Không có loại sự việc {type}.", "There is no event type {type}.")
_FOREIGN: Final = Text("Khóa này không dùng cho nguồn {source}.", "This key is not for the source {source}.")


class Reconciliation(BaseModel):
    """What a source counted on one of its days."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=255, examples=["/igate/h10"])]
    day: Annotated[Day, Field(description="Local date on which the events happened (their `time`).")]
    counts: dict[str, Annotated[int, Field(ge=0, lt=1 << 63)]] = Field(
        description="Event type → how many. A type that is not named is counted as 0.",
        examples=[{"dossier.received": 120, "dossier.processed": 98}],
    )
    hash: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256, in lower-case hexadecimal, of the day's event ids, each followed by a line feed, in the order of their UTF-8 bytes.",
    )


class TypeCompared(BaseModel):
    """One event type: what the source counted and what is here."""

    type: str
    told: int
    stored: int
    missing: int = Field(description="How many of the source's are not here.")
    extra: int = Field(description="How many are here that the source did not count.")


class Reconciled(BaseModel):
    """What is missing, and what is here that the source did not count."""

    source: str
    day: date
    matches: bool = Field(description="Counts, and the hash where it was sent, are the same.")
    types: list[TypeCompared]
    hash: str = Field(description="Of the ids that are here.")
    hash_matches: bool | None = Field(description="null: no hash was sent.")


@router.post("/reconciliations", summary="Reconcile a day with its source")
async def reconcile(
    told: Reconciliation, caller: EventsWrite, here: Here, connection: Snapshot
) -> Reconciled:
    """Voided dossiers and retracted events count too: both sides count what was sent. A key that is limited to a unit compares with what such keys sent."""
    if caller.sources is not None and told.source not in caller.sources:
        raise Problem("forbidden", _FOREIGN.filled(source=told.source))
    faults = [
        Fault(f"/counts/{kind[:64]}", _NO_TYPE.filled(type=kind[:64]))
        for kind in told.counts
        if kind not in TYPES
    ]
    if faults:
        raise Problem("invalid", faults[0].detail, faults)
    zone = here.settings.zone
    begin = datetime.combine(told.day, time(), zone)
    end = datetime.combine(told.day + timedelta(days=1), time(), zone)
    rows = await _stored(connection, caller, told.source, begin, end)
    stored: dict[str, int] = {}
    digest = hashlib.sha256()
    for kind, event_id in rows:
        stored[kind] = stored.get(kind, 0) + 1
        digest.update(f"{event_id}\n".encode())
    types = [_compared(kind, told.counts.get(kind, 0), stored.get(kind, 0)) for kind in TYPES]
    named = [one for one in types if one.type in told.counts or one.stored]
    same = None if told.hash is None else told.hash == digest.hexdigest()
    return Reconciled(
        source=told.source,
        day=told.day,
        matches=same is not False and all(one.told == one.stored for one in named),
        types=named,
        hash=digest.hexdigest(),
        hash_matches=same,
    )


def _compared(kind: str, told: int, stored: int) -> TypeCompared:
    missing, extra = max(told - stored, 0), max(stored - told, 0)
    return TypeCompared(type=kind, told=told, stored=stored, missing=missing, extra=extra)


async def _stored(
    connection: AsyncConnection, caller: Caller, source: str, begin: datetime, end: datetime
) -> list[tuple[str, str]]:
    """Type and id of the source's events of these instants, in the order of the ids' bytes."""
    statement = (
        sa.select(event.c.type, event.c.id)
        .where(event.c.source == source, event.c.time >= begin, event.c.time < end)
        .order_by(event.c.id.collate("C"))
    )
    if caller.unit is not None:
        statement = statement.where(event.c.unit_limit == caller.unit)
    return [(kind, event_id) for kind, event_id in await connection.execute(statement)]
