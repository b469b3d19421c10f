"""A backup holds everything as it stood at one instant, and comes back whole or not at all."""

import asyncio
import json
import uuid
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.dossiers.projector import Projector
from app.kit import migrating
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.problems import Problem
from app.metrics.rollup import roll_up
from app.ops.archive import MANIFEST
from app.ops.backup import _LEFT_OUT, _PRECIOUS, Restored, backup, restore
from app.ops.proof import Verdict, verify
from app.settings import Settings
from app.tables import metadata
from app.webhooks.vault import FILE
from tests.conftest import dropped
from tests.events.makers import processed, received


@pytest.fixture
async def elsewhere(server: str) -> AsyncIterator[Database]:
    """Another database, without any table."""
    name = f"elsewhere_{uuid.uuid4().hex[:16]}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    database = Database(url, application_name="tests")
    yield database
    await database.close()
    await dropped(connection, name)
    await connection.close()


@pytest.fixture
async def kept(deployment: Deployment, client: httpx.AsyncClient, tmp_path: Path) -> Path:
    """A backup of a deployment with something of everything, awkward texts among it."""
    await client.put("/v1/units/u1", json={"name": "Phường \\ Thử\u00a0nghiệm", "kind": "ward"})
    hard = "tab\there\nnext line \\ back \\. “ạ”"
    await client.post("/v1/events", json=[made(f"H{n}") for n in range(20) for made in (received, processed)])
    await client.post(
        "/v1/events",
        json={**processed("H1"), "id": "w", "type": "dossier.withdrawn", "data": {"reason": hard}},
    )
    await client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/hook"})
    await Projector(deployment).run_until_current()
    await roll_up(
        deployment
    )  # from now on every change of a dossier is noted by triggers: loading rows is none
    return await written(deployment, tmp_path / "a.backup")


async def written(here: Deployment, path: Path, *, with_secret_key: bool = False) -> Path:
    await backup(
        here.database, here.settings, path, with_secret_key=with_secret_key, clock=here.clock, progress=silent
    )
    return path


async def brought_back(
    database: Database, settings: Settings, path: Path, *, replace: bool = False
) -> Restored:
    return await restore(database, settings, path, replace=replace, progress=silent)


def silent(_done: int, _total: int) -> None:
    """No progress is shown."""


async def contents(database: Database) -> dict[str, list[str]]:
    """Every row of every table that a backup holds."""
    async with database.snapshot() as connection:
        return {
            name: sorted(await connection.scalars(sa.text(f'SELECT t::text FROM "{name}" t')))
            for name in metadata.tables
            if name not in _LEFT_OUT
        }


async def test_what_was_kept_comes_back_row_by_row_and_goes_on(
    kept: Path, database: Database, elsewhere: Database, settings: Settings
) -> None:
    restored = await brought_back(elsewhere, settings, kept)
    assert await contents(elsewhere) == await contents(database)
    assert (restored.secret_key, restored.manifest.rows("event")) == ("same", 41)
    there = Deployment(settings, elsewhere)
    assert await verify(there, silent) == Verdict(checked=20)
    async with elsewhere.transaction() as connection:
        assert await migrating.is_current(connection)
        still = sa.text("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O'")
        assert list(await connection.scalars(still)) == []
        highest = sa.text("SELECT max(seq) FROM event")
        last = await connection.scalar(highest)
        await connection.execute(
            sa.text(
                "INSERT INTO event (source, id, type, subject, time, data, digest, recorded_at, receipt) "
                "SELECT source, 'new', type, subject, time, data, digest, recorded_at, receipt FROM event LIMIT 1"
            )
        )
        assert await connection.scalar(highest) > last


async def test_cells_are_not_kept_but_counted_anew_where_dossiers_come_back(
    deployment: Deployment, client: httpx.AsyncClient, elsewhere: Database, tmp_path: Path
) -> None:
    await client.post("/v1/events", json=[received(f"H{n}") for n in range(5)])
    assert await verify(deployment, silent) == Verdict(checked=5), "there are cells from here on"
    path = await written(deployment, tmp_path / "cells.backup")
    await brought_back(elsewhere, deployment.settings, path)
    assert await verify(Deployment(deployment.settings, elsewhere), silent) == Verdict(checked=5)


async def test_a_backup_is_one_instant_while_events_keep_coming(
    kept: Path, deployment: Deployment, client: httpx.AsyncClient, elsewhere: Database, tmp_path: Path
) -> None:
    async def busy() -> None:
        for number in range(100, 160):
            await client.post("/v1/events", json=[received(f"H{number}"), processed(f"H{number}")])

    _, path = await asyncio.gather(busy(), written(deployment, tmp_path / "b.backup"))
    await brought_back(elsewhere, deployment.settings, path)
    async with elsewhere.snapshot() as connection:
        halves = await connection.scalar(
            sa.text("SELECT count(*) FROM (SELECT FROM event GROUP BY subject HAVING count(*) < 2) half")
        )
    assert halves == 0
    assert (await verify(Deployment(deployment.settings, elsewhere), silent)).different == 0


