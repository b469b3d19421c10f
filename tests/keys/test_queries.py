from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.keys import queries
from app.keys.terms import KeyTermsError
from app.keys.token import digest
from app.kit.db import Database

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {"name": "iGate", "scopes": ["events:write"], "now": NOW}


async def test_a_key_is_listed_with_all_its_terms_but_never_stored_in_the_clear(database: Database) -> None:
    async with database.transaction() as connection:
        token = await queries.create(
            connection,
            name="Một cửa Mũi Né",
            scopes=["metrics:read", "events:write", "events:write"],
            unit="H10.25",
            sources=["/igate", "/fpt"],
            expires_at=NOW + timedelta(days=1),
            now=NOW,
        )
        (key,) = await queries.listed(connection)
        stored = await connection.scalar(sa.text("SELECT api_key::text FROM api_key"))
    assert key == queries.StoredKey(
        id=token.id,
        name="Một cửa Mũi Né",
        scopes=("events:write", "metrics:read"),
        unit="H10.25",
        sources=("/fpt", "/igate"),
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
        revoked_at=None,
    )
    assert token.text[-32:] not in str(stored)


async def test_a_key_is_revoked_once_and_for_ever(database: Database) -> None:
    async with database.transaction() as connection:
        token = await queries.create(connection, **GOOD)
        other = await queries.create(connection, **GOOD)
        assert await queries.revoke(connection, token.id, NOW)
        assert not await queries.revoke(connection, token.id, NOW + timedelta(days=1))
        assert not await queries.revoke(connection, "nobodys", NOW)
        revoked_at = {key.id: key.revoked_at for key in await queries.listed(connection)}
    assert revoked_at == {token.id: NOW, other.id: None}


async def test_many_hashes_are_looked_up_at_once_and_only_valid_keys_answer(database: Database) -> None:
    async with database.transaction() as connection:
        plain = await queries.create(connection, **GOOD)
        bound = await queries.create(connection, **GOOD, unit="H10", sources=["/igate"])
        revoked = await queries.create(connection, **GOOD)
        await queries.revoke(connection, revoked.id, NOW)
        ending = await queries.create(connection, **GOOD, expires_at=NOW + timedelta(hours=1))
        hashes = {token.id: digest(token.text) or b"" for token in (plain, bound, revoked, ending)}

    async with database.straight() as straight:

        async def holders(now: datetime) -> set[str]:
            found = await queries.valid(straight, [*hashes.values(), b"no key's"], now)
            assert all(hashes[caller.key_id] == hashed for hashed, caller in found.items())
            return {caller.key_id for caller in found.values()}

        last = NOW + timedelta(hours=1)
        assert await holders(last - timedelta(microseconds=1)) == {plain.id, bound.id, ending.id}
        assert await holders(last) == {plain.id, bound.id}
        callers = {
            caller.key_id: caller for caller in (await queries.valid(straight, hashes.values(), NOW)).values()
        }
    assert (callers[plain.id].unit, callers[plain.id].sources) == (None, None)
    assert (callers[bound.id].unit, callers[bound.id].sources) == ("H10", frozenset({"/igate"}))


async def test_a_key_with_impossible_terms_is_not_issued(database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(KeyTermsError, match="at least one scope"):
            await queries.create(connection, **{**GOOD, "scopes": []})
        assert await queries.listed(connection) == []
