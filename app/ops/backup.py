"""`dunghen backup` and `dunghen restore`: every table as it stood at one instant, into one file and back.

It knows transactions and what must never be overwritten unasked; the file's form is `archive`'s.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app import __version__
from app.kit import migrating
from app.kit.clock import Clock
from app.kit.db import Database
from app.kit.problems import Problem
from app.kit.text import Text
from app.metrics.tables import cell, cell_delta, cell_rules
from app.ops import archive, schema
from app.ops.archive import Archive, Kept, Manifest, Progress, Sequence
from app.ops.tables import heartbeat
from app.settings import Settings
from app.webhooks import vault

_LEFT_OUT: Final = frozenset({heartbeat.name, cell.name, cell_delta.name, cell_rules.name})
"""What only tells of this moment: a worker of long ago must not look alive after a restore. And cells: the worker counts
them anew where there are none, and those of a file would be counted twice when its dossiers are filled in beside them."""

_PRECIOUS: Final = (
    "event",
    "unit",
    "procedure",
    "api_key",
    "endpoint",
    "lagging_rule",
    "commitment",
    "scheme",
)
"""A database in which one of these holds a row is somebody's; others are filled by the service itself."""

_NO_SCHEMA: Final = Text(
    "Cơ sở dữ liệu này chưa có bảng nào của Đúng Hẹn.", "This database has no tables of Đúng Hẹn yet."
)
_NOT_EMPTY: Final = Text(
    "Cơ sở dữ liệu đã có dữ liệu ({tables}). Chỉ khôi phục vào cơ sở dữ liệu trống, hoặc dùng --replace để thay toàn bộ.",
    "The database holds data ({tables}). Restore into an empty one, or replace all of it with --replace.",
)
_NEWER: Final = Text(
    "Bản sao lưu do phiên bản mới hơn tạo ra ({version}, lược đồ {revision}); hãy nâng cấp rồi khôi phục.",
    "The backup was made by a newer release ({version}, schema {revision}); upgrade, then restore.",
)
_NEWER_DATABASE: Final = Text(
    "Cơ sở dữ liệu có lược đồ mới hơn phiên bản này ({revision}).",
    "The database has a schema that is newer than this release ({revision}).",
)
_OTHER_TABLES: Final = Text(
    "Bản sao lưu có bảng hoặc cột mà lược đồ {revision} không có: {names}.",
    "The backup has tables or columns that the schema {revision} has not: {names}.",
)
_COUNT: Final = Text(
    "Bảng {table}: bản sao lưu có {rows} dòng, đã nạp {loaded}.",
    "Table {table}: the backup has {rows} rows, {loaded} were loaded.",
)

KeyState = Literal["unneeded", "same", "restored", "missing", "different"]


@dataclass(frozen=True)
class Restored:
    """What a restore did. `secret_key` says whether webhook secrets can be read here."""

    manifest: Manifest
    secret_key: KeyState


async def backup(
    database: Database,
    settings: Settings,
    path: Path,
    *,
    with_secret_key: bool,
    clock: Clock,
    progress: Progress,
) -> Manifest:
    """Write every table, as it stood at one instant, into a new file; the service may run meanwhile.

    The schema may be of an earlier release. Raises Problem conflict when the file exists or there is no schema.
    """
    key = vault.kept_key(settings)
    with archive.written(path) as file:
        async with database.snapshot() as connection:
            revision = await migrating.current(connection)
            if revision is None:
                raise Problem("conflict", _NO_SCHEMA)
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            found = await schema.tables(connection)
            told = _counted(progress, sum(size for _, size in found.values()))
            kept = [
                await _copied(connection, file, name, columns, told)
                for name, (columns, _) in found.items()
                if name not in _LEFT_OUT
            ]
            sequences = [
                Sequence(table=table, column=column, last_value=last, is_called=called)
                for table, column, last, called in await schema.sequences(connection)
            ]
        manifest = Manifest(
            version=__version__,
            revision=revision,
            made_at=clock(),
            tables=kept,
            sequences=sequences,
            secret_key=vault.fingerprint(key) if key else None,
            secret_key_included=with_secret_key and key is not None,
        )
        file.finish(manifest, key if with_secret_key else None)
    return manifest


