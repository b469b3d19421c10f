"""Every statement on messages, deliveries and attempts.

It keeps their states consistent; when to try again, and over which wire, is decided elsewhere.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.webhooks.answer import Answer
from app.webhooks.tables import attempt, delivery, message
from app.webhooks.types import TEST, State

_SQL: Final = Path(__file__).parent / "sql"
_PUT: Final = sa.text((_SQL / "put.sql").read_text(encoding="utf-8"))
_CLAIM: Final = sa.text((_SQL / "claim.sql").read_text(encoding="utf-8"))
_SETTLE: Final = sa.text((_SQL / "settle.sql").read_text(encoding="utf-8"))
_FORGET: Final = sa.text((_SQL / "forget.sql").read_text(encoding="utf-8"))
_REPLAY: Final = sa.text((_SQL / "replay.sql").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under our lease, with all that an attempt needs; the secrets are still encrypted."""

    endpoint: UUID
    message: int
    lease: UUID
    attempts: int
    message_id: UUID
    body: str
    url: str
    secret: bytes
    previous_secret: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt that ended. `next_attempt_at` is None when none is to follow."""

    claimed: Claimed
    at: datetime
    answer: Answer
    next_attempt_at: datetime | None


async def put(
    connection: AsyncConnection,
    *,
    message_id: UUID,
    type: str,  # noqa: A002 - the column's name
    unit: str | None,
    lineage: Sequence[str],
    body: str,
    now: datetime,
) -> None:
    """Write a message and a delivery to every endpoint that matches."""
    about = {"id": message_id, "type": type, "unit": unit, "lineage": list(lineage)}
    await connection.execute(_PUT, {**about, "body": body, "now": now})


async def put_test(
    connection: AsyncConnection,
    *,
    endpoint: UUID,
    message_id: UUID,
    unit: str | None,
    body: str,
    now: datetime,
) -> None:
    """Write a test message and its one delivery; it keeps no order with others."""
    about = {"id": message_id, "type": TEST, "unit": unit, "lineage": []}
    put = sa.insert(message).values(**about, body=body, created_at=now).returning(message.c.seq)
    seq = await connection.scalar(put)
    goal = {"endpoint": endpoint, "message": seq, "lane": ""}
    due = {"state": "pending", "attempts": 0, "next_attempt_at": now}
    await connection.execute(sa.insert(delivery), goal | due)


async def claim(
    connection: AsyncConnection,
    *,
    now: datetime,
    until: datetime,
    failing: bool,
    heavy: Collection[UUID] = (),
    after: UUID,
    under_way: Mapping[UUID, int],
    share: int,
    room: int,
) -> list[Claimed]:
    """Take a lease until `until` on at most `room` deliveries that are due at `now`.

    Only endpoints beyond `after` are looked at, those in trouble or `heavy` if `failing`, else the others; each gets
    `share` less what is `under_way` there.
    """
    values = {"now": now, "until": until, "after": after, "share": share, "room": room}
    kind = {"failing": failing, "heavy": list(heavy)}
    busy = {"busy": list(under_way.keys()), "under_way": list(under_way.values())}
    return [Claimed(*row) for row in await connection.execute(_CLAIM, values | kind | busy)]


async def settle(
    connection: AsyncConnection, outcomes: Sequence[Outcome], *, now: datetime, given_up: datetime
) -> list[str]:
    """Record outcomes; the reasons for which endpoints were disabled now, one for each.

    A 410 disables, and so does a failure when no success came since `given_up`. What such endpoints still waited for
    is cancelled. A failure of an attempt whose delivery was cancelled or asked for again since it began says nothing.
    """
    values: dict[str, Any] = {
        "endpoint": [outcome.claimed.endpoint for outcome in outcomes],
        "message": [outcome.claimed.message for outcome in outcomes],
        "lease": [outcome.claimed.lease for outcome in outcomes],
        "at": [outcome.at for outcome in outcomes],
        "duration_ms": [outcome.answer.duration_ms for outcome in outcomes],
        "status": [outcome.answer.status for outcome in outcomes],
        "error": [outcome.answer.error for outcome in outcomes],
        "excerpt": [outcome.answer.excerpt for outcome in outcomes],
        "delivered": [outcome.answer.is_success for outcome in outcomes],
        "next_attempt_at": [outcome.next_attempt_at for outcome in outcomes],
    }
    changed = await connection.execute(_SETTLE, {**values, "now": now, "given_up": given_up})
    disabled = {row.id: row.reason for row in changed if row.reason is not None}
    if disabled:
        await cancel_waiting(connection, list(disabled))
    return list(disabled.values())


async def forget(connection: AsyncConnection, before: datetime, most: int) -> int:
    """Delete at most `most` messages put before an instant, with deliveries and attempts; how many.

    What an endpoint still waits for stays.
    """
    return (await connection.execute(_FORGET, {"before": before, "most": most})).rowcount


async def cancel_waiting(connection: AsyncConnection, endpoints: Sequence[UUID]) -> None:
    """Cancel what these endpoints still wait for. An attempt under way keeps its lease and may yet succeed."""
    waiting = _locked(delivery.c.endpoint.in_(endpoints))
    await connection.execute(sa.update(delivery).where(_same(waiting)).values(state="cancelled"))


async def keep_order(connection: AsyncConnection, endpoint: UUID, *, ordered: bool) -> None:
    """Put what waits at `endpoint` into lanes, or take it out of them."""
    waiting = _locked(delivery.c.endpoint == endpoint)
    await connection.execute(
        sa.update(delivery)
        .where(_same(waiting), message.c.seq == delivery.c.message, message.c.type != TEST)
        .values(lane="/" + sa.func.coalesce(message.c.unit, "") if ordered else "")
    )


def _locked(of: sa.ColumnElement[bool]) -> sa.CTE:
    """What waits, locked in the order in which outcomes are settled, so that the two cannot deadlock."""
    key = (delivery.c.endpoint, delivery.c.message)
    waiting = sa.select(*key).where(of, delivery.c.state == "pending").order_by(*key)
    return waiting.with_for_update(key_share=True).cte("waiting")


def _same(locked: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.and_(delivery.c.endpoint == locked.c.endpoint, delivery.c.message == locked.c.message)


async def retry(connection: AsyncConnection, endpoint: UUID, seq: int, *, now: datetime) -> None:
    """Make one delivery due at once, with the whole schedule before it; what is under way, once its attempt failed."""
    is_under_way = delivery.c.lease.is_not(None) & (delivery.c.next_attempt_at > now)
    await connection.execute(
        sa.update(delivery)
        .where(delivery.c.endpoint == endpoint, delivery.c.message == seq)
        .values(
            state="pending",
            attempts=sa.case((is_under_way, -1), else_=0),
            lease=sa.case((is_under_way, delivery.c.lease)),
            next_attempt_at=sa.case((is_under_way, delivery.c.next_attempt_at), else_=now),
        )
    )


async def replay(connection: AsyncConnection, endpoint: UUID, *, since: datetime, now: datetime) -> int:
    """Make every message since `since` that `endpoint` would hear today due again, as `retry` does; how many those are."""
    values = {"endpoint": endpoint, "since": since, "now": now, "test": TEST}
    return (await connection.execute(_REPLAY, values)).rowcount


async def page(
    connection: AsyncConnection, endpoint: UUID, *, state: State | None, before: int | None, limit: int
) -> Sequence[sa.RowMapping]:
    """Deliveries of an endpoint, newest message first, those before message number `before`."""
    chosen = _shown().where(delivery.c.endpoint == endpoint).order_by(delivery.c.message.desc()).limit(limit)
    if state is not None:
        chosen = chosen.where(delivery.c.state == state)
    if before is not None:
        chosen = chosen.where(delivery.c.message < before)
    return (await connection.execute(chosen)).mappings().all()


async def one(connection: AsyncConnection, endpoint: UUID, message_id: UUID) -> sa.RowMapping | None:
    """The delivery of a message to an endpoint."""
    chosen = _shown().where(delivery.c.endpoint == endpoint, message.c.id == message_id)
    return (await connection.execute(chosen)).mappings().one_or_none()


def _shown() -> sa.Select[*tuple[Any, ...]]:
    columns = (delivery.c.state, delivery.c.lease, delivery.c.next_attempt_at)
    about = (message.c.seq, message.c.id, message.c.type, message.c.unit, message.c.created_at)
    return sa.select(*columns, *about).join_from(delivery, message)


async def attempts(
    connection: AsyncConnection, endpoint: UUID, messages: Sequence[int]
) -> dict[int, list[sa.RowMapping]]:
    """Every attempt for these messages at an endpoint, oldest first."""
    chosen = (
        sa.select(attempt)
        .where(attempt.c.endpoint == endpoint, attempt.c.message.in_(messages))
        .order_by(attempt.c.message, attempt.c.at)
    )
    found: dict[int, list[sa.RowMapping]] = {seq: [] for seq in messages}
    for row in (await connection.execute(chosen)).mappings():
        found[row["message"]].append(row)
    return found
