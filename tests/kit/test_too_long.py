"""A statement that is broken off for its length is told as such, and not as a fault of ours."""

import pytest
import sqlalchemy as sa
from fastapi import Request

from app.kit.db import Database
from app.kit.http import logged


async def test_who_asks_for_too_much_hears_what_to_ask_instead(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("SET LOCAL statement_timeout = '50ms'"))
        with pytest.raises(sa.exc.DBAPIError) as broken_off:
            await connection.execute(sa.text("SELECT pg_sleep(5)"))
        await connection.rollback()
    problem = logged(
        Request({"type": "http", "headers": [], "state": {"request_id": "one"}}), broken_off.value
    )
    assert problem.status == 503
    assert "shorter period" in problem.detail.said("en")
    assert problem.headers["Retry-After"]
