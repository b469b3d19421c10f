"""Which errors say that the database is away, so that a sender hears 503 and sends again."""

import asyncpg
import pytest

from app.kit.db import is_away


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.InterfaceError("cannot call Transaction.__aexit__(): the underlying connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_driver_says_of_a_killed_server(error: Exception) -> None:
    assert is_away(error)


def test_a_wrong_statement_is_no_absence() -> None:
    assert not is_away(asyncpg.UndefinedTableError())
