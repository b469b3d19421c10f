"""Requests and the recording of outcomes meet at the same deliveries, and neither breaks the other off."""

import asyncio
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import Request

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.http import logged
from app.webhooks.tables import delivery, message
from tests.webhooks.makers import put, registered

ASKED: dict[str, tuple[str, str, dict[str, object]]] = {
    "replay": ("POST", "/replay", {"since": "2020-01-01T00:00:00Z"}),
    "disable": ("PATCH", "", {"enabled": False}),
    "keep order": ("PATCH", "", {"ordered": True}),
}
_LOCKED = sa.text("SELECT FROM delivery WHERE endpoint = :endpoint AND message = :message FOR NO KEY UPDATE")
_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.mark.parametrize("asked", ASKED)
async def test_a_request_takes_deliveries_in_the_order_in_which_outcomes_do(
    client: httpx.AsyncClient, deployment: Deployment, asked: str
) -> None:
    webhook = await registered(client, "http://127.0.0.1:1/")
    for _ in range(2):
        await put(deployment)
    first, second = await _turned_round(deployment.database)
    method, path, body = ASKED[asked]
    async with deployment.database.transaction() as settling:
        await settling.execute(_LOCKED, {"endpoint": UUID(webhook["id"]), "message": first})
        asking = asyncio.create_task(client.request(method, f"/v1/webhooks/{webhook['id']}{path}", json=body))
        await _until_it_waits(deployment.database)
        await settling.execute(_LOCKED, {"endpoint": UUID(webhook["id"]), "message": second})
    answer = await asking
    assert answer.status_code in {200, 202}, answer.text


async def _turned_round(database: Database) -> tuple[int, int]:
    """Both messages, the first of which now lies behind the second, in their tables and in time."""
    async with database.transaction() as connection:
        first, second = await connection.scalars(sa.select(message.c.seq).order_by(message.c.seq))
        longer = sa.func.make_interval(0, 0, 0, 0, 0, 0, 1)
        created, due = message.c.created_at + longer, delivery.c.next_attempt_at + longer
        await connection.execute(sa.update(message).where(message.c.seq == first).values(created_at=created))
        await connection.execute(
            sa.update(delivery).where(delivery.c.message == first).values(next_attempt_at=due)
        )
    return first, second


async def _until_it_waits(database: Database) -> None:
    async with asyncio.timeout(10):
        while not await _waits(database):  # noqa: ASYNC110 - a lock tells no event
            await asyncio.sleep(0.01)


async def _waits(database: Database) -> int:
    """Asked in a transaction of its own, for within one PostgreSQL answers the same again."""
    async with database.transaction() as connection:
        return int(await connection.scalar(_WAITING) or 0)


async def test_who_collides_all_the_same_hears_to_send_it_again(database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(sa.exc.DBAPIError) as broken_off:
            await connection.execute(sa.text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))
        await connection.rollback()
    problem = logged(
        Request({"type": "http", "headers": [], "state": {"request_id": "one"}}), broken_off.value
    )
    assert problem.status == 503
    assert "send it again" in problem.detail.said("en")
    assert problem.headers["Retry-After"]
