import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.keys import queries
from app.keys.caller import BOOTSTRAP, SCOPES
from app.keys.keyring import Keyring
from app.keys.token import Token, mint
from app.kit.clock import system_clock
from app.kit.db import Database, Straight, is_away
from app.settings import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def settings(bootstrap: str | None = None) -> Settings:
    return Settings(_env_file=None, bootstrap_key=None if bootstrap is None else SecretStr(bootstrap))


async def issued(database: Database, **terms: Any) -> Token:
    async with database.transaction() as connection:
        return await queries.create(connection, name="iGate", scopes=["events:write"], now=NOW, **terms)


@contextmanager
def statements() -> Iterator[list[object]]:
    """Every statement that goes straight to the database while the block runs."""
    sent: list[object] = []
    real = Straight.rows

    async def noted(
        self: Straight, statement: sa.ClauseElement, parameters: Mapping[str, Any]
    ) -> Sequence[Any]:
        sent.append(statement)
        return await real(self, statement, parameters)

    with patch.object(Straight, "rows", noted):
        yield sent


async def test_concurrent_look_ups_share_statements_and_each_gets_its_own_answer(database: Database) -> None:
    tokens = [await issued(database) for _ in range(5)]
    strangers = [mint() for _ in range(5)]
    keyring = Keyring(database, settings(), system_clock)
    with statements() as sent:
        asked = [*tokens, *strangers] * 20
        callers = await asyncio.gather(*(keyring.caller(token.text) for token in asked))
    known = {token.id for token in tokens}
    expected = [token.id if token.id in known else None for token in asked]
    assert [caller and caller.key_id for caller in callers] == expected
    assert len(sent) <= 3, "200 look-ups, but no statement each"


async def test_one_request_costs_one_statement_and_nothing_is_remembered(database: Database) -> None:
    token = await issued(database)
    keyring = Keyring(database, settings(), system_clock)
    with statements() as sent:
        for _ in range(3):
            assert await keyring.caller(token.text)
    assert len(sent) == 3


async def test_a_revoked_key_is_refused_at_once_by_every_process(database: Database) -> None:
    token = await issued(database)
    elsewhere = Database(database.url.render_as_string(hide_password=False), application_name="elsewhere")
    keyrings = [Keyring(each, settings(), system_clock) for each in (database, elsewhere)]
    try:
        assert all([await keyring.caller(token.text) for keyring in keyrings])
        async with database.transaction() as connection:
            await queries.revoke(connection, token.id, NOW)
        assert not any([await keyring.caller(token.text) for keyring in keyrings])
    finally:
        await elsewhere.close()


async def test_under_load_no_answer_is_older_than_its_question(database: Database) -> None:
    tokens = [await issued(database) for _ in range(8)]
    keyring = Keyring(database, settings(), system_clock)
    revoked: set[str] = set()

    async def ask(token: Token) -> None:
        while True:
            was_revoked = token.id in revoked
            found = await keyring.caller(token.text)
            assert not (was_revoked and found), "asked after the revocation was committed"
            if found is None:
                return

    async def revoke_one_by_one() -> None:
        for token in tokens:
            async with database.transaction() as connection:
                await queries.revoke(connection, token.id, NOW)
            revoked.add(token.id)

    await asyncio.gather(*(ask(token) for token in tokens for _ in range(4)), revoke_one_by_one())


async def test_a_key_is_valid_up_to_but_not_at_its_expiry(database: Database) -> None:
    token = await issued(database, expires_at=NOW + timedelta(days=1))
    now = NOW
    keyring = Keyring(database, settings(), lambda: now)
    assert await keyring.caller(token.text)
    now = NOW + timedelta(days=1)
    assert await keyring.caller(token.text) is None


@pytest.fixture
def away() -> Database:
    """A database that nobody answers for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Database(f"postgresql://dunghen@127.0.0.1:{port}/dunghen", application_name="away")


@pytest.mark.parametrize("secret", ["0123456789abcdef", "khóa-khởi-đầu-của-thành-phố"])
async def test_the_bootstrap_key_has_every_scope_and_needs_no_database(away: Database, secret: str) -> None:
    keyring = Keyring(away, settings(secret), system_clock)
    as_a_header_carries_it = secret.encode().decode("latin-1")
    assert await keyring.caller(as_a_header_carries_it) == BOOTSTRAP
    assert BOOTSTRAP.scopes == frozenset(SCOPES)
    assert (BOOTSTRAP.unit, BOOTSTRAP.sources) == (None, None)
    for wrong in (as_a_header_carries_it[:-1], as_a_header_carries_it + "x", "đ" * 16, ""):
        assert await keyring.caller(wrong) is None


async def test_without_a_bootstrap_key_none_is_accepted(away: Database) -> None:
    assert await Keyring(away, settings(), system_clock).caller("") is None


async def test_a_database_that_is_away_is_told_apart_from_a_wrong_key(away: Database) -> None:
    with pytest.raises(ConnectionRefusedError) as raised:
        await Keyring(away, settings(), system_clock).caller(mint().text)
    assert is_away(raised.value)
