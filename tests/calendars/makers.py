"""Drafts of calendar versions, small and valid, and the calls that write them."""

from typing import Any

import httpx

Json = dict[str, Any]


def off(day: str, name: str = "Nghỉ bão", **more: Any) -> Json:
    return {"day": day, "kind": "off", "name": name, **more}


def worked(day: str, **more: Any) -> Json:
    return {"day": day, "kind": "worked", "name": "Làm bù", **more}


def window(opens: str, closes: str) -> Json:
    return {"opens": opens, "closes": closes}


def terms(*days: Json, **more: Any) -> Json:
    """A version that holds from 2026 on."""
    return {"effective_from": "2026-01-01", "source": {"title": "Công văn mẫu"}, "days": list(days), **more}


async def write(client: httpx.AsyncClient, number: int, body: Json, key: str = "plain") -> httpx.Response:
    return await client.put(f"/v1/calendars/{key}/versions/{number}", json=body)


async def enforce(client: httpx.AsyncClient, number: int, body: Json, key: str = "plain") -> None:
    """Write a version and put it in force."""
    answer = await write(client, number, body, key)
    assert answer.status_code == 200, answer.text
    answer = await client.post(f"/v1/calendars/{key}/versions/{number}/put-in-force")
    assert answer.status_code == 200, answer.text
