"""What is due is sent, signed and recorded; what fails is tried again; nothing is lost and nothing is forged."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import UUID

import httpx
import sqlalchemy as sa
from pydantic import SecretStr
from standardwebhooks import Webhook

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.webhooks import delivery_queries, outbox
from app.webhooks.answer import Answer
from app.webhooks.delivery_queries import Outcome
from app.webhooks.dispatcher import GIVEN_UP, LEASE, SHARE, Dispatcher
from app.webhooks.sender import HttpSender
from app.webhooks.tables import delivery
from tests.webhooks import receivers
from tests.webhooks.conftest import DrivenClock
from tests.webhooks.makers import attempts, put, registered, states, stored
from tests.webhooks.receivers import Behaviour, Received, Receiver, receiver, status


def _verify_at_its_own_time(request: Received, secret: str) -> None:
    """As `verify`, but for clocks that were driven far ahead."""
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(request.id, at, request.body.decode())
    assert signature in request.headers["webhook-signature"].split(" ")


async def test_two_failures_then_success_are_one_message_to_the_receiver(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver(status(500), receivers.close_early, status(200)) as at:
        secret = (await registered(client, at.url))["secret"]
        message = await put(deployment, unit="H10.1", rate=0.9375)
        assert await dispatcher.run_once() == 1
        clock.advance(seconds=4.9)
        assert await dispatcher.run_once() == 0
        clock.advance(seconds=0.2)
        assert await dispatcher.run_once() == 1
        clock.advance(seconds=301)
        assert await dispatcher.run_once() == 1
        clock.advance(days=9)
        assert await dispatcher.run_once() == 0
    assert at.ids == [message] * 3
    assert len({request.body for request in at.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in at.requests}) == 3
    for request in at.requests:
        _verify_at_its_own_time(request, secret)
    assert at.requests[0].verified(secret)["data"] == {"rate": 0.9375}
    assert await states(deployment) == ["delivered"]
    assert await attempts(deployment) == [(500, None), (None, "closed"), (200, None)]


TROUBLE: list[tuple[Behaviour, tuple[int | None, str | None]]] = [
    (receivers.hang, (None, "timeout")),
    (receivers.trickle, (200, "timeout")),
    (receivers.close_early, (None, "closed")),
    (receivers.close_inside, (200, "closed")),
    (receivers.flood_headers, (None, "closed")),
    (status(500, body=b"x" * 10_000), (500, None)),
    (status(404), (404, None)),
    (status(307, "Location: http://127.0.0.1:1/"), (307, None)),
]


async def test_trouble_of_any_kind_is_recorded_and_tried_again(
    client: httpx.AsyncClient, deployment: Deployment, clock: DrivenClock
) -> None:
    impatient = HttpSender(allow=deployment.settings.webhook_allow_networks, timeout=1)
    dispatcher = Dispatcher(deployment, impatient)
    async with AsyncExitStack() as stack:
        ats = [await stack.enter_async_context(receiver(behaviour, status(204))) for behaviour, _ in TROUBLE]
        stack.push_async_callback(impatient.close)
        webhooks = [await registered(client, at.url) for at in ats]
        message = await put(deployment)
        assert await dispatcher.run_once() == len(TROUBLE)
        assert Counter(await attempts(deployment)) == Counter(outcome for _, outcome in TROUBLE)
        for webhook in webhooks:
            assert (await stored(deployment, webhook["id"]))["failing_since"] == clock.now
        clock.advance(seconds=5)
        assert await dispatcher.run_once() == len(TROUBLE)
        assert [at.ids for at in ats] == [[message] * 2] * len(TROUBLE)
        for webhook in webhooks:
            assert (await stored(deployment, webhook["id"]))["failing_since"] is None
    assert set(await states(deployment)) == {"delivered"}


async def test_retry_after_puts_the_next_attempt_off(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver(status(429, "Retry-After: 60"), status(204)) as at:
        await registered(client, at.url)
        await put(deployment)
        await dispatcher.run_once()
        clock.advance(seconds=59)
        assert await dispatcher.run_once() == 0
        clock.advance(seconds=1)
        assert await dispatcher.run_once() == 1
    assert await states(deployment) == ["delivered"]


async def test_a_used_up_schedule_fails_the_delivery_and_a_retry_begins_anew(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    short = deployment.settings.model_copy(update={"webhook_retry_schedule": [1.0, 2.0]})
    here = Deployment(short, deployment.database, clock)
    dispatcher = Dispatcher(here, sender)
    async with receiver(status(500), status(500), status(500), status(500), status(204)) as at:
        webhook = await registered(client, at.url)
        message = await put(here)
        for _ in range(5):
            await dispatcher.run_once()
            clock.advance(hours=1)
        assert len(at.requests) == 3
        assert await states(here) == ["failed"]
        retried = await client.post(f"/v1/webhooks/{webhook['id']}/deliveries/{message}/retry")
        assert retried.status_code == 202
        assert retried.json()["state"] == "pending"
        for _ in range(2):
            assert await dispatcher.run_once() == 1
            clock.advance(seconds=1)
        assert at.ids == [message] * 5
    assert await states(here) == ["delivered"]


async def test_what_is_being_sent_is_not_sent_beside_itself_when_asked_for_again(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, sender: HttpSender
) -> None:
    async def asking(at: Receiver, writer: asyncio.StreamWriter) -> None:
        again = await client.post(f"{one}/deliveries/{message}/retry")
        assert (again.json()["state"], again.json()["next_attempt_at"]) == ("pending", None)
        await client.post(f"{one}/replay", json={"since": "2020-01-01T00:00:00Z"})
        assert await Dispatcher(deployment, sender).run_once() == 0
        await status(204)(at, writer)

    async with receiver(asking) as at:
        one = f"/v1/webhooks/{(await registered(client, at.url))['id']}"
        message = await put(deployment)
        assert await dispatcher.run_once() == 1
        assert at.ids == [message]
    assert await states(deployment) == ["delivered"]


async def test_410_disables_the_endpoint_and_cancels_what_waits_for_it(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver(status(500), status(410)) as at, receiver() as other:
        webhook = await registered(client, at.url)
        await registered(client, other.url)
        await put(deployment)
        await dispatcher.run_once()
        await put(deployment)
        await dispatcher.run_once()
        clock.advance(days=1)
        await put(deployment)
        await dispatcher.run_once()
        assert len(at.requests) == 2
        assert len(other.requests) == 3
    assert Counter(await states(deployment)) == {"delivered": 3, "cancelled": 1, "failed": 1}
    shown = (await client.get(f"/v1/webhooks/{webhook['id']}")).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")


async def test_five_days_of_failure_disable_and_one_success_begins_the_count_again(
    client: httpx.AsyncClient,
    deployment: Deployment,
    dispatcher: Dispatcher,
    clock: DrivenClock,
    logged: list[dict[str, object]],
) -> None:
    async with receiver(status(500), status(204), status(500)) as at:
        webhook = await registered(client, at.url)
        for days in (4, 0, 4, 0.99):  # fails, succeeds, fails, fails
            await put(deployment)
            await dispatcher.run_once()
            clock.advance(days=days)
        await put(deployment)
        await dispatcher.run_once()
        assert (await stored(deployment, webhook["id"]))["disabled_at"] is None
        clock.advance(days=0.01)
        assert clock.now - (await stored(deployment, webhook["id"]))["failing_since"] >= GIVEN_UP
        await put(deployment)
        await dispatcher.run_once()
    found = await stored(deployment, webhook["id"])
    assert (found["disabled_at"], found["disabled_reason"]) == (clock.now, "failing")
    assert clock.now - found["failing_since"] >= GIVEN_UP
    assert "pending" not in await states(deployment)
    assert {"event": "endpoint disabled", "reason": "failing", "log_level": "warning"} in logged
    assert webhook["id"] not in json.dumps(logged)


async def test_an_uncommitted_message_is_not_sent_and_a_rolled_back_one_never(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver() as at:
        await registered(client, at.url)
        async with deployment.database.engine.connect() as connection:
            await outbox.put(
                connection, type="unit.lagging", unit=None, lineage=[], data={}, now=deployment.clock()
            )
            assert await dispatcher.run_once() == 0
            await connection.rollback()
        assert await dispatcher.run_once() == 0
        assert not at.requests


async def test_a_late_result_of_a_lost_lease_is_logged_and_changes_nothing(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    async with receiver(receivers.hang, status(204)) as at:
        webhook = await registered(client, at.url)
        message = await put(deployment)
        slow = asyncio.create_task(Dispatcher(deployment, sender).run_once())
        await at.until(1)
        assert await Dispatcher(deployment, sender).run_once() == 0
        clock.advance(seconds=LEASE.total_seconds())
        assert await Dispatcher(deployment, sender).run_once() == 1
        clock.advance(seconds=1)
        at.released.set()
        assert await slow == 1
        assert at.ids == [message] * 2
    assert await states(deployment) == ["delivered"]
    assert sorted(await attempts(deployment), key=str) == [(204, None), (500, None)]
    assert (await stored(deployment, webhook["id"]))["failing_since"] is None


async def test_a_result_recorded_twice_is_one_attempt(
    client: httpx.AsyncClient, deployment: Deployment, clock: DrivenClock
) -> None:
    # As after a commit whose answer was lost with the connection.
    await registered(client, "https://93.184.216.34/")
    await put(deployment)
    now = clock.now
    async with deployment.database.transaction() as connection:
        (claimed,) = await delivery_queries.claim(
            connection,
            now=now,
            until=now + LEASE,
            failing=False,
            after=UUID(int=0),
            under_way={},
            share=SHARE,
            room=1,
        )
    outcome = Outcome(claimed, now, Answer(duration_ms=1, status=500), now + LEASE)
    for _ in range(2):
        async with deployment.database.transaction() as connection:
            await delivery_queries.settle(connection, [outcome], now=now, given_up=now - GIVEN_UP)
    assert await attempts(deployment) == [(500, None)]
    async with deployment.database.snapshot() as connection:
        assert await connection.scalar(sa.select(delivery.c.attempts)) == 1


async def test_a_message_put_while_its_endpoint_is_disabled_waits_until_it_is_enabled(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver() as at:
        one = f"/v1/webhooks/{(await registered(client, at.url))['id']}"
        async with deployment.database.transaction() as connection:
            await outbox.put(
                connection, type="unit.lagging", unit=None, lineage=[], data={}, now=deployment.clock()
            )
            assert (await client.patch(one, json={"enabled": False})).status_code == 200
        assert await dispatcher.run_once() == 0
        await client.patch(one, json={"enabled": True})
        assert await dispatcher.run_once() == 1


async def test_workers_beside_each_other_send_each_message_once(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender
) -> None:
    workers = [Dispatcher(deployment, sender) for _ in range(4)]
    async with receiver() as at:
        await registered(client, at.url)
        sent = [await put(deployment) for _ in range(60)]
        while sum(await asyncio.gather(*(worker.run_once() for worker in workers))):
            pass
        assert Counter(at.ids) == Counter(sent)


async def test_a_dead_endpoint_delays_no_other(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    stop = asyncio.Event()
    async with receiver(receivers.hang) as dead, receiver() as alive:
        await registered(client, dead.url)
        for _ in range(50):
            await put(deployment)
        running = asyncio.create_task(dispatcher.run(stop))
        await dead.until(1)
        await registered(client, alive.url)
        sent = [await put(deployment) for _ in range(20)]
        await alive.until(20)  # while not one of the dead one's has come to an end
        assert sorted(alive.ids) == sorted(sent)
        assert set(await attempts(deployment)) <= {(204, None)}
        assert len(dead.requests) <= SHARE
        stop.set()
        dead.released.set()
        await running


async def test_an_endpoint_whose_answers_are_too_long_is_served_one_by_one_until_they_are_not(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver(*[receivers.flood] * (SHARE + 1), status(204)) as at:
        await registered(client, at.url)
        sent = [await put(deployment) for _ in range(2 * SHARE)]
        assert [await dispatcher.run_once() for _ in range(4)] == [SHARE, 1, 1, SHARE - 2]
        assert sorted(at.ids) == sorted(sent)
    assert set(await states(deployment)) == {"delivered"}


async def test_a_loop_that_is_stopped_finishes_and_records_what_is_under_way(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    stop = asyncio.Event()

    async def stopping(at: Receiver, writer: asyncio.StreamWriter) -> None:
        stop.set()
        await asyncio.sleep(0.05)
        await status(204)(at, writer)

    async with receiver(stopping) as at:
        await registered(client, at.url)
        await put(deployment)
        await dispatcher.run(stop)
    assert await states(deployment) == ["delivered"]


async def test_a_database_that_goes_away_while_a_message_is_under_way_costs_nothing(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, database_url: str
) -> None:
    stop = asyncio.Event()
    terminated = sa.text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'dispatcher'"
    )

    async def terminating(at: Receiver, writer: asyncio.StreamWriter) -> None:
        async with deployment.database.transaction() as connection:
            assert await connection.scalar(terminated)
        await status(204)(at, writer)

    own = Database(database_url, application_name="dispatcher")
    dispatcher = Dispatcher(Deployment(deployment.settings, own, deployment.clock), sender)
    async with receiver(terminating, status(204)) as at:
        await registered(client, at.url)
        message = await put(deployment)
        running = asyncio.create_task(dispatcher.run(stop))
        while await states(deployment) != ["delivered"]:
            pass
        stop.set()
        await running
        assert at.ids == [message]
    await own.close()
    assert await attempts(deployment) == [(204, None)]


async def test_rotation_signs_with_both_secrets_for_a_day(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver() as at:
        webhook = await registered(client, at.url)
        rotated = (await client.post(f"/v1/webhooks/{webhook['id']}/rotate-secret")).json()
        await put(deployment)
        await dispatcher.run_once()
        for secret in (webhook["secret"], rotated["secret"]):
            at.requests[0].verified(secret)
        clock.advance(hours=24)
        await put(deployment)
        await dispatcher.run_once()
        _verify_at_its_own_time(at.requests[1], rotated["secret"])
        assert len(at.requests[1].headers["webhook-signature"].split(" ")) == 1


async def test_a_secret_that_cannot_be_decrypted_stops_nobody_else(
    client: httpx.AsyncClient, deployment: Deployment, sender: HttpSender, clock: DrivenClock
) -> None:
    other_key = deployment.settings.model_copy(update={"secret_key": SecretStr("another key, " * 3)})
    stranger = Deployment(other_key, deployment.database, clock)
    async with receiver() as at:
        await registered(client, at.url)
        message = await put(deployment)
        assert await Dispatcher(stranger, sender).run_once() == 1
        assert await attempts(deployment) == [(None, "unsendable")]
        assert not at.requests
        clock.advance(seconds=5)
        assert await Dispatcher(deployment, sender).run_once() == 1
        assert at.ids == [message]


async def test_an_endpoint_deleted_while_a_message_is_under_way_leaves_nothing(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async def deleting(at: Receiver, writer: asyncio.StreamWriter) -> None:
        assert (await client.delete(f"/v1/webhooks/{webhook['id']}")).status_code == 204
        await status(204)(at, writer)

    async with receiver(deleting) as at:
        webhook = await registered(client, at.url)
        await put(deployment)
        assert await dispatcher.run_once() == 1
    assert await states(deployment) == []


async def test_disabling_cancels_what_waits_but_believes_what_arrives(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async def disabling(at: Receiver, writer: asyncio.StreamWriter) -> None:
        await client.patch(f"/v1/webhooks/{webhook['id']}", json={"enabled": False})
        await status(204 if len(at.requests) == 1 else 500)(at, writer)

    async with receiver(disabling) as at:
        webhook = await registered(client, at.url)
        await put(deployment)
        await dispatcher.run_once()
        assert await states(deployment) == ["delivered"]
        await client.patch(f"/v1/webhooks/{webhook['id']}", json={"enabled": True})
        await put(deployment)
        await dispatcher.run_once()
        assert await states(deployment) == ["delivered", "cancelled"]
