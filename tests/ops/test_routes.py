"""Health, Prometheus and the pages of problems."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.dossiers.projector import Projector
from app.kit.deployment import Deployment
from app.kit.problems import KINDS
from app.main import create_app
from app.ops.counters import Count
from app.ops.heartbeat import SILENT_AFTER, beat, counted
from app.ops.tables import heartbeat
from app.webhooks.queries import change
from app.worker import _failures
from tests.events.makers import received
from tests.webhooks.makers import registered


async def ready(client: httpx.AsyncClient) -> tuple[int, list[str]]:
    answer = await client.get("/health/ready")
    return answer.status_code, [name for name, good in answer.json()["checks"].items() if not good]


async def test_it_lives_without_a_key(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_it_is_ready_while_a_worker_is_seen(client: httpx.AsyncClient, deployment: Deployment) -> None:
    assert await ready(client) == (503, ["worker"])
    await beat(deployment)
    assert await ready(client) == (200, [])


async def test_a_worker_that_fell_silent_or_far_behind_is_told(deployment: Deployment) -> None:
    await beat(deployment)
    later = Deployment(
        deployment.settings, deployment.database, lambda: datetime.now(UTC) + timedelta(hours=1)
    )
    async with _client(create_app(later), "127.0.0.1") as client:
        assert await ready(client) == (503, ["worker"])
        await client.post("/v1/events", json=received())
        much_later = datetime.now(UTC) + timedelta(hours=1) + SILENT_AFTER * 20
        client.__dict__["_transport"].app.state.deployment = Deployment(
            deployment.settings, deployment.database, lambda: much_later
        )
        assert await ready(client) == (503, ["worker", "figures"])


async def test_without_a_database_it_is_not_ready_and_says_so(deployment: Deployment) -> None:
    away = deployment.settings.model_copy()
    from app.kit.db import Database

    nowhere = Database("postgresql://127.0.0.1:1/nothing", application_name="tests")
    async with _client(create_app(Deployment(away, nowhere)), "127.0.0.1") as client:
        assert await ready(client) == (503, ["database", "migrations", "worker", "figures"])
        answer = await client.post("/v1/events", json=received())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"] == "/problems/unavailable"


@pytest.mark.parametrize(
    ("host", "key", "status"), [("127.0.0.1", "", 200), ("10.1.2.3", "", 401), ("::1", "", 200)]
)
async def test_prometheus_needs_a_key_away_from_loopback(
    app: FastAPI, host: str, key: str, status: int
) -> None:
    async with _client(app, host) as client:
        answer = await client.get("/metrics", headers={"Authorization": key})
    assert answer.status_code == status
    if status == 200:
        assert "dunghen_figures_lag_seconds" in answer.text


async def test_requests_are_counted_by_route_and_not_by_path(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=received("secret-code"))
    await Projector(deployment).run_until_current()
    await client.get("/v1/dossier", params={"code": "secret-code"})
    await client.get("/v1/units/secret-code")
    text = (await client.get("/metrics")).text
    assert {'route="/v1/events"', 'route="/v1/dossier"', 'route="/v1/units/{code:path}"'} <= set(
        re.findall(r'route="[^"]*"', text)
    )
    assert "secret-code" not in text


async def test_what_workers_count_is_told_with_each_worker_named(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    async with deployment.database.transaction() as connection:
        for worker in ("a:1", "b:2"):
            counts = [
                Count("dunghen_webhook_attempts", "Attempts", {"outcome": "ok"}, 7),
                Count("dunghen_of_a_later_release", "Not known here", {}, 1),
            ]
            row = {"worker": worker, "seen_at": deployment.clock(), "counters": counts}
            await connection.execute(sa.insert(heartbeat).values(row))
    text = (await client.get("/metrics")).text
    for worker in ("a:1", "b:2"):
        assert f'dunghen_webhook_attempts_total{{outcome="ok",worker="{worker}"}} 7.0' in text
        assert f'dunghen_of_a_later_release_total{{worker="{worker}"}} 1.0' in text
    heads = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
    assert list(text_string_to_metric_families(text))


async def test_a_sign_of_life_carries_what_the_process_has_counted(deployment: Deployment) -> None:
    _failures.labels("beat").inc()
    await beat(deployment)
    async with deployment.database.snapshot() as connection:
        (counts,) = (await counted(connection)).values()
    mine = {(count.name, *count.labels.values()): count.value for count in counts}
    assert mine["dunghen_worker_failures", "beat"] >= 1


async def test_a_webhook_that_disabled_itself_is_told_until_it_is_enabled_again(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    gone, asked = [await registered(client, f"http://127.0.0.1:{port}/") for port in (1, 2)]
    async with deployment.database.transaction() as connection:
        for webhook, reason in ((gone, "gone"), (asked, "requested")):
            values = {"disabled_at": deployment.clock(), "disabled_reason": reason}
            await change(connection, UUID(webhook["id"]), values)
    await beat(deployment)

    async def told() -> tuple[int, bool]:
        ready = await client.get("/health/ready")
        assert ready.status_code == 200
        text = (await client.get("/metrics")).text
        return ready.json()["webhooks_disabled"], 'dunghen_webhooks_disabled{reason="gone"} 1.0' in text

    assert await told() == (1, True)
    await client.patch(f"/v1/webhooks/{gone['id']}", json={"enabled": True})
    assert await told() == (0, False)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_problem_has_its_page_in_both_languages(
    kind: str, client: httpx.AsyncClient
) -> None:
    vi, en = [(await client.get(f"/problems/{kind}", params={"lang": lang})).json() for lang in ("vi", "en")]
    assert vi["status"] == en["status"] == KINDS[kind].status
    assert vi["advice"] != en["advice"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/events", 405),
        ("GET", "/problems/none", 404),
        ("PUT", "/v1/dossier", 405),
    ],
)
async def test_what_no_route_answers_is_a_problem_too(
    method: str, path: str, status: int, client: httpx.AsyncClient
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_request_id_is_taken_over_or_made(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live", headers={"X-Request-ID": "abc-1"})).headers[
        "x-request-id"
    ] == "abc-1"
    odd = (await client.get("/health/live", headers={"X-Request-ID": "a b\t"})).headers["x-request-id"]
    assert len(odd) == 32


@pytest.mark.parametrize(
    "path", ["/v1/dossier?code=%00", "/v1/units/%00", "/v1/events?cursor=AA", "/v1/events?cursor=~"]
)
async def test_a_nul_or_a_broken_cursor_is_refused(path: str, client: httpx.AsyncClient) -> None:
    assert (await client.get(path)).status_code == 422


async def test_a_large_document_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/units", content=b"[" + b" " * (8 * 1024 * 1024) + b"]")
    assert answer.status_code == 413


def _client(app: FastAPI, host: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(host, 1234))
    return httpx.AsyncClient(
        transport=transport,
        base_url="http://test",
        headers={"Authorization": "Bearer test-key-with-every-scope"},
    )
