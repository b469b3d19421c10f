"""Every statement on endpoints.

It stores secrets as it is given them, encrypted; who may see which endpoint is told to it as a list of units.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.webhooks.tables import endpoint

# Never the secrets: whoever shows an endpoint cannot show what was not read.
_SHOWN: Final = sa.select(
    *(column for column in endpoint.c if column.name not in {"secret", "previous_secret"})
)


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Store a new endpoint."""
    await connection.execute(sa.insert(endpoint).values(**values))


async def page(
    connection: AsyncConnection, *, units: Sequence[str] | None, after: UUID | None, limit: int
) -> Sequence[sa.RowMapping]:
    """Endpoints in the order they were made, those after `after`; only those of `units` unless that is None."""
    chosen = _within(units).order_by(endpoint.c.id).limit(limit)
    if after is not None:
        chosen = chosen.where(endpoint.c.id > after)
    return (await connection.execute(chosen)).mappings().all()


async def one(
    connection: AsyncConnection, identifier: UUID, *, units: Sequence[str] | None, lock: bool = False
) -> sa.RowMapping | None:
    """An endpoint, if it exists and is of `units`; with `lock`, nobody else changes it before we commit."""
    chosen = _within(units).where(endpoint.c.id == identifier)
    if lock:
        chosen = chosen.with_for_update(key_share=True)
    return (await connection.execute(chosen)).mappings().one_or_none()


def _within(units: Sequence[str] | None) -> sa.Select[*tuple[Any, ...]]:
    return _SHOWN if units is None else _SHOWN.where(endpoint.c.unit.in_(units))


async def change(connection: AsyncConnection, identifier: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of an endpoint."""
    await connection.execute(sa.update(endpoint).where(endpoint.c.id == identifier).values(**values))


async def rotate(
    connection: AsyncConnection, identifier: UUID, *, secret: bytes, previous_until: datetime
) -> None:
    """Put a new secret in the place of the present one, which signs beside it until `previous_until`."""
    await change(
        connection,
        identifier,
        {
            "previous_secret": endpoint.c.secret,
            "secret": secret,
            "previous_secret_until": previous_until,
        },
    )


async def disabled_by_themselves(connection: AsyncConnection) -> dict[str, int]:
    """How many endpoints are disabled because they are gone or kept failing; not those that somebody disabled."""
    disabled = dict.fromkeys(("gone", "failing"), 0)
    chosen = (
        sa.select(endpoint.c.disabled_reason, sa.func.count().label("webhooks"))
        .where(endpoint.c.disabled_at.is_not(None), endpoint.c.disabled_reason.in_(disabled))
        .group_by(endpoint.c.disabled_reason)
    )
    return disabled | {row.disabled_reason: row.webhooks for row in await connection.execute(chosen)}


async def remove(connection: AsyncConnection, identifier: UUID) -> None:
    """Delete an endpoint with its deliveries and their attempts; messages stay."""
    await connection.execute(sa.delete(endpoint).where(endpoint.c.id == identifier))
