from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from itertools import product
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from app.keys import guard, queries
from app.keys.caller import SCOPES, Caller, Scope
from app.keys.keyring import Keyring
from app.kit import edge, http
from app.kit.db import Database
from app.kit.deployment import Deployment

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

GUARDS: dict[Scope, Any] = {
    "events:write": guard.EventsWrite,
    "events:read": guard.EventsRead,
    "dossiers:read": guard.DossiersRead,
    "metrics:read": guard.MetricsRead,
    "directory:write": guard.DirectoryWrite,
    "targets:write": guard.TargetsWrite,
    "webhooks:write": guard.WebhooksWrite,
    "closings:write": guard.ClosingsWrite,
    "admin": guard.Admin,
}


def guarded_by(kind: Any) -> Callable[..., Coroutine[Any, Any, str]]:
    async def route(caller: Caller) -> str:
        return caller.key_id

    route.__annotations__["caller"] = kind
    return route


async def plain(request: Request) -> JSONResponse:
    """A route outside FastAPI, which asks for the key itself."""
    caller = await guard.authenticate(request)
    caller.require("events:write")
    return JSONResponse(caller.key_id)


@pytest.fixture
def guarded(deployment: Deployment) -> FastAPI:
    """One route a scope."""
    app = FastAPI()
    app.state.deployment = deployment
    app.state.keyring = Keyring(deployment.database, deployment.settings, deployment.clock)
    for scope, kind in GUARDS.items():
        app.add_api_route(f"/{scope}", guarded_by(kind))
    app.add_route("/plain", plain)
    http.install(app)
    edge.install(app)
    return app


@pytest.fixture
async def caller(guarded: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(guarded)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def key(database: Database, *scopes: str) -> dict[str, str]:
    async with database.transaction() as connection:
        token = await queries.create(connection, name="test", scopes=scopes, now=NOW)
    return {"Authorization": f"Bearer {token.text}"}


def test_every_scope_has_its_guard() -> None:
    assert set(GUARDS) == set(SCOPES) == set(get_args(Scope))


async def test_a_key_opens_the_routes_of_its_scope_and_admin_opens_all(
    caller: httpx.AsyncClient, database: Database
) -> None:
    keys = {scope: await key(database, scope) for scope in SCOPES}
    for (held, headers), needed in product(keys.items(), SCOPES):
        answer = await caller.get(f"/{needed}", headers=headers)
        if held in {needed, "admin"}:
            assert answer.status_code == 200
            assert answer.json() == headers["Authorization"].split("_")[1]
        else:
            assert answer.status_code == 403
            assert answer.json()["type"] == "/problems/forbidden"
            assert needed in answer.json()["detail"]


async def test_without_a_valid_key_the_answer_is_401_and_asks_for_one(
    caller: httpx.AsyncClient, database: Database
) -> None:
    await key(database, "admin")
    wrong = (
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRtaW46YWRtaW4=",
        "dh_aaaaaaaa_" + "a" * 32,
        "Bearer dh_aaaaaaaa_" + "a" * 32,
        "Bearer dh_sepr7qr6_nqjaxw7phzunxvqetr6cwcwl4xexbzl7",
        "Bearer bootstrap",
        "Bearer \xff\xfe",
        "Bearer ' OR true --",
    )
    headers = [[(b"Authorization", header.encode("latin-1"))] for header in wrong]
    for path, given in product(("/admin", "/plain"), [[], *headers]):
        answer = await caller.get(path, headers=given)
        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/unauthenticated"


async def test_the_scheme_is_read_in_any_case_and_the_bootstrap_key_opens_everything(
    caller: httpx.AsyncClient, deployment: Deployment
) -> None:
    assert deployment.settings.bootstrap_key
    secret = deployment.settings.bootstrap_key.get_secret_value()
    for scope in SCOPES:
        answer = await caller.get(f"/{scope}", headers={"Authorization": f"bearer  {secret}"})
        assert (answer.status_code, answer.json()) == (200, "bootstrap")


async def test_a_route_outside_fastapi_is_guarded_alike(
    caller: httpx.AsyncClient, database: Database
) -> None:
    assert (await caller.get("/plain", headers=await key(database, "events:write"))).status_code == 200
    refused = await caller.get("/plain", headers=await key(database, "events:read"))
    assert refused.status_code == 403
    assert "events:write" in refused.json()["detail"]


async def test_a_key_that_is_taken_back_between_two_requests_is_refused(
    caller: httpx.AsyncClient, database: Database
) -> None:
    headers = await key(database, "admin")
    assert (await caller.get("/admin", headers=headers)).status_code == 200
    async with database.transaction() as connection:
        await queries.revoke(connection, headers["Authorization"].split("_")[1], NOW)
    assert (await caller.get("/admin", headers=headers)).status_code == 401


def test_the_openapi_document_tells_the_scheme_and_each_route_s_scope(guarded: FastAPI) -> None:
    document = guarded.openapi()
    scheme = document["components"]["securitySchemes"][guard.SCHEME_NAME]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(f"`{scope}`" in scheme["description"] for scope in SCOPES)
    for scope in SCOPES:
        assert document["paths"][f"/{scope}"]["get"]["security"] == [{guard.SCHEME_NAME: [scope]}]
