"""The schema that migrations make is the schema that the code describes, up and down, under the product's own guards."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from app.kit import migrating
from app.kit.db import Database
from app.tables import metadata
from tests.conftest import dropped


@pytest.fixture
async def empty(server: str) -> AsyncIterator[Database]:
    """A database without any table."""
    name = f"empty_{uuid.uuid4().hex[:16]}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    database = Database(url, application_name="tests")
    yield database
    await database.close()
    await dropped(connection, name)
    await connection.close()


async def tables(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))


async def test_migrations_make_exactly_what_the_tables_say(empty: Database) -> None:
    await migrating.upgrade(empty)

    def check(connection: sa.Connection) -> None:
        config = migrating.configuration()
        config.attributes["connection"] = connection
        command.check(config)

    async with empty.engine.connect() as connection:
        await connection.run_sync(check)
        assert await migrating.is_current(connection)


async def test_every_migration_goes_up_down_and_up_again(empty: Database) -> None:
    revisions = [
        found.revision for found in ScriptDirectory.from_config(migrating.configuration()).walk_revisions()
    ]
    for revision in reversed(revisions):
        await migrating.upgrade(empty, revision)
        await migrating.downgrade(empty, "-1")
        await migrating.upgrade(empty, revision)
    await migrating.downgrade(empty, "base")
    assert await tables(empty) == {"alembic_version"}
    async with empty.engine.connect() as connection:
        assert not await migrating.is_current(connection)
    await migrating.upgrade(empty)
    assert await tables(empty) == {"alembic_version", *metadata.tables}


async def test_of_several_processes_that_start_at_once_one_migrates_and_none_fails(empty: Database) -> None:
    await asyncio.gather(*(migrating.upgrade(empty) for _ in range(4)))
    assert await tables(empty) == {"alembic_version", *metadata.tables}


async def test_a_migration_gives_up_rather_than_queue_behind_a_long_lock(empty: Database) -> None:
    await migrating.upgrade(empty)
    async with empty.engine.connect() as holder, holder.begin():
        await holder.execute(sa.text("LOCK TABLE event IN ACCESS SHARE MODE"))
        with pytest.raises(sa.exc.DBAPIError, match="lock timeout"):
            await migrating.downgrade(empty, "base")
    assert "event" in await tables(empty)
