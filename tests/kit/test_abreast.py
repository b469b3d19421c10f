"""Questions side by side: one instant for all, errors as they are, and no waiting for each other."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.abreast import HELPERS, abreast
from app.kit.db import Database
from app.kit.problems import Problem
from app.kit.text import Text


async def _backend(connection: AsyncConnection) -> Any:
    await asyncio.sleep(0.05)
    return await connection.scalar(sa.text("SELECT pg_backend_pid()"))


async def _versions(connection: AsyncConnection) -> Any:
    await asyncio.sleep(0.05)
    return await connection.scalar(sa.text("SELECT count(*) FROM directory_version"))


async def test_questions_are_asked_on_several_connections_and_answered_under_their_names(
    database: Database,
) -> None:
    async with database.snapshot() as connection:
        found = await abreast(database, connection, dict.fromkeys("abcdef", _backend))
    assert list(found) == list("abcdef")
    assert len(set(found.values())) == 1 + HELPERS


async def test_all_see_what_the_first_connection_saw_whatever_was_committed_meanwhile(
    database: Database,
) -> None:
    async with database.snapshot() as connection:
        before = await _versions(connection)
        async with database.transaction() as other:
            await other.execute(
                sa.text("INSERT INTO directory_version (single, units) VALUES (true, gen_random_uuid())")
            )
        found = await abreast(database, connection, dict.fromkeys("abcdef", _versions))
    assert set(found.values()) == {before} == {0}


async def test_an_error_of_one_question_is_raised_as_it_is(database: Database) -> None:
    async def refuse(_: AsyncConnection) -> Any:
        raise Problem("forbidden", Text("Không", "No"))

    async with database.snapshot() as connection:
        with pytest.raises(Problem):
            await abreast(database, connection, {"a": _backend, "b": refuse, "c": _backend})


async def test_callers_that_hold_every_connection_do_not_wait_for_each_other(database_url: str) -> None:
    small = Database(database_url, application_name="tests", pool_size=3)

    async def ask() -> set[Any]:
        async with small.snapshot() as connection:
            return set((await abreast(small, connection, dict.fromkeys("abc", _backend))).values())

    try:
        found = await asyncio.wait_for(asyncio.gather(*(ask() for _ in range(9))), 8)
    finally:
        await small.close()
    assert all(found)
