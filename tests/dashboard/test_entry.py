"""The sign-in, its forms, and what a key may see of the pages."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.dashboard.links import inside
from app.dashboard.sessions import LIFETIME, Sessions
from app.keys import queries as keys
from app.kit.db import Database
from app.settings import Settings
from tests.conftest import KEY
from tests.dashboard.conftest import sign_in, token_of

NOW = datetime(2026, 5, 20, 3, tzinfo=UTC)


async def a_key(database: Database, *scopes: str, unit: str | None = None) -> tuple[str, str]:
    async with database.transaction() as connection:
        return await keys.create(connection, name="k", scopes=scopes, unit=unit, now=datetime.now(UTC))


async def test_a_stranger_is_led_to_the_sign_in_and_back(browser: httpx.AsyncClient, city: None) -> None:
    led = await browser.get("/units?period=2026")
    assert led.status_code == 303
    assert led.headers["location"] == "/sign-in?next=%2Funits%3Fperiod%3D2026"
    opened = await sign_in(browser, next="/units?period=2026")
    assert (opened.status_code, opened.headers["location"]) == (303, "/units?period=2026")
    assert (await browser.get("/units?period=2026")).status_code == 200


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites_and_holds_no_key_in_the_clear(
    browser: httpx.AsyncClient,
) -> None:
    cookies = (await sign_in(browser)).headers.get_list("set-cookie")
    (session,) = [cookie for cookie in cookies if cookie.startswith("dunghen_session=")]
    assert "HttpOnly" in session
    assert "samesite=strict" in session.lower()
    assert KEY not in session


async def test_a_wrong_key_opens_nothing_and_says_so(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser, "dh_wrong")
    assert answer.status_code == 401
    assert "The key is wrong" in answer.text
    assert "dunghen_session" not in browser.cookies


async def test_a_key_that_opens_no_page_is_told_so(browser: httpx.AsyncClient, database: Database) -> None:
    _, text = await a_key(database, "events:write")
    assert (await sign_in(browser, text)).status_code == 403


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "0" * 64}, {}),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {"sec-fetch-site": "same-site"}),
        ({}, {"origin": "https://elsewhere.example"}),
        ({}, {"origin": "null"}),
    ],
)
async def test_a_form_from_elsewhere_signs_nobody_in(
    given: dict[str, str], headers: dict[str, str], browser: httpx.AsyncClient
) -> None:
    form = {"token": token_of((await browser.get("/sign-in")).text), "key": KEY, **given}
    answer = await browser.post("/sign-in", data=form, headers=headers)
    assert answer.status_code == 403
    assert "dunghen_session" not in browser.cookies


async def test_a_form_token_without_its_cookie_is_worth_nothing(browser: httpx.AsyncClient) -> None:
    token = token_of((await browser.get("/sign-in")).text)
    browser.cookies.clear()
    assert (await browser.post("/sign-in", data={"token": token, "key": KEY})).status_code == 403


async def test_signing_out_needs_the_token_of_this_session(browser: httpx.AsyncClient, city: None) -> None:
    await sign_in(browser)
    assert (await browser.post("/sign-out", data={"token": "0" * 64})).status_code == 403
    page = await browser.get("/")
    assert page.status_code == 200
    left = await browser.post("/sign-out", data={"token": token_of(page.text)})
    assert left.status_code == 303
    assert (await browser.get("/")).status_code == 303


async def test_revoking_the_key_ends_its_sessions_at_once(
    browser: httpx.AsyncClient, database: Database
) -> None:
    key_id, text = await a_key(database, "metrics:read")
    await sign_in(browser, text)
    assert (await browser.get("/alerts")).status_code == 200
    async with database.transaction() as connection:
        await keys.revoke(connection, key_id, datetime.now(UTC))
    assert (await browser.get("/alerts")).status_code == 303


def test_a_session_ends_after_its_time_and_is_nobody_elses(settings: Settings) -> None:
    sessions = Sessions(settings)
    cookie = sessions.seal(KEY, NOW)
    assert sessions.opened(cookie, NOW + LIFETIME) == KEY
    assert sessions.opened(cookie, NOW + LIFETIME + timedelta(seconds=1)) is None
    assert sessions.opened(cookie[:-2] + "AA", NOW) is None
    assert sessions.opened("", NOW) is None
    other = Sessions(
        settings.model_copy(update={"secret_key": None, "data_dir": settings.data_dir / "other"})
    )
    assert other.opened(cookie, NOW) is None


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "evil",
        "",
        None,
        "/sign-in?next=/",
        "/a\nb",
    ],
)
def test_nobody_is_led_out_of_the_pages(path: str | None) -> None:
    assert inside(path) == "/"


async def test_a_key_limited_to_a_unit_sees_that_unit_alone(
    browser: httpx.AsyncClient, city: None, database: Database
) -> None:
    _, text = await a_key(database, "metrics:read", "dossiers:read", unit="u2")
    await sign_in(browser, text)
    first = await browser.get("/?lang=en")
    assert "Second Ward" in first.text
    assert "alert(1)" not in first.text
    assert (await browser.get("/unit?code=u1")).status_code == 403
    assert (await browser.get("/units?unit=top")).status_code == 403
    assert (await browser.get("/dossiers?unit=u1")).status_code == 403
    assert (await browser.get("/dossiers?figure=on_time&unit=u1")).status_code == 403
    assert (await browser.get("/alerts?unit=u1")).status_code == 403
    assert (await browser.get("/dossier", params={"code": "H0 & <b>"})).status_code == 404
    assert (await browser.get("/dossier", params={"code": "H1 & <b>"})).status_code == 200


async def test_a_key_for_figures_opens_no_dossier_and_its_pages_lead_to_none(
    browser: httpx.AsyncClient, city: None, database: Database
) -> None:
    _, text = await a_key(database, "metrics:read")
    await sign_in(browser, text)
    assert (await browser.get("/dossiers")).status_code == 403
    assert (await browser.get("/dossier?code=H0")).status_code == 403
    for path in ("/", "/units", "/unit?code=u1", "/alerts"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert 'href="/dossier' not in page.text


async def test_a_key_for_dossiers_is_led_to_these(
    browser: httpx.AsyncClient, city: None, database: Database
) -> None:
    _, text = await a_key(database, "dossiers:read")
    await sign_in(browser, text)
    assert (await browser.get("/")).headers["location"] == "/dossiers"
    assert (await browser.get("/units")).status_code == 403
    assert 'href="/unit' not in (await browser.get("/dossiers")).text
