"""Every statement on the log, the receipts and the rejections.

Statements only: what they mean together is said in `ingest`. The marks that it does not set itself have their own file.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.events.envelope import Event
from app.events.tables import event, receipt, rejected_event
from app.events.types import PLACE
from app.kit.db import Straight

# One statement appends and marks. Rows are taken in sorted order, first of the log and then of the marks, so that
# two batches that share rows wait for each other instead of deadlocking. DO UPDATE, never DO NOTHING: a mark that
# the projector is working on must grow a generation, or the event that arrives meanwhile would be lost to it.
# Columns come as lines of one text each, for the driver encodes an array element by element, which is half of what a
# batch costs beside its checks; no checked value has a line break. What all rows share comes once, beside an empty array.
_APPENDED: Final = """
WITH appended AS (
    INSERT INTO event (source, id, type, subject, time, data, digest, recorded_at, receipt, unit_limit,
                       traceparent, sequence)
    SELECT source, id, type, subject, CAST(time AS timestamptz), CAST(data AS jsonb), decode(digest, 'hex'), :now,
           COALESCE(receipt, :receipt_of_all), COALESCE(unit_limit, :unit_limit_of_all), traceparent, sequence
    FROM unnest(
        string_to_array(:source, E'\\n'), string_to_array(:id, E'\\n'), string_to_array(:type, E'\\n'),
        string_to_array(:subject, E'\\n'), string_to_array(:time, E'\\n'), string_to_array(:data, E'\\n'),
        string_to_array(:digest, E'\\n'), CAST(:receipt AS uuid[]), CAST(:unit_limit AS text[]),
        CAST(:traceparent AS text[]), CAST(:sequence AS text[])
    ) AS t (source, id, type, subject, time, data, digest, receipt, unit_limit, traceparent, sequence)
    ORDER BY 1, 2
    ON CONFLICT (source, id) DO NOTHING
    RETURNING source, id, subject
), marked AS (
    INSERT INTO dossier_mark (subject, generation, since)
    SELECT DISTINCT subject, 1, CAST(:now AS timestamptz) FROM appended ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET generation = dossier_mark.generation + 1
)
"""

_APPEND: Final = sa.text(f"""{_APPENDED}
SELECT CASE WHEN count(*) < CAST(:count AS int) THEN json_agg(json_build_array(source, id)) END, count(*)
FROM appended
""")  # noqa: S608 - a constant of this module

_TAKE: Final = sa.text(f"""{_APPENDED}, received AS (
    INSERT INTO receipt (receipt, key_id, recorded_at, accepted, duplicate, rejected, results)
    SELECT receipt, key_id, :now, accepted, 0, 0, '[]'
    FROM unnest(CAST(:receipts AS uuid[]), CAST(:keys AS text[]), CAST(:accepted AS int[]))
         AS t (receipt, key_id, accepted)
)
SELECT count(*) FROM appended
""")  # noqa: S608 - as above

Row = tuple[Event, uuid.UUID, str | None]
"""An event on its way into the log, with its receipt and its key's unit limit."""


class NotAllNewError(Exception):
    """Some events that were taken as new are in the log already."""


async def append(
    connection: AsyncConnection, rows: Sequence[Row], now: datetime
) -> set[tuple[str, str]] | None:
    """Append events and mark their dossiers.

    The rows carry distinct (source, id). Answers which of these were new, or None in the common case: all.
    """
    result = await connection.execute(_APPEND, {**_columns(rows, now), "count": len(rows)})
    new, count = result.one()
    return None if count == len(rows) else {(source, id_) for source, id_ in new or []}


async def take(
    connection: Straight, rows: Sequence[Row], receipts: Sequence[tuple[uuid.UUID, str, int]], now: datetime
) -> None:
    """Append events, mark their dossiers and write the receipts (key, accepted events) of calls that were all accepted.

    The rows carry distinct (source, id). Raises NotAllNewError, for the transaction to be rolled back.
    """
    told, keys, accepted = zip(*receipts, strict=True)
    values = {**_columns(rows, now), "receipts": told, "keys": keys, "accepted": accepted}
    ((count,),) = await connection.rows(_TAKE, values)
    if count < len(rows):
        raise NotAllNewError


def _columns(rows: Sequence[Row], now: datetime) -> dict[str, Any]:
    events = [row[0] for row in rows]
    return {
        "source": "\n".join([e.source for e in events]),
        "id": "\n".join([e.id for e in events]),
        "type": "\n".join([e.type for e in events]),
        "subject": "\n".join([e.subject for e in events]),
        "time": "\n".join([e.time.isoformat() for e in events]),
        "data": "\n".join([e.data for e in events]),
        "digest": "\n".join([e.digest.hex() for e in events]),
        **_shared("receipt", [row[1] for row in rows]),
        **_shared("unit_limit", [row[2] for row in rows]),
        "traceparent": _sparse([e.traceparent for e in events]),
        "sequence": _sparse([e.sequence for e in events]),
        "now": now,
    }


def _shared(name: str, values: list[Any]) -> dict[str, Any]:
    """A column of the statement: one value for all rows where they agree, else a value each."""
    if len(set(values)) == 1:
        return {name: [], f"{name}_of_all": values[0]}
    return {name: values, f"{name}_of_all": None}


def _sparse(values: list[str | None]) -> list[str | None]:
    """A column that is mostly absent; `unnest` fills what is missing with NULL."""
    return values if any(values) else []


