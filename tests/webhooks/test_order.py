"""Where order is asked for, a unit's messages arrive one after another, whatever fails and however many workers run."""

import asyncio
import random
from collections import defaultdict

import httpx

from app.kit.deployment import Deployment
from app.webhooks.dispatcher import LEASE, Dispatcher
from app.webhooks.sender import HttpSender
from tests.webhooks.conftest import DrivenClock
from tests.webhooks.makers import put, registered, states
from tests.webhooks.receivers import Receiver, receiver, status


async def test_the_next_message_of_a_unit_waits_for_the_one_before_and_other_units_do_not(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver(status(500), status(204)) as at:
        await registered(client, at.url, ordered=True)
        first = await put(deployment, "H10.1")
        await dispatcher.run_once()
        second = await put(deployment, "H10.1")
        other = await put(deployment, "H10.2")
        none = await put(deployment, None)
        assert [await dispatcher.run_once() for _ in range(3)] == [1, 1, 0]
        assert at.ids == [first, other, none]
        clock.advance(seconds=5)
        assert [await dispatcher.run_once() for _ in range(3)] == [1, 1, 0]
        assert at.ids == [first, other, none, first, second]


async def test_order_holds_over_failures_and_several_workers(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    chance = random.Random(5)  # noqa: S311 - the same moods in every run
    taken: list[str] = []

    async def moody(at: Receiver, writer: asyncio.StreamWriter) -> None:
        message = at.requests[-1].id
        await asyncio.sleep(chance.random() * 0.01)
        is_taken = chance.random() < 0.6
        if is_taken:
            taken.append(message)
        await status(204 if is_taken else 500)(at, writer)

    workers = [Dispatcher(deployment, sender) for _ in range(3)]
    async with receiver(moody) as at:
        await registered(client, at.url, ordered=True)
        units = {await put(deployment, f"H10.{number % 4}"): number % 4 for number in range(24)}
        while "pending" in await states(deployment):
            await asyncio.gather(*(worker.run_once() for worker in workers))
            clock.advance(minutes=6)
    put_in_order, arrived = defaultdict(list), defaultdict(list)
    for message, unit in units.items():
        put_in_order[unit].append(message)
    for message in taken:
        arrived[units[message]].append(message)
    assert arrived == put_in_order


async def test_a_worker_that_stood_still_until_its_lease_ended_sends_nothing_that_another_has_sent(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    passed = [0.0]
    stopped = Dispatcher(deployment, sender, lambda: passed[0])
    async with receiver() as at:
        await registered(client, at.url, ordered=True)
        messages = [await put(deployment) for _ in range(3)]
        await stopped._turn([stopped._answering])  # claimed, and not a step further
        clock.advance(seconds=LEASE.total_seconds())
        passed[0] += LEASE.total_seconds()
        others = Dispatcher(deployment, sender)
        while await others.run_once():
            pass
        assert at.ids == messages
        messages.append(await put(deployment))
        assert await stopped.run_once() == 1  # it goes on, and its room is free again
        assert at.ids == messages
    assert set(await states(deployment)) == {"delivered"}


async def test_order_can_be_asked_for_and_given_up_while_messages_wait(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver() as at:
        webhook = await registered(client, at.url)
        messages = [await put(deployment) for _ in range(4)]
        await client.patch(f"/v1/webhooks/{webhook['id']}", json={"ordered": True})
        assert await dispatcher.run_once() == 1
        assert at.ids == messages[:1]
        await client.patch(f"/v1/webhooks/{webhook['id']}", json={"ordered": False})
        assert await dispatcher.run_once() == 3
        assert sorted(at.ids) == sorted(messages)


async def test_a_replay_keeps_order_too(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver() as at:
        webhook = await registered(client, at.url, ordered=True)
        before = await put(deployment)
        clock.advance(seconds=1)
        since = clock.now.isoformat()
        messages = [await put(deployment) for _ in range(3)]
        while await dispatcher.run_once():
            pass
        replayed = await client.post(f"/v1/webhooks/{webhook['id']}/replay", json={"since": since})
        assert replayed.json() == {"deliveries": 3}
        while await dispatcher.run_once():
            pass
        assert at.ids == [before, *messages, *messages]
