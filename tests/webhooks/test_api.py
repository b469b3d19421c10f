"""The routes of webhooks: who may do what, what is refused, and what is never shown again."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.directory.tables import unit
from app.keys import queries as keys
from app.kit.deployment import Deployment
from app.webhooks.dispatcher import Dispatcher
from app.webhooks.tables import endpoint
from app.webhooks.types import TYPES
from tests.webhooks.conftest import DrivenClock
from tests.webhooks.makers import put, registered, states, stored
from tests.webhooks.receivers import receiver, status

JSON = {"Content-Type": "application/json"}
URL = "https://93.184.216.34/hook"


async def _as(
    app: FastAPI, here: Deployment, *scopes: str, unit_limit: str | None = None
) -> httpx.AsyncClient:
    """A client with a fresh key."""
    async with here.database.transaction() as connection:
        key = await keys.create(connection, name="test", scopes=scopes, unit=unit_limit, now=here.clock())
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"Authorization": f"Bearer {key.text}"}
    )


def _routes(identifier: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    one = f"/v1/webhooks/{identifier}"
    return [
        ("GET", one, None),
        ("PATCH", one, {"description": "x"}),
        ("POST", f"{one}/test", None),
        ("POST", f"{one}/rotate-secret", None),
        ("GET", f"{one}/deliveries", None),
        ("POST", f"{one}/deliveries/msg_{'0' * 32}/retry", None),
        ("POST", f"{one}/replay", {"since": "2026-01-01T00:00:00Z"}),
        ("DELETE", one, None),
    ]


async def test_a_webhook_is_registered_shown_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await registered(client, URL, unit="H10", types=["unit.lagging"], description="Phòng một cửa")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made | {"url": URL, "unit": "H10", "types": ["unit.lagging"], "ordered": False} == made
    assert made["enabled"] is True
    one = f"/v1/webhooks/{made['id']}"
    assert (await client.get(one)).json() == made
    changed = (await client.patch(one, json={"types": None, "ordered": True, "unit": None})).json()
    assert changed == made | {"types": None, "ordered": True, "unit": None}
    off = (await client.patch(one, json={"enabled": False})).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "requested")
    assert (await client.patch(one, json={"enabled": False})).json() == off
    assert (await client.patch(one, json={"enabled": True})).json() == changed
    assert (await client.patch(one, json={})).json() == changed
    assert (await client.delete(one)).status_code == 204
    assert (await client.get("/v1/webhooks")).json() == {"items": [], "next_cursor": None}


async def test_the_secret_is_encrypted_in_the_table_and_never_shown_again(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    made = await registered(client, URL)
    one = f"/v1/webhooks/{made['id']}"
    rotated = (await client.post(f"{one}/rotate-secret")).json()
    assert rotated["secret"] != made["secret"]
    row = repr(dict(await stored(deployment, made["id"])))
    answers = [await client.get(one), await client.get("/v1/webhooks"), await client.patch(one, json={})]
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in row
        assert secret.removeprefix("whsec_") not in row
        assert not [answer for answer in answers if secret in answer.text]


async def test_what_cannot_be_registered_is_refused_with_the_place_and_nothing_is_stored(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    refused: Sequence[tuple[dict[str, Any], str]] = [
        ({}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": "x" * 2049}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "http://93.184.216.34/"}, "/url"),
        ({"url": f"https://{'a' * 64}.vn/"}, "/url"),  # a label that no name server knows
        ({"url": "https://user@93.184.216.34/"}, "/url"),
        ({"url": URL, "types": []}, "/types"),
        ({"url": URL, "types": ["unit.laging"]}, "/types/0"),
        ({"url": URL, "unit": ""}, "/unit"),
        ({"url": URL, "unit": "H\0"}, "/unit"),
        ({"url": URL, "unit": "H" * 65}, "/unit"),
        ({"url": URL, "description": "\ud800"}, "/description"),
        ({"url": URL, "ordered": "yes"}, "/ordered"),
        ({"url": URL, "secret": "whsec_"}, "/secret"),
    ]
    for body, pointer in refused:
        answer = await client.post("/v1/webhooks", content=json.dumps(body), headers=JSON)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], body
    made = await registered(client, URL)
    for body in ({"url": None}, {"url": "https://10.0.0.1/"}, {"enabled": None}, {"types": []}, {"id": "x"}):
        assert (await client.patch(f"/v1/webhooks/{made['id']}", json=body)).status_code == 422, body
    async with deployment.database.snapshot() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(endpoint)) == 1


async def test_lists_come_in_pages(
    client: httpx.AsyncClient, deployment: Deployment, clock: DrivenClock
) -> None:
    ids = []
    for _ in range(5):
        ids.append((await registered(client, URL))["id"])
        clock.advance(seconds=1)
    messages = [await put(deployment) for _ in range(5)]
    deliveries = f"/v1/webhooks/{ids[0]}/deliveries"
    for path, expected in (("/v1/webhooks", ids), (deliveries, messages[::-1])):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get(path, params={"limit": "2", **cursor})).json()
            assert len(page["items"]) <= 2
            seen += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == expected
        for wrong in ({"cursor": "!"}, {"cursor": "eA"}, {"limit": "0"}, {"limit": "1001"}):
            assert (await client.get(path, params=wrong)).status_code == 422


async def test_the_log_of_deliveries_shows_answers_to_admin_alone(
    app: FastAPI, client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver(status(500, body=b"internal \0 detail" + b"x" * 5000), status(204)) as at:
        made = await registered(client, at.url)
        path = f"/v1/webhooks/{made['id']}/deliveries"
        message = await put(deployment)
        await dispatcher.run_once()
        assert (await client.post(f"{path}/{message}/retry")).status_code == 202
        await dispatcher.run_once()
        (item,) = (await client.get(path)).json()["items"]
        assert (item["id"], item["type"], item["unit"], item["state"]) == (
            message, "unit.lagging", "H10.1", "delivered",
        )  # fmt: skip
        assert item["next_attempt_at"] is None
        first, second = sorted(item["attempts"], key=lambda one: -int(one["status"]))
        assert (first["status"], second["status"], second["response"]) == (500, 204, "")
        assert first["duration_ms"] >= 0
        assert first["response"].startswith("internal \ufffd detail")
        assert len(first["response"].encode()) <= 2050
        async with await _as(app, deployment, "webhooks:write") as other:
            (item,) = (await other.get(path)).json()["items"]
            assert [tried["response"] for tried in item["attempts"]] == [None, None]
    assert (await client.get(path, params={"state": "pending"})).json()["items"] == []
    assert len((await client.get(path, params={"state": "delivered"})).json()["items"]) == 1
    assert (await client.get(path, params={"state": "lost"})).status_code == 422


async def test_a_test_message_goes_to_the_one_webhook_that_asked(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with receiver() as at, receiver() as other:
        made = await registered(client, at.url, types=["source.silent"], ordered=True, unit="H10")
        everything = await registered(client, other.url)
        asked = (await client.post(f"/v1/webhooks/{made['id']}/test")).json()
        assert (asked["type"], asked["state"], asked["attempts"]) == ("webhook.test", "pending", [])
        await dispatcher.run_once()
        content = at.requests[0].verified(made["secret"])
        assert (at.ids, content["type"]) == ([asked["id"]], "webhook.test")
        assert content["data"] == {"endpoint": made["id"], "unit": "H10"}
        assert not other.requests
        # Nor does a replay bring it there, or back.
        since = {"since": "2020-01-01T00:00:00Z"}
        for webhook in (made, everything):
            replayed = await client.post(f"/v1/webhooks/{webhook['id']}/replay", json=since)
            assert replayed.json() == {"deliveries": 0}


async def test_a_replay_brings_what_was_missed_while_disabled_and_what_was_delivered(
    client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher, clock: DrivenClock
) -> None:
    async with receiver() as at:
        made = await registered(client, at.url, unit="H10")
        one = f"/v1/webhooks/{made['id']}"
        before = await put(deployment)
        clock.advance(seconds=1)
        since = {"since": clock.now.isoformat()}
        delivered = await put(deployment)
        await dispatcher.run_once()
        await client.patch(one, json={"enabled": False})
        missed = await put(deployment)
        await put(deployment, "H20", lineage=["H20"])
        for path in ("test", "replay", f"deliveries/{before}/retry"):
            answer = await client.post(f"{one}/{path}", json=since)
            assert answer.status_code == 409, path
        await client.patch(one, json={"enabled": True})
        assert await dispatcher.run_once() == 0
        assert (await client.post(f"{one}/replay", json=since)).json() == {"deliveries": 2}
        await dispatcher.run_once()
        assert sorted(at.ids) == sorted([before, delivered, delivered, missed])
        assert set(await states(deployment)) == {"delivered"}
        for wrong in ({}, {"since": "2026-01-01T00:00:00"}, {"since": "soon"}):
            assert (await client.post(f"{one}/replay", json=wrong)).status_code == 422


async def test_every_route_needs_the_scope_and_an_unknown_webhook_is_not_found(
    app: FastAPI, client: httpx.AsyncClient, deployment: Deployment
) -> None:
    made = await registered(client, URL)
    reading = await _as(app, deployment, "events:write", "dossiers:read", "metrics:read", "directory:write")
    for method, path, body in [
        ("GET", "/v1/webhooks", None),
        ("POST", "/v1/webhooks", {"url": URL}),
        *_routes(made["id"]),
    ]:
        assert (await reading.request(method, path, json=body)).status_code == 403, path
        nobody = await client.request(method, path, json=body, headers={"Authorization": ""})
        assert nobody.status_code == 401, path
    await reading.aclose()
    for method, path, body in _routes(str(uuid4())):
        assert (await client.request(method, path, json=body)).status_code == 404, path
    unknown = f"/v1/webhooks/{made['id']}/deliveries/msg_{'0' * 32}/retry"
    assert (await client.post(unknown)).status_code == 404
    for path in ("/v1/webhooks/x", f"/v1/webhooks/{made['id']}/deliveries/x/retry"):
        assert (await client.request("POST" if "retry" in path else "GET", path)).status_code == 422


async def test_a_key_limited_to_a_unit_manages_what_lies_below_it_and_sees_no_more(
    app: FastAPI, client: httpx.AsyncClient, deployment: Deployment, dispatcher: Dispatcher
) -> None:
    async with deployment.database.transaction() as connection:
        rows = [("H10", None), ("H10.1", "H10"), ("H10.2", "H10"), ("H10.1.1", "H10.1")]
        for code, parent in rows:
            described = {"code": code, "parent": parent, "name": code, "kind": "ward"}
            await connection.execute(sa.insert(unit).values(**described))
    limited = await _as(app, deployment, "webhooks:write", unit_limit="H10.1")
    async with limited, receiver() as at:
        for outside in (None, "H10", "H10.2", "H99"):
            answer = await limited.post("/v1/webhooks", json={"url": at.url, "unit": outside})
            assert answer.status_code == 403, outside
            assert answer.json()["errors"][0]["pointer"] == "/unit"
        own = await registered(limited, at.url, unit="H10.1")
        below = await registered(limited, at.url, unit="H10.1.1")
        foreign = [await registered(client, at.url), await registered(client, at.url, unit="H10.2")]
        seen = (await limited.get("/v1/webhooks")).json()["items"]
        assert {item["id"] for item in seen} == {own["id"], below["id"]}
        for webhook in foreign:
            for method, path, body in _routes(webhook["id"]):
                assert (await limited.request(method, path, json=body)).status_code == 404, path
        one = f"/v1/webhooks/{own['id']}"
        assert (await limited.patch(one, json={"unit": "H10.1.1"})).status_code == 200
        for outside in (None, "H10"):
            assert (await limited.patch(one, json={"unit": outside})).status_code == 403
        # The unit has moved away since: what is told about it there is no longer the key's to hear.
        for webhook in foreign:
            await client.delete(f"/v1/webhooks/{webhook['id']}")
        await put(deployment, "H10.1.1", lineage=["H10.1.1", "H10.2", "H10"])
        assert await dispatcher.run_once() == 0
        await put(deployment, "H10.1.1", lineage=["H10.1.1", "H10.1", "H10"])
        assert await dispatcher.run_once() == 2


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_the_document_describes_the_routes_and_the_test_message(document: dict[str, Any]) -> None:
    paths = {path for path in document["paths"] if path.startswith("/v1/webhooks")}
    assert paths == {
        "/v1/webhooks",
        "/v1/webhooks/{id}",
        "/v1/webhooks/{id}/test",
        "/v1/webhooks/{id}/rotate-secret",
        "/v1/webhooks/{id}/deliveries",
        "/v1/webhooks/{id}/deliveries/{delivery}/retry",
        "/v1/webhooks/{id}/replay",
    }
    message = document["webhooks"]["webhook.test"]["post"]
    assert {parameter["name"] for parameter in message["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    types = document["components"]["schemas"]["NewWebhook"]["properties"]["types"]["anyOf"][0]["items"]
    assert set(types["enum"]) == TYPES
