"""The way in: puts a message and its deliveries into the transaction of the fact that it tells.

Nothing is sent before that transaction is committed; what the message means, and when it is due, the caller knows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.ids import uuid7
from app.webhooks import delivery_queries, signing
from app.webhooks.types import TEST, TYPES


async def put(
    connection: AsyncConnection,
    *,
    type: str,  # noqa: A002 - the contract's name
    unit: str | None,
    lineage: Sequence[str],
    data: Mapping[str, Any],
    now: datetime,
) -> UUID:
    """Put a message for every enabled endpoint whose types and unit match, and return its id.

    `lineage` is the unit, its parent and so on up to the root, as the tree stands at `now`; it is empty for a message
    about no unit, which only endpoints without a unit hear. `data` is JSON (dates and instants may be objects).
    Raises ValueError for a type that the contract does not name.
    """
    if type not in TYPES - {TEST}:
        raise ValueError(f"{type!r} is no type of message")
    message_id = uuid7(now)
    body = signing.body(type=type, timestamp=now, data=data)
    await delivery_queries.put(
        connection, message_id=message_id, type=type, unit=unit, lineage=lineage, body=body, now=now
    )
    return message_id


async def put_test(connection: AsyncConnection, *, endpoint: UUID, unit: str | None, now: datetime) -> UUID:
    """Put a `webhook.test` message for one endpoint alone, and return its id."""
    message_id = uuid7(now)
    body = signing.body(type=TEST, timestamp=now, data={"endpoint": str(endpoint), "unit": unit})
    await delivery_queries.put_test(
        connection, endpoint=endpoint, message_id=message_id, unit=unit, body=body, now=now
    )
    return message_id
