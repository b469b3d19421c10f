"""A parameter that a route does not have is refused by name, everywhere: ignored, it would give another answer than was meant."""

import re

import httpx
import pytest
from fastapi import FastAPI


async def test_every_route_refuses_an_unknown_query_parameter(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            if not path.startswith("/v1/") or (method, path) == ("post", "/v1/events"):
                continue
            answer = await client.request(method, re.sub(r"\{\w+\}", "1", path), params={"verdit": "late"})
            assert answer.status_code == 422, (method, path)
            assert [fault["pointer"] for fault in answer.json()["errors"]] == ["query:verdit"], (method, path)


@pytest.mark.parametrize(
    "path", ["/v1/dossiers?to=0", "/v1/events?until=0.5", "/v1/events?since=2026-01-01T00:00:00"]
)
async def test_a_number_is_no_day_and_an_instant_has_an_offset(path: str, client: httpx.AsyncClient) -> None:
    assert (await client.get(path)).status_code == 422


async def test_the_next_page_of_csv_keeps_every_filter(client: httpx.AsyncClient) -> None:
    from app.dossiers.projector import Projector
    from tests.events.makers import received

    await client.post("/v1/events", json=[received(f"H{n}", unit=f"u{n % 2}") for n in range(6)])
    await Projector(client._transport.app.state.deployment).run_until_current()  # type: ignore[attr-defined] # the test client holds the application
    seen: list[str] = []
    path = "/v1/dossiers?unit=u1&limit=2"
    while path:
        answer = await client.get(path, headers={"Accept": "text/csv"})
        seen += [line.split(",")[0] for line in answer.text.splitlines()[1:]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert sorted(seen) == ["H1", "H3", "H5"]


async def test_the_first_answer_does_not_wait_for_the_openapi_document(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/v1/units")).status_code == 200
    assert app.openapi_schema is None
