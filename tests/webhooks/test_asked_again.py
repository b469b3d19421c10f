"""What is asked for again while it is under way: nothing is lost between an attempt that began before and what was asked since."""

import asyncio

import httpx
import pytest

from app.kit.deployment import Deployment
from app.webhooks.dispatcher import LEASE, Dispatcher
from app.webhooks.sender import HttpSender
from tests.webhooks.conftest import DrivenClock
from tests.webhooks.makers import put, registered, states, stored
from tests.webhooks.receivers import Receiver, receiver, status

EVER = {"since": "2020-01-01T00:00:00Z"}


class Opened:
    """A receiver's side that is closed down, opened again and asks for everything, while an attempt is under way."""

    def __init__(self, client: httpx.AsyncClient, answers: int) -> None:
        self._client = client
        self._answers = answers
        self.one = ""

    async def __call__(self, at: Receiver, writer: asyncio.StreamWriter) -> None:
        await self.again()
        await status(self._answers)(at, writer)

    async def again(self) -> None:
        for enabled in (False, True):
            answer = await self._client.patch(self.one, json={"enabled": enabled})
            assert answer.status_code == 200
        assert (await self._client.post(f"{self.one}/replay", json=EVER)).json() == {"deliveries": 1}


@pytest.mark.parametrize("answers", [500, 410])
async def test_a_failure_that_began_before_a_replay_is_not_its_answer(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, answers: int
) -> None:
    opened = Opened(client, answers)
    async with receiver(opened, status(204)) as at:
        webhook = await registered(client, at.url)
        opened.one = f"/v1/webhooks/{webhook['id']}"
        message = await put(deployment)
        assert await dispatcher.run_once() == 1
        assert (await stored(deployment, webhook["id"]))["disabled_at"] is None
        assert await states(deployment) == ["pending"]
        assert await dispatcher.run_once() == 1
        assert at.ids == [message] * 2
    assert await states(deployment) == ["delivered"]


async def test_a_410_that_began_before_the_endpoint_was_enabled_again_disables_nothing(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async def reopening(at: Receiver, writer: asyncio.StreamWriter) -> None:
        for enabled in (False, True):
            await client.patch(one, json={"enabled": enabled})
        later.append(await put(deployment))
        await status(410)(at, writer)

    later: list[str] = []
    async with receiver(reopening, status(204)) as at:
        webhook = await registered(client, at.url)
        one = f"/v1/webhooks/{webhook['id']}"
        before = await put(deployment)
        assert await dispatcher.run_once() == 1
        assert (await stored(deployment, webhook["id"]))["disabled_at"] is None
        assert await dispatcher.run_once() == 1
        assert at.ids == [before, *later]
    assert await states(deployment) == ["cancelled", "delivered"]


async def test_a_success_that_began_before_a_replay_is_as_good_as_sent_again(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    opened = Opened(client, 204)
    async with receiver(opened) as at:
        opened.one = f"/v1/webhooks/{(await registered(client, at.url))['id']}"
        message = await put(deployment)
        assert [await dispatcher.run_once() for _ in range(2)] == [1, 0]
        assert at.ids == [message]
    assert await states(deployment) == ["delivered"]


async def test_what_a_dead_worker_held_when_it_was_cancelled_is_replayed_after_its_lease(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    held = asyncio.Event()

    async def dying(at: Receiver, writer: asyncio.StreamWriter) -> None:
        held.set()
        await at.released.wait()

    opened = Opened(client, 204)
    async with receiver(dying, status(204)) as at:
        opened.one = f"/v1/webhooks/{(await registered(client, at.url))['id']}"
        message = await put(deployment)
        dead = asyncio.create_task(Dispatcher(deployment, sender).run_once())
        await held.wait()
        dead.cancel()
        await opened.again()
        other = Dispatcher(deployment, sender)
        assert await other.run_once() == 0
        clock.advance(seconds=LEASE.total_seconds())
        assert await other.run_once() == 1
        assert at.ids == [message] * 2
    assert await states(deployment) == ["delivered"]


async def test_a_last_failure_is_not_the_end_of_what_was_asked_for_while_it_was_under_way(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    short = deployment.settings.model_copy(update={"webhook_retry_schedule": [1.0]})
    here = Deployment(short, deployment.database, clock)
    dispatcher = Dispatcher(here, sender)

    async def asking(at: Receiver, writer: asyncio.StreamWriter) -> None:
        assert (await client.post(f"{one}/deliveries/{message}/retry")).status_code == 202
        await status(500)(at, writer)

    async with receiver(status(500), asking, status(500), status(204)) as at:
        one = f"/v1/webhooks/{(await registered(client, at.url))['id']}"
        message = await put(here)
        for _ in range(2):  # the whole schedule
            assert await dispatcher.run_once() == 1
            clock.advance(seconds=1)
        for _ in range(2):  # and again the whole schedule
            assert await dispatcher.run_once() == 1
            clock.advance(seconds=1)
        assert at.ids == [message] * 4
    assert await states(here) == ["delivered"]


async def test_a_replay_goes_by_the_order_that_is_asked_for_now(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver() as at:
        one = f"/v1/webhooks/{(await registered(client, at.url))['id']}"
        messages = [await put(deployment) for _ in range(3)]
        await dispatcher.run_once()
        await client.patch(one, json={"ordered": True})
        await client.post(f"{one}/replay", json=EVER)
        assert [await dispatcher.run_once() for _ in range(4)] == [1, 1, 1, 0]
        assert at.ids[3:] == messages
