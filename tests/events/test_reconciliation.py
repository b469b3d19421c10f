"""What a source counted on a day against what the log holds."""

import hashlib
from typing import Any

import httpx

from app.kit.db import Database
from tests.directory.makers import key
from tests.events.makers import received

DAY = "2026-01-05"


async def reconciled(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    answer = await client.post("/v1/reconciliations", json={"source": "/a", "day": DAY, **told})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def send(client: httpx.AsyncClient) -> list[str]:
    times = (
        "2026-01-04T17:00:00Z",
        "2026-01-05T08:00:00+07:00",
        "2026-01-05T16:59:59Z",
        "2026-01-05T17:00:00Z",
    )
    events = [
        received(f"H{place}", unit="u") | {"id": f"é{9 - place}", "source": "/a", "time": time}
        for place, time in enumerate(times)
    ]
    other = received("H9", unit="u") | {"id": "1", "source": "/b", "time": times[1]}
    answer = await client.post("/v1/events", json=[*events, other])
    assert answer.status_code == 202, answer.text
    return [event["id"] for event in events[:3]]


async def test_a_day_that_agrees_matches_by_counts_and_by_hash(client: httpx.AsyncClient) -> None:
    ids = await send(client)
    digest = hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()
    answer = await reconciled(client, counts={"dossier.received": 3}, hash=digest)
    assert answer == {
        "source": "/a",
        "day": DAY,
        "matches": True,
        "types": [{"type": "dossier.received", "told": 3, "stored": 3, "missing": 0, "extra": 0}],
        "hash": digest,
        "hash_matches": True,
    }
    assert (await reconciled(client, counts={"dossier.received": 3}))["hash_matches"] is None
    other = await reconciled(client, counts={"dossier.received": 3}, hash="0" * 64)
    assert (other["matches"], other["hash_matches"]) == (False, False)


async def test_what_is_missing_and_what_is_extra_is_told_by_type(client: httpx.AsyncClient) -> None:
    await send(client)
    answer = await reconciled(client, counts={"dossier.processed": 2})
    assert answer["matches"] is False
    assert answer["types"] == [
        {"type": "dossier.received", "told": 0, "stored": 3, "missing": 0, "extra": 3},
        {"type": "dossier.processed", "told": 2, "stored": 0, "missing": 2, "extra": 0},
    ]


async def test_what_cannot_be_reconciled_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    good = {"source": "/a", "day": DAY, "counts": {}}
    bad = (
        {"counts": {"dossier.lost": 1}},
        {"counts": {"dossier.received": -1}},
        {"day": "2026-02-30"},
        {"hash": "x"},
        {"extra": 1},
    )
    for wrong in bad:
        assert (await client.post("/v1/reconciliations", json=good | wrong)).status_code == 422, wrong
    for headers, status in (
        (await key(database, "events:read"), 403),
        (await key(database, "events:write", sources=["/b"]), 403),
        (await key(database, "events:write", sources=["/a"]), 200),
    ):
        answer = await client.post("/v1/reconciliations", json=good, headers=headers)
        assert answer.status_code == status


async def test_a_limited_key_compares_with_what_such_keys_sent(
    client: httpx.AsyncClient, database: Database
) -> None:
    await send(client)
    limited = await key(database, "events:write", unit="u")
    told = {"source": "/a", "day": DAY, "counts": {}}
    assert (await client.post("/v1/reconciliations", json=told, headers=limited)).json()["matches"] is True
