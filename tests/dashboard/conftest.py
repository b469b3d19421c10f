import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from app.dossiers.projector import Projector
from app.kit.deployment import Deployment
from app.lagging.rules import Rule
from app.lagging.watch import Watch
from tests.conftest import KEY
from tests.events.makers import received
from tests.lagging.makers import a_rule, lay_down

HOSTILE = "<script>alert(1)</script>\"' & <img src=x onerror=alert(2)>"
"""A name that would run if any page wrote it as it stands."""

SignIn = Callable[..., Awaitable[httpx.Response]]


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


async def sign_in(browser: httpx.AsyncClient, key: str = KEY, **more: str) -> httpx.Response:
    form = await browser.get("/sign-in")
    given = {"token": token_of(form.text), "key": key, **more}
    return await browser.post("/sign-in", data=given)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in with."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


@pytest.fixture
async def city(client: httpx.AsyncClient, deployment: Deployment) -> None:
    """Two units below a third, one of a hostile name; six dossiers, most of them late, and an alert."""
    units = [
        {"code": "top", "name": "Thành phố", "kind": "city"},
        {"code": "u1", "name": HOSTILE, "kind": "ward", "parent": "top"},
        {"code": "u2", "name": "Phường Hai", "name_en": "Second Ward", "kind": "ward", "parent": "top"},
    ]
    assert (await client.put("/v1/units", json=units)).status_code == 200
    events = []
    for number in range(6):
        code = f"H{number} & <b>"
        events.append(received(code, unit=f"u{1 + number % 2}", due_at="2026-01-09"))
        events[-1]["id"] = f"in-{number}"
        if number < 4:
            events.append(
                {
                    "id": f"out-{number}",
                    "source": events[-1]["source"],
                    "type": "dossier.processed",
                    "subject": code,
                    "time": "2026-01-20T09:00:00+07:00" if number else "2026-01-07T09:00:00+07:00",
                }
            )
    answer = await client.post("/v1/events", json=events)
    assert answer.json()["rejected"] == 0, answer.text
    await Projector(deployment).run_until_current()
    rule: Rule = a_rule(window="year_to_date", min_denominator=1)
    await lay_down(deployment.database, rule)
    await Watch(deployment).judge()