def content(path: Path) -> bytes:
    return path.read_bytes()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def overwritten(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        begin = archive.getinfo("tables/event.copy").header_offset
    content = bytearray(path.read_bytes())
    content[begin + 150] ^= 0xFF
    path.write_bytes(content)


def changed(path: Path, part: str, change: Any) -> None:
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)


def another_fact(path: Path) -> None:
    changed(path, "tables/event.copy", lambda content: content.replace(b"2026-01-09", b"2026-01-19"))


def fewer_rows(path: Path) -> None:
    changed(path, "tables/event.copy", lambda content: content.split(b"\n", 1)[1])


def no_manifest(path: Path) -> None:
    changed(path, MANIFEST, lambda _: b"{}")


def no_backup(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 something else")


@pytest.mark.parametrize("harm", [cut, overwritten, another_fact, fewer_rows, no_manifest, no_backup])
async def test_a_file_that_is_cut_or_changed_is_refused_and_nothing_changes(
    harm: Any, kept: Path, database: Database, elsewhere: Database, settings: Settings
) -> None:
    harm(kept)
    before = await contents(database)
    with pytest.raises(Problem) as refused:
        await brought_back(database, settings, kept, replace=True)
    assert refused.value.kind == "unreadable"
    assert await contents(database) == before
    with pytest.raises(Problem):
        await brought_back(elsewhere, settings, kept)
    async with elsewhere.engine.connect() as connection:
        assert await migrating.current(connection) is None


async def test_a_database_that_holds_data_is_replaced_only_when_asked(
    kept: Path, client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    before = await contents(database)
    await client.post("/v1/events", json=received("LATER"))
    later = await contents(database)
    with pytest.raises(Problem, match="conflict"):
        await brought_back(database, settings, kept)
    assert await contents(database) == later
    await brought_back(database, settings, kept, replace=True)
    assert await contents(database) == before


async def test_a_backup_of_an_earlier_release_comes_back_upgraded(
    elsewhere: Database, database: Database, settings: Settings, tmp_path: Path
) -> None:
    await migrating.upgrade(elsewhere, "0001")
    async with elsewhere.transaction() as connection:
        await connection.execute(
            sa.text("INSERT INTO unit (code, name, kind) VALUES ('old', 'Phường cũ', 'ward')")
        )
    old = await written(Deployment(settings, elsewhere), tmp_path / "old.backup")
    await brought_back(database, settings, old)
    async with database.transaction() as connection:
        assert await migrating.is_current(connection)
        assert list(await connection.scalars(sa.text("SELECT code FROM unit"))) == ["old"]


async def test_a_backup_of_a_newer_release_is_refused(
    kept: Path, elsewhere: Database, settings: Settings
) -> None:
    changed(kept, MANIFEST, lambda content: json.dumps(json.loads(content) | {"revision": "9999"}).encode())
    with pytest.raises(Problem, match="9999"):
        await brought_back(elsewhere, settings, kept)


async def test_the_secret_key_is_in_the_file_only_when_asked_for(
    kept: Path, deployment: Deployment, elsewhere: Database, tmp_path: Path
) -> None:
    key = content(tmp_path / FILE)
    with_key = await written(deployment, tmp_path / "with-key.backup", with_secret_key=True)
    assert (mode(kept), mode(with_key)) == (0o600, 0o600)
    with zipfile.ZipFile(kept) as without, zipfile.ZipFile(with_key) as holding:
        assert all(key not in without.read(name) for name in without.namelist())
        assert holding.read(FILE) == key
    moved = deployment.settings.model_copy(update={"data_dir": tmp_path / "moved"})
    assert (await brought_back(elsewhere, moved, kept)).secret_key == "missing"
    assert (await brought_back(elsewhere, moved, with_key, replace=True)).secret_key == "restored"
    assert content(moved.data_dir / FILE) == key
    another = moved.model_copy(update={"secret_key": SecretStr("another key of this place, long enough")})
    assert (await brought_back(elsewhere, another, with_key, replace=True)).secret_key == "different"


async def test_a_file_that_exists_is_never_overwritten(kept: Path, deployment: Deployment) -> None:
    before = content(kept)
    with pytest.raises(Problem, match="conflict"):
        await written(deployment, kept)
    assert content(kept) == before


def test_every_table_that_guards_a_database_exists() -> None:
    assert set(_PRECIOUS) <= set(metadata.tables)
