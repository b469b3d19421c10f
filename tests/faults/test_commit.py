"""Acknowledged means committed: a commit that fails is never answered with success."""

from collections.abc import AsyncIterator

import httpx
import pytest
import sqlalchemy as sa

from app.events.tables import event
from app.kit.db import Database
from tests.events.makers import received


@pytest.fixture
async def failing_commits(database: Database) -> AsyncIterator[None]:
    """Every commit of a transaction that wrote an event or a unit fails, in the server, at the very commit."""
    async with database.transaction() as connection:
        await connection.execute(
            sa.text(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$"
            )
        )
        for table in ("event", "unit"):
            await connection.execute(
                sa.text(
                    f"CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
                    "FOR EACH ROW EXECUTE FUNCTION fail()"
                )
            )
    yield
    async with database.transaction() as connection:
        await connection.execute(sa.text("DROP FUNCTION fail() CASCADE"))


@pytest.mark.usefixtures("failing_commits")
@pytest.mark.parametrize("form", ["one", "batch", "lines"])
async def test_events_whose_commit_fails_are_not_acknowledged(
    form: str, client: httpx.AsyncClient, database: Database
) -> None:
    if form == "lines":
        answer = await client.post(
            "/v1/events",
            content=httpx.Request("POST", "http://x", json=received()).content,
            headers={"content-type": "application/x-ndjson"},
        )
    else:
        answer = await client.post("/v1/events", json=received() if form == "one" else [received()])
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no space" not in answer.text
    async with database.transaction() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(event)) == 0


@pytest.mark.usefixtures("failing_commits")
async def test_a_route_with_a_transaction_does_not_answer_before_its_commit(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.put("/v1/units/u1", json={"name": "Đơn vị (mẫu)", "kind": "ward"})
    assert answer.status_code == 503


async def test_what_is_acknowledged_can_be_read_over_another_connection(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post("/v1/events", json=received())
    assert answer.status_code == 202
    async with database.transaction() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(event)) == 1
