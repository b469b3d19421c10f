"""Old messages are forgotten with all that came of them; what an endpoint still waits for is not."""

from datetime import timedelta

import httpx
import sqlalchemy as sa

from app.kit.deployment import Deployment
from app.webhooks.delivery_queries import forget
from app.webhooks.dispatcher import Dispatcher
from app.webhooks.signing import webhook_id
from app.webhooks.tables import message
from tests.webhooks.conftest import DrivenClock
from tests.webhooks.makers import attempts, put, registered, states
from tests.webhooks.receivers import receiver, status

KEPT = timedelta(days=90)


async def messages(here: Deployment) -> list[str]:
    async with here.database.snapshot() as connection:
        return [
            webhook_id(one)
            for one in await connection.scalars(sa.select(message.c.id).order_by(message.c.seq))
        ]


async def forgotten(here: Deployment, most: int = 100) -> int:
    async with here.database.transaction() as connection:
        return await forget(connection, here.clock() - KEPT, most)


async def test_what_is_old_and_done_is_forgotten_and_what_waits_or_is_young_stays(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver() as fine, receiver(status(500)) as ill:
        await registered(client, fine.url, unit="H10.1")
        identifier = (await registered(client, ill.url, unit="H10.2"))["id"]
        await put(deployment, "H10.1")
        waiting = await put(deployment, "H10.2")
        await put(deployment, "H10.3")  # nobody hears it
        await dispatcher.run_once()
        clock.advance(days=60)
        young = await put(deployment, "H10.1")
        assert await forgotten(deployment) == 0
        clock.advance(days=31)
        assert await forgotten(deployment) == 2
        assert await messages(deployment) == [waiting, young]
        assert await states(deployment) == ["pending", "pending"]
        assert await attempts(deployment) == [(500, None)]
        assert (await client.patch(f"/v1/webhooks/{identifier}", json={"enabled": False})).is_success
        assert await forgotten(deployment) == 1
        assert await messages(deployment) == [young]
        await dispatcher.run_once()
        assert fine.ids[-1] == young


async def test_a_long_past_is_forgotten_in_portions(deployment: Deployment, clock: DrivenClock) -> None:
    for _ in range(5):
        await put(deployment)
    clock.advance(days=91)
    assert [await forgotten(deployment, 2) for _ in range(4)] == [2, 2, 1, 0]
