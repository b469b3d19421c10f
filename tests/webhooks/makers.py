"""Short ways to a registered webhook and to messages, over the routes and the outbox that the product uses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from app.kit.deployment import Deployment
from app.webhooks import outbox, signing
from app.webhooks.tables import attempt, delivery, endpoint


async def registered(client: httpx.AsyncClient, url: str, **fields: object) -> dict[str, Any]:
    """A webhook, as the route answers it, with its secret."""
    answer = await client.post("/v1/webhooks", json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def put(
    here: Deployment,
    unit: str | None = "H10.1",
    *,
    type: str = "unit.lagging",  # noqa: A002 - the outbox's name
    lineage: Sequence[str] | None = None,
    **data: object,
) -> str:
    """A message of its own transaction; its `webhook-id`."""
    above = ([unit, "H10"] if unit else []) if lineage is None else lineage
    async with here.database.transaction() as connection:
        message = await outbox.put(
            connection, type=type, unit=unit, lineage=above, data=data, now=here.clock()
        )
    return signing.webhook_id(message)


async def states(here: Deployment) -> list[str]:
    """The state of every delivery, in the order of their messages."""
    async with here.database.snapshot() as connection:
        chosen = sa.select(delivery.c.state).order_by(delivery.c.message, delivery.c.endpoint)
        return list(await connection.scalars(chosen))


async def undelivered(here: Deployment) -> list[str]:
    """A line for every delivery that has not arrived, with what a person asks who wonders why."""
    async with here.database.snapshot() as connection:
        rows = await connection.execute(
            sa.select(
                delivery,
                endpoint.c.url,
                endpoint.c.ordered,
                endpoint.c.failing_since,
                endpoint.c.disabled_at,
                endpoint.c.disabled_reason,
                sa.select(sa.func.count())
                .where(attempt.c.endpoint == delivery.c.endpoint, attempt.c.message == delivery.c.message)
                .scalar_subquery()
                .label("logged"),
                sa.func.now().label("now"),
            )
            .join_from(delivery, endpoint)
            .where(delivery.c.state != "delivered")
            .order_by(delivery.c.endpoint, delivery.c.message)
        )
        return [", ".join(f"{name} {value}" for name, value in row.items()) for row in rows.mappings()]


async def attempts(here: Deployment) -> list[tuple[int | None, str | None]]:
    """Status and error of every attempt, in their order."""
    async with here.database.snapshot() as connection:
        chosen = sa.select(attempt.c.status, attempt.c.error).order_by(attempt.c.at, attempt.c.message)
        return [(row.status, row.error) for row in await connection.execute(chosen)]


async def stored(here: Deployment, identifier: str) -> sa.RowMapping:
    """The endpoint's row."""
    async with here.database.snapshot() as connection:
        chosen = sa.select(endpoint).where(endpoint.c.id == UUID(identifier))
        return (await connection.execute(chosen)).mappings().one()
