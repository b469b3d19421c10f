"""What an answer can do without is given up in time, and nothing else suffers for it."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.abreast import abreast, spared
from app.kit.db import STATEMENT_TIMEOUT, Database


def sleeping(seconds: float) -> Any:
    async def ask(connection: AsyncConnection) -> str:
        await connection.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
        return "slept"

    return ask


async def broken(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("SELECT 1 / 0"))


async def test_only_what_takes_too_long_is_missing(database: Database) -> None:
    async with database.snapshot() as connection:
        answers = await abreast(
            database,
            connection,
            {
                "long": spared(sleeping(30), 0.05),
                "short": spared(sleeping(0), 5),
                "whole": sleeping(0.1),
            },
        )
        assert answers == {"long": None, "short": "slept", "whole": "slept"}
        assert await spared(sleeping(30), 0.05)(connection) is None
        assert await spared(sleeping(0), 5)(connection) == "slept"
        limit = await connection.scalar(sa.text("SELECT current_setting('statement_timeout')::interval"))
        assert limit == await connection.scalar(sa.text(f"SELECT interval '{STATEMENT_TIMEOUT}'"))


async def test_any_other_error_is_raised(database: Database) -> None:
    async with database.snapshot() as connection:
        with pytest.raises(sa.exc.DBAPIError):
            await spared(broken, 5)(connection)
