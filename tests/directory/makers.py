"""Units, procedures and keys for the tests of the directory.

They go the way a sender's go: units and procedures over HTTP, keys through the command's function.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from app.directory import queries as directory
from app.keys import queries as keys
from app.kit.db import Database

Headers = dict[str, str]

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def unit(code: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    """A unit of an array; its name is its code's unless told."""
    return {"code": code, "name": f"Đơn vị {code}", "kind": "ward", "parent": parent, **fields}


def procedure(code: str, **fields: Any) -> dict[str, Any]:
    """A procedure of an array."""
    return {
        "code": code,
        "name": f"Thủ tục {code}",
        "sector": "land",
        "service_level": "full",
        "fee_required": True,
        **fields,
    }


async def put(
    client: httpx.AsyncClient,
    entries: list[dict[str, Any]],
    headers: Headers | None = None,
    *,
    kind: str = "units",
) -> dict[str, int]:
    """Describe these units or procedures, with every scope unless `headers` bring a key; what doing so counted."""
    answer = await client.put(f"/v1/{kind}", json=entries, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def key(
    database: Database, *scopes: str, unit: str | None = None, sources: Sequence[str] = ()
) -> Headers:
    """The header of a new key."""
    async with database.transaction() as connection:
        token = await keys.create(connection, name="test", scopes=scopes, unit=unit, sources=sources, now=NOW)
    return {"Authorization": f"Bearer {token.text}"}


async def changes(database: Database) -> list[tuple[str, str]]:
    """What changed since this was last asked."""
    async with database.transaction() as connection:
        return list(await directory.claim_changes(connection))


TREE = [
    unit("H10", kind="province"),
    unit("H10.1", "H10", kind="city"),
    unit("H10.1.a", "H10.1"),
    unit("H10.1.b", "H10.1"),
    unit("H10.2", "H10", kind="district"),
    unit("H10.2.a", "H10.2"),
    unit("H44", kind="province"),
]
