"""Lines are committed in portions; what is sent twice in one delivery is told so also across portions."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.dossiers.makers import at

PORTION = 5_000


def line(number: int, **changed: Any) -> bytes:
    event = {
        "id": f"e-{number}",
        "source": "/igate",
        "type": "dossier.processed",
        "subject": "H10-1",
        "time": (at("2026-03-02 09:00") + timedelta(seconds=number)).isoformat(),
        "data": {},
    }
    return json.dumps(event | changed).encode() + b"\n"


@pytest.mark.parametrize("between", [10, PORTION], ids=["in one portion", "across portions"])
@pytest.mark.parametrize(
    ("changed", "told"),
    [({}, {"duplicate": 1, "rejected": 0}), ({"subject": "H10-2"}, {"duplicate": 0, "rejected": 1})],
    ids=["the same again", "another content"],
)
async def test_an_id_that_comes_twice_in_one_delivery_is_a_duplicate_or_a_conflict(
    client: httpx.AsyncClient, between: int, changed: dict[str, Any], told: dict[str, int]
) -> None:
    body = b"".join(line(number) for number in range(between)) + line(0, **changed)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = (await client.post("/v1/events", content=body, headers=headers)).json()
    assert {name: answer[name] for name in told} | {"accepted": answer["accepted"]} == {
        **told,
        "accepted": between,
    }