def _counted(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        progress(min(done, total), total)

    return told


async def _driver(connection: AsyncConnection) -> Any:
    """Asyncpg's own connection, for COPY; it is in the transaction that SQLAlchemy began."""
    return (await connection.get_raw_connection()).driver_connection


async def _copied(
    connection: AsyncConnection,
    file: archive.Writer,
    name: str,
    columns: list[str],
    told: Callable[[int], None],
) -> Kept:
    driver = await _driver(connection)
    listed = ", ".join(schema.quoted(column) for column in columns)
    with file.part(name, told) as part:
        await driver.copy_from_query(
            f"SELECT {listed} FROM {schema.quoted(name)}",  # noqa: S608 - the catalogue's own names
            output=part.write,
            format="text",
        )
    return part.kept(name, columns)


async def restore(
    database: Database, settings: Settings, path: Path, *, replace: bool, progress: Progress
) -> Restored:
    """Fill the database from a backup and bring it to this release's schema: all of it, or nothing.

    The file is checked to its last byte before the database is touched. Raises Problem unreadable for a file that is
    damaged, and conflict for a database that holds data (unless `replace`) or a backup of a newer release.
    """
    with archive.opened(path) as found:
        found.check(progress)
        manifest = found.manifest
        if not migrating.is_known(manifest.revision):
            raise Problem("conflict", _NEWER.filled(version=manifest.version, revision=manifest.revision))
        async with database.transaction() as connection:
            await migrating.guard(connection)
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            await _made_ready(connection, manifest.revision, replace=replace)
            await _loaded(connection, found, progress)
            await migrating.bring(connection, "head")
        return Restored(manifest, _key_put_back(found, settings))


async def _made_ready(connection: AsyncConnection, revision: str, *, replace: bool) -> None:
    """Give the database the backup's schema, without rows."""
    here = await migrating.current(connection)
    if here is not None and not migrating.is_known(here):
        raise Problem("conflict", _NEWER_DATABASE.filled(revision=here))
    there = await schema.tables(connection)
    precious = await schema.filled(connection, [name for name in _PRECIOUS if name in there])
    if precious and not replace:
        raise Problem("conflict", _NOT_EMPTY.filled(tables=", ".join(precious)))
    if here != revision:
        if here is not None:
            await migrating.bring(connection, "base", down=True)
        await migrating.bring(connection, revision)
    await schema.emptied(connection, list(await schema.tables(connection)))


async def _loaded(connection: AsyncConnection, found: Archive, progress: Progress) -> None:
    manifest = found.manifest
    there = await schema.tables(connection)
    strange = [
        kept.name
        for kept in manifest.tables
        if not set(kept.columns) <= set(there.get(kept.name, ((), 0))[0])
    ]
    if strange:
        raise Problem("conflict", _OTHER_TABLES.filled(revision=manifest.revision, names=", ".join(strange)))
    # What triggers would derive from a row as it comes in is in the backup already, and would count twice.
    await schema.triggers(connection, list(there), fire=False)
    driver = await _driver(connection)
    told = _counted(progress, sum(kept.bytes for kept in manifest.tables))
    for kept in manifest.tables:
        status = await driver.copy_to_table(
            kept.name, source=found.rows(kept, told), columns=kept.columns, format="text"
        )
        if (loaded := int(status.split()[-1])) != kept.rows:
            raise Problem("conflict", _COUNT.filled(table=kept.name, rows=kept.rows, loaded=loaded))
    await schema.triggers(connection, list(there), fire=True)
    for sequence in manifest.sequences:
        await schema.go_on_at(
            connection, sequence.table, sequence.column, sequence.last_value, sequence.is_called
        )
    await connection.execute(sa.text("ANALYZE"))


def _key_put_back(found: Archive, settings: Settings) -> KeyState:
    """Put the secret key back where none is, and say whether this deployment's key is the backup's."""
    manifest = found.manifest
    if manifest.secret_key is None or not manifest.rows("endpoint"):
        return "unneeded"
    here, kept = vault.kept_key(settings), found.secret_key()
    if here is None and kept is not None:
        path = settings.data_dir / vault.FILE
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(kept)
            file.flush()
            os.fsync(file.fileno())
        return "restored"
    if here is None:
        return "missing"
    return "same" if vault.fingerprint(here) == manifest.secret_key else "different"
