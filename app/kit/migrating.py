"""Brings a database to the schema of this release, and tells whether it is there.

It knows Alembic and locks; what a migration does stands in `migrations/`.
"""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.db import Database

_LOCK: Final = 0x64756E67
"""Advisory lock: of several processes that start at once, one migrates and the others wait."""

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def configuration() -> Config:
    """Alembic's configuration, from the installed package or from a checkout."""
    packaged = _PACKAGE / "_migrations"
    config = Config()
    config.set_main_option(
        "script_location", str(packaged if packaged.is_dir() else _PACKAGE.parent / "migrations")
    )
    return config


async def upgrade(database: Database, revision: str = "head") -> None:
    """Run the missing migrations in one transaction: all of them, or none."""
    async with database.engine.begin() as connection:
        await guard(connection)
        await bring(connection, revision)


async def downgrade(database: Database, revision: str) -> None:
    """Take migrations back to `revision` in one transaction."""
    async with database.engine.begin() as connection:
        await guard(connection)
        await bring(connection, revision, down=True)


async def bring(connection: AsyncConnection, revision: str, *, down: bool = False) -> None:
    """Bring the schema to a revision inside the caller's transaction, which `guard` has prepared."""
    await connection.run_sync(lambda sync: _run(sync, revision, down=down))


async def guard(connection: AsyncConnection) -> None:
    """Let one process at a time change the schema, until the transaction ends."""
    await connection.execute(sa.text("SET LOCAL statement_timeout = '15min'"))
    await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    # A migration that cannot have its lock soon gives up, instead of making every request queue behind it.
    await connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))


def _run(connection: sa.Connection, revision: str, *, down: bool) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)


async def is_current(connection: AsyncConnection) -> bool:
    """Whether the database has exactly the migrations of this release."""
    heads = set(ScriptDirectory.from_config(configuration()).get_heads())
    found = await connection.run_sync(lambda sync: set(MigrationContext.configure(sync).get_current_heads()))
    return bool(found == heads)


async def current(connection: AsyncConnection) -> str | None:
    """The revision that the database has; None without a schema of ours."""
    found: str | None = await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )
    return found


def is_known(revision: str) -> bool:
    """Whether this release has the migration `revision`."""
    return revision in {
        found.revision for found in ScriptDirectory.from_config(configuration()).walk_revisions()
    }
