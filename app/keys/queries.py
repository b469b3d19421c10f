"""Every statement on API keys: issue, list, revoke, and the look-up that stands in front of each request.

It stores hashes only, and knows nothing of HTTP.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.keys import terms
from app.keys.caller import Caller
from app.keys.tables import api_key
from app.keys.token import Token, digest, mint
from app.kit.db import Straight


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it can be shown: everything but the key itself. Instants are UTC."""

    id: str
    name: str
    scopes: tuple[str, ...]
    unit: str | None
    sources: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def create(
    connection: AsyncConnection,
    *,
    name: str,
    scopes: Collection[str],
    unit: str | None = None,
    sources: Collection[str] = (),
    expires_at: datetime | None = None,
    now: datetime,
) -> Token:
    """Issue a key; its text is in the answer and nowhere else.

    No `sources`: it may speak for any. It is valid before `expires_at`. Raises `terms.KeyTermsError`.
    """
    terms.check(name=name, scopes=scopes, unit=unit, sources=sources, expires_at=expires_at, now=now)
    token = mint()
    await connection.execute(
        sa.insert(api_key),
        {
            "id": token.id,
            "name": name,
            "hash": digest(token.text),
            "scopes": sorted(set(scopes)),
            "unit": unit,
            "sources": sorted(set(sources)) or None,
            "created_at": now,
            "expires_at": expires_at,
        },
    )
    return token


async def listed(connection: AsyncConnection) -> list[StoredKey]:
    """Every key ever issued, the oldest first; revoked and expired ones stay on the list."""
    rows = await connection.execute(sa.select(api_key).order_by(api_key.c.created_at, api_key.c.id))
    return [
        StoredKey(
            id=row.id,
            name=row.name,
            scopes=tuple(row.scopes),
            unit=row.unit,
            sources=None if row.sources is None else tuple(row.sources),
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


async def revoke(connection: AsyncConnection, id: str, now: datetime) -> bool:  # noqa: A002 - the column's name
    """Take a key back for ever; False when no such key is left to revoke."""
    revoked = await connection.execute(
        sa.update(api_key)
        .where(api_key.c.id == id, api_key.c.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(api_key.c.id)
    )
    return revoked.first() is not None


_VALID: Final = sa.select(
    api_key.c.hash, api_key.c.id, api_key.c.name, api_key.c.scopes, api_key.c.unit, api_key.c.sources
).where(
    api_key.c.hash == sa.any_(sa.bindparam("hashes", type_=ARRAY(sa.LargeBinary))),
    api_key.c.revoked_at.is_(None),
    sa.or_(
        api_key.c.expires_at.is_(None),
        api_key.c.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    ),
)


async def valid(connection: Straight, hashes: Collection[bytes], now: datetime) -> dict[bytes, Caller]:
    """Who holds which of these hashes, as far as their keys are valid at `now`: neither revoked nor expired."""
    rows = await connection.rows(_VALID, {"hashes": list(hashes), "now": now})
    return {
        hashed: Caller(key_id, name, frozenset(scopes), unit, None if sources is None else frozenset(sources))
        for hashed, key_id, name, scopes, unit, sources in rows
    }
