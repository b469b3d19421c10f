"""What every test stands on: one throwaway PostgreSQL a run, and an empty, migrated database for each test."""

import asyncio
import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import settings as hypothesis
from sqlalchemy.engine import make_url

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.main import place, routed
from app.settings import Settings
from app.tables import metadata
from tests.documented import held_to_the_document

KEY = "test-key-with-every-scope"
"""The bootstrap key of every test deployment."""

_THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


# What an earlier test left connected could hold locks, or write into this test's tables.
_OTHERS_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""


hypothesis.register_profile("short", max_examples=50)
hypothesis.register_profile("long", max_examples=1_000)


def pytest_configure(config: pytest.Config) -> None:
    """Let properties that name no number of examples have few in `make test` and many in `make soak`."""
    hypothesis.load_profile("short" if config.option.markexpr == "not soak" else "long")


# Whose tests start processes or walk far: begun first, so that neither test process waits for the other at the end.
_LONG = {"browser", "cli", "demo", "docs", "faults", "kit", "properties", "walk"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring what takes long to the front, each part in the order that it had."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


def _shared_folder() -> Path:
    """One folder a test run, whichever of its processes asks."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    return Path(tempfile.gettempdir()) / f"dunghen-test-{run[:12]}"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server that may be filled with databases; a test process makes its own there."""
    given = os.environ.get("DUNGHEN_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder = _shared_folder()
    postgres = EmbeddedPostgres.open(folder, settings=_THROWAWAY)
    try:
        yield postgres.dsn
    finally:
        postgres.close()
        if not postgres.is_running():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def own_database(server: str) -> str:
    """The address of a migrated database that this process's tests use one after the other."""
    url = make_url(server).set(database=f"test_{uuid.uuid4().hex[:16]}").render_as_string(hide_password=False)
    asyncio.run(_made(server, url))
    return url


async def _made(server: str, url: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'CREATE DATABASE "{make_url(url).database}"')
    finally:
        await connection.close()
    database = Database(url, application_name="tests")
    await upgrade(database)
    await database.close()


@pytest.fixture
async def database_url(own_database: str) -> str:
    """The address of a migrated, empty database that is this test's own while it runs."""
    connection = await asyncpg.connect(own_database)
    try:
        await connection.execute(_OTHERS_OUT)
        names = [f'"{table.name}"' for table in metadata.sorted_tables]
        filled = await connection.fetchval(
            "SELECT " + " || ".join(f"EXISTS (SELECT FROM {name})::int::text" for name in names)
        )
        if full := [name for name, rows in zip(names, filled, strict=True) if rows == "1"]:
            await connection.execute(f"TRUNCATE {', '.join(full)} RESTART IDENTITY CASCADE")
    finally:
        await connection.close()
    return own_database


async def dropped(connection: "asyncpg.Connection[Any]", name: str) -> None:
    """Drop a database, whoever still looks at it; an autovacuum in it may not be ended by us, and ends soon by itself."""
    for _ in range(50):
        with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} is still in use")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool over this test's database."""
    pool = Database(database_url, application_name="tests")
    yield pool
    await pool.close()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of this test's deployment; nothing is read from the environment of whoever runs the tests."""
    return Settings(
        _env_file=None,
        database_url=database_url,
        data_dir=tmp_path,
        bootstrap_key=KEY,
        language="en",
        calendar="plain",
        dossier_notices="off",
        source_silent_after=0,
        webhook_allow_networks=["127.0.0.0/8", "::1/128"],
    )


@pytest.fixture
def deployment(settings: Settings, database: Database) -> Deployment:
    """This test's deployment, on the system's clock."""
    return Deployment(settings, database)


@pytest.fixture(scope="session")
def routes() -> FastAPI:
    """An application for all tests of this process: FastAPI works each route out at its first request, for longer than that takes."""
    return routed()


@pytest.fixture
def app(routes: FastAPI, deployment: Deployment) -> FastAPI:
    """The application of this test's deployment."""
    place(routes, deployment)
    routes.openapi_schema = None
    return routes


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the bootstrap key; it reaches the application without a socket."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    headers = {"Authorization": f"Bearer {KEY}"}
    hooks = {"response": [held_to_the_document(app)]}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=headers, event_hooks=hooks
    ) as made:
        yield made