async def stored(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], bytes]:
    """Digest of the events that the log holds under these (source, id)."""
    wanted = sa.select(
        sa.func.unnest(sa.literal([key[0] for key in keys], sa.ARRAY(sa.Text))).label("source"),
        sa.func.unnest(sa.literal([key[1] for key in keys], sa.ARRAY(sa.Text))).label("id"),
    ).subquery()
    rows = await connection.execute(
        sa.select(event.c.source, event.c.id, event.c.digest).join(
            wanted, sa.and_(event.c.source == wanted.c.source, event.c.id == wanted.c.id)
        )
    )
    return {(row.source, row.id): row.digest for row in rows}


async def record(
    connection: AsyncConnection, receipts: Sequence[dict[str, Any]], rejections: Sequence[dict[str, Any]]
) -> None:
    """Write what became of some calls, and what was refused in them."""
    await connection.execute(sa.insert(receipt), list(receipts))
    if rejections:
        await connection.execute(sa.insert(rejected_event), list(rejections))


async def grow_receipt(
    connection: AsyncConnection, row: dict[str, Any], rejections: Sequence[dict[str, Any]]
) -> None:
    """Add one more committed part of a long call to its receipt."""
    statement = sa.dialects.postgresql.insert(receipt).values(row)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[receipt.c.receipt],
            set_={
                name: receipt.c[name] + statement.excluded[name]
                for name in ("accepted", "duplicate", "rejected")
            }
            | {"results": row["results"]},
        )
    )
    if rejections:
        await connection.execute(sa.insert(rejected_event), list(rejections))


async def receipt_of(connection: AsyncConnection, asked: uuid.UUID) -> sa.Row[Any] | None:
    """One receipt."""
    return (await connection.execute(sa.select(receipt).where(receipt.c.receipt == asked))).one_or_none()


async def forget_old(connection: AsyncConnection, before: datetime) -> int:
    """Delete receipts and rejections recorded before an instant; how many."""
    gone = 0
    for table in (receipt, rejected_event):
        gone += (await connection.execute(sa.delete(table).where(table.c.recorded_at < before))).rowcount
    return gone


_BY_SUBJECTS: Final = sa.select(
    event.c.subject,
    event.c.source,
    event.c.id,
    event.c.type,
    event.c.time,
    sa.cast(event.c.data, sa.Text).label("data"),
    event.c.recorded_at,
    event.c.unit_limit,
).where(event.c.subject == sa.any_(sa.bindparam("subjects", type_=sa.ARRAY(sa.Text))))


Stored = tuple[str, str, str, str, datetime, str, datetime, str | None]
"""Subject, source, id, type, time, data as JSON text, instant of recording, and the unit its key was limited to."""


async def of_dossiers(connection: AsyncConnection, subjects: Sequence[str]) -> Sequence[Stored]:
    """Every event of these dossiers, in no particular order."""
    return [tuple(row) for row in await connection.execute(_BY_SUBJECTS, {"subjects": list(subjects)})]


async def of_dossier(connection: AsyncConnection, subject: str) -> list[sa.Row[Any]]:
    """Every event of one dossier as it stands in the log, in the order in which they are folded."""
    rows = await connection.execute(sa.select(event).where(event.c.subject == subject))
    return sorted(rows, key=lambda row: (row.time, PLACE[row.type], row.source, row.id))


async def listed(
    connection: AsyncConnection,
    *,
    filters: dict[str, Any],
    limits: Collection[str] | None,
    since: datetime | None,
    until: datetime | None,
    after: int | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Events in the order of recording, newest first, from a cursor on; `filters` are equalities by column name.

    `limits`: only what keys sent that are limited to one of these units.
    """
    query = sa.select(event).order_by(event.c.seq.desc()).limit(limit)
    for name, value in filters.items():
        query = query.where(event.c[name] == value)
    if limits is not None:
        query = query.where(event.c.unit_limit == sa.any_(sa.literal(list(limits), sa.ARRAY(sa.Text))))
    if since is not None:
        query = query.where(event.c.time >= since)
    if until is not None:
        query = query.where(event.c.time < until)
    if after is not None:
        query = query.where(event.c.seq < after)
    return (await connection.execute(query)).all()


async def rejected(
    connection: AsyncConnection,
    *,
    sources: Sequence[str] | None,
    key_id: str | None,
    after: int | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Refused events, newest first; of some sources, or of one key, or all."""
    query = sa.select(rejected_event).order_by(rejected_event.c.seq.desc()).limit(limit)
    if sources is not None:
        query = query.where(rejected_event.c.envelope["source"].astext.in_(sources))
    if key_id is not None:
        query = query.where(rejected_event.c.key_id == key_id)
    if after is not None:
        query = query.where(rejected_event.c.seq < after)
    return (await connection.execute(query)).all()


_SOURCES: Final = sa.text("""
WITH RECURSIVE spoke (source) AS (
    (SELECT source FROM event ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT e.source FROM event e WHERE e.source > spoke.source ORDER BY e.source LIMIT 1)
    FROM spoke WHERE spoke.source IS NOT NULL
)
SELECT source,
       (SELECT max(e.recorded_at) FROM event e WHERE e.source = spoke.source AND e.recorded_at >= :since) AS last
FROM spoke WHERE source IS NOT NULL
""")


async def sources(connection: AsyncConnection, since: datetime) -> dict[str, datetime | None]:
    """Every source there ever was, with its last event recorded from `since` on.

    They are found by one step each through the index, however many events there are.
    """
    return {row.source: row.last for row in await connection.execute(_SOURCES, {"since": since})}


async def silent_sources(
    connection: AsyncConnection, since: datetime, known: datetime
) -> tuple[dict[str, datetime], list[str]]:
    """Sources without an event recorded from `since` on, with the last before it, and those that have one.

    Of those whose last event was recorded before `known` nobody waits for one any more.
    """
    found = await sources(connection, known)
    silent = {source: last for source, last in found.items() if last is not None and last < since}
    return silent, [source for source, last in found.items() if last is not None and last >= since]
