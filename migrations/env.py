"""Runs migrations over the connection that the product hands in, or over the address in the settings.

It sets the limits under which a migration may touch a live database, and knows no table itself.
"""

import asyncio

import sqlalchemy as sa
from alembic import context

from app.kit.db import Database
from app.settings import Settings
from app.tables import metadata


def _run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run_alone() -> None:
    url = Settings().database_url
    if url is None:
        raise SystemExit("Set DUNGHEN_DATABASE_URL to run alembic by hand.")
    database = Database(url.get_secret_value(), application_name="alembic")
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await database.close()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    asyncio.run(_run_alone())
