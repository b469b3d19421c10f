"""Commitments and limited keys, for the tests of targets."""

from typing import Any

import httpx


async def commit(client: httpx.AsyncClient, key: str = "b-2026", status: int = 200, **terms: Any) -> Any:
    """Write a commitment of unit B: 90 % on time in 2026."""
    body = {
        "unit": "B",
        "metric": "on_time",
        "period": "2026",
        "target": 0.9,
        "signed_by": "Chủ tịch UBND B",
        "signed_on": "2026-01-10",
    }
    answer = await client.put(f"/v1/commitments/{key}", json=body | terms)
    assert answer.status_code == status, answer.text
    return answer.json()


async def got(client: httpx.AsyncClient, path: str, status: int = 200, **parameters: Any) -> Any:
    answer = await client.get(f"/v1/{path}", params=parameters)
    assert answer.status_code == status, answer.text
    return answer.json()
