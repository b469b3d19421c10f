"""The whole line on real processes: events in, a unit falls behind, a signed webhook arrives; and nothing twice."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.events.makers import Json, event
from tests.processes import serving

TARGET, ENOUGH = 0.9, 10


class Receiver:
    """A webhook receiver that refuses the first two calls and keeps what it was sent."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers["content-length"]))
        self.calls.append((headers, body))
        status = "500 No" if len(self.calls) <= 2 else "204 Yes"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Receiver"]:
        async with await asyncio.start_server(self.answer, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
            yield self

    async def called(self, times: int) -> None:
        async with asyncio.timeout(30):
            while len(self.calls) < times:  # noqa: ASYNC110 - the server that fills the list is another task
                await asyncio.sleep(0.05)


def dossiers(first: int, count: int, *, late: bool) -> list[Json]:
    """Dossiers of this month's first instant that were due at once, and ended in time or an hour late."""
    start = datetime.now(UTC) - timedelta(minutes=30)
    due = start + timedelta(minutes=10)
    end = due + timedelta(minutes=5 if late else -5)
    made = []
    for number in range(first, first + count):
        data = {"unit": "W1", "procedure": "1.004946", "channel": "online", "due_at": due.isoformat()}
        made.append(event("dossier.received", f"D{number}", start.isoformat(), data))
        made.append(event("dossier.processed", f"D{number}", end.isoformat(), {}))
    return made


async def send(client: httpx.AsyncClient, events: list[Json]) -> None:
    answer = await client.post("/v1/events", json=events, headers={"Prefer": "wait=30"})
    assert (answer.status_code, answer.json()["accepted"]) == (200, len(events))


async def alerts(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/v1/alerts")).json()["items"]
    return found


async def test_a_unit_that_falls_behind_is_told_once_signed_and_told_when_it_recovers(
    database_url: str, tmp_path: Path
) -> None:
    options = {
        "webhook_retry_schedule": "0.2,0.2,0.2,0.2",
        "webhook_retry_jitter": "0",
        "watch_interval": "1",
    }
    async with Receiver().listening() as receiver:
        with serving(database_url, tmp_path, **options) as served:
            async with served.client() as client:
                await _falls_behind(client, receiver)
            assert served.stop() == 0


async def _falls_behind(client: httpx.AsyncClient, receiver: Receiver) -> None:
    unit = {"name": "Phường mẫu", "name_en": "Sample ward", "kind": "ward"}
    assert (await client.put("/v1/units/W1", json=unit)).status_code in {200, 201}
    rule = {
        "metric": "on_time", "window": "rolling_30d", "target": TARGET, "min_denominator": ENOUGH, "margin": 0.01,
    }  # fmt: skip
    assert (await client.put("/v1/lagging-rules/on-time", json=rule)).status_code in {200, 201}
    hook = await client.post("/v1/webhooks", json={"url": receiver.url})
    assert hook.status_code == 201
    signed = Webhook(hook.json()["secret"])

    await send(client, dossiers(0, ENOUGH - 1, late=True))
    await asyncio.sleep(1.5)
    assert receiver.calls == []  # too few dossiers to judge

    await send(client, dossiers(100, 2, late=True))
    await receiver.called(3)
    ids = {headers["webhook-id"] for headers, _ in receiver.calls}
    assert len(ids) == 1
    assert all(signed.verify(body, headers) == json.loads(body) for headers, body in receiver.calls)
    told = json.loads(receiver.calls[-1][1])
    assert told["type"] == "unit.lagging"
    data = told["data"]
    assert (data["unit"]["code"], data["numerator"], data["denominator"]) == ("W1", 0, ENOUGH + 1)
    assert data["needed"] == 99  # 99 / (99 + 11) is the first to reach 90 %

    await send(client, dossiers(200, 100, late=True))
    await asyncio.sleep(1.5)
    assert len(receiver.calls) == 3
    assert [alert["closed_at"] for alert in await alerts(client)] == [None]

    await send(client, dossiers(1_000, 1_200, late=False))
    await receiver.called(4)
    told = signed.verify(receiver.calls[3][1], receiver.calls[3][0])
    assert told["type"] == "unit.recovered"
    await asyncio.sleep(1.5)
    assert Counter(json.loads(body)["type"] for _, body in receiver.calls) == {
        "unit.lagging": 3,
        "unit.recovered": 1,
    }
    assert [alert["closed_as"] for alert in await alerts(client)] == ["recovered"]
    deliveries = (
        await client.get(
            f"/v1/webhooks/{(await client.get('/v1/webhooks')).json()['items'][0]['id']}/deliveries"
        )
    ).json()
    assert len(deliveries["items"]) == 2
