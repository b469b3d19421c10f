"""Every page in both languages: complete, escaped, self-contained, and with numbers that their lists bear out."""

import html
import re
from collections import Counter
from datetime import timedelta
from urllib.parse import urljoin

import httpx
import pytest
import sqlalchemy as sa

from app.dashboard import lists, panorama, units
from app.dashboard.frame import Frame, framed
from app.dashboard.reader import Reader
from app.dashboard.sources import _sources
from app.dashboard.words import WORDS
from app.dossiers.projector import Projector
from app.dossiers.tables import dossier
from app.keys.caller import BOOTSTRAP
from app.kit.deployment import Deployment
from app.kit.export import XLSX
from tests.dashboard.conftest import HOSTILE, sign_in
from tests.events.makers import received

PAGES = [
    "/",
    "/?period=2026",
    "/units",
    "/units?unit=top&period=2026&sort=on_time&falling=true",
    "/units?unit=top&period=2026-01&sort=grade&scheme=reform-index",
    "/unit?code=u1&period=2026",
    "/unit?code=nowhere",
    "/dossiers",
    "/dossiers?list=overdue",
    "/dossiers?figure=on_time&part=difference&from=2026-01-01&to=2026-12-31",
    "/dossiers?figure=online_payment_procedures&from=2026-01-01&to=2026-12-31",
    "/dossier?code=H0+%26+%3Cb%3E",
    "/alerts",
    "/reports",
    "/reports?period=report:2026-Q1&unit=u1",
    "/data-quality?period=2026",
    "/dossiers?finding=unknown_procedure&source=urn:test&from=2026-01-01&to=2026-12-31",
]
MOST_OF_A_SHAPE = 2
_HREF = re.compile(r'(?:href|src)="([^"]*)"')


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_escaped_strict_and_names_no_other_host(
    path: str, language: str, browser: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    page = await browser.get(path, params=httpx.URL(path).params.set("lang", language))
    assert page.status_code == 200, page.text
    assert f'<html lang="{language}">' in page.text
    assert HOSTILE not in page.text
    assert "<script>" not in page.text
    assert "<b>" not in page.text
    assert " style=" not in page.text
    assert not re.search(r"(?:https?:)?//[a-z0-9]", html.unescape(page.text))
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.text.count("<h1") == 1


async def test_every_link_of_every_page_leads_somewhere(browser: httpx.AsyncClient, city: None) -> None:
    """A few of each shape: links that differ in the values of their parameters alone are many, and much the same."""
    await sign_in(browser)
    waiting, seen, shapes = list(PAGES), set[str](), Counter[tuple[str, ...]]()
    while waiting:
        path = waiting.pop()
        url = httpx.URL(path)
        shape = (url.path, *sorted(url.params), *(url.params.get_list("figure")))
        if path in seen or shapes[shape] == MOST_OF_A_SHAPE:
            continue
        seen.add(path)
        shapes[shape] += 1
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            found = {urljoin(path, html.unescape(href)) for href in _HREF.findall(answer.text)}
            waiting += sorted(one for one in found if not one.startswith("#") and one != "/sign-out")
    assert len(seen) > 40


async def test_as_many_dossiers_are_listed_as_the_figure_says(browser: httpx.AsyncClient, city: None) -> None:
    await sign_in(browser)
    page = (await browser.get("/?period=2026&lang=en")).text
    checked = 0
    for href, text in re.findall(r'<a class="number" href="([^"]+)">([\d,]+)<span', page):
        path = html.unescape(href)
        if "online_payment_procedures" in path or not path.startswith("/dossiers"):
            continue
        listed = (await browser.get(path)).text
        total = re.search(r'id="total">([\d,]+) dossiers<', listed)
        assert total
        assert total[1] == text, path
        checked += 1
    assert checked > 20


async def test_a_number_says_on_hover_and_focus_what_it_is_made_of(
    browser: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    page = (await browser.get("/?period=2026&lang=en")).text
    assert re.search(r">25\.00 %<span class=\"tip ratio\"> 1 / 4</span>", page)
    assert "25,00 %" in (await browser.get("/?period=2026&lang=vi")).text


async def _promise(client: httpx.AsyncClient, key: str, unit: str, target: float) -> None:
    terms = {
        "unit": unit,
        "metric": "on_time",
        "period": "2026",
        "target": target,
        "signed_by": "Chủ tịch UBND",
        "signed_on": "2026-01-05",
    }
    assert (await client.put(f"/v1/commitments/{key}", json=terms)).status_code == 200


async def test_figures_stand_beside_what_was_committed_to_with_the_gap_that_the_api_tells(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None
) -> None:
    await _promise(client, "top-2026", "top", 0.8)
    await _promise(client, "u2-2026", "u2", 0.4)
    told = (await client.get("/v1/metrics/on_time?period=2026&unit=top&group_by=child")).json()
    gaps = {row["child"]["code"]: row["gap"] for row in told["rows"] if not row.get("self")}
    assert gaps == {"u1": -0.3, "u2": -0.4}
    await sign_in(browser)
    units = (await browser.get("/units?unit=top&period=2026&lang=en")).text
    assert [cell in units for cell in (">−30.00<", ">−40.00<")] == [True, True]
    for path, target, inherited in (
        ("/", "80", False),
        ("/unit?code=u1", "80", True),
        ("/unit?code=u2", "40", False),
    ):
        page = (
            await browser.get(path, params=httpx.URL(path).params.merge({"period": "2026", "lang": "en"}))
        ).text
        assert f"Committed to {target} %: <strong>Below target</strong>" in page
        assert "signed on 5 Jan 2026" in page
        assert ("by the commitment of Thành phố" in page) is inherited


async def test_where_nothing_is_committed_to_the_target_of_a_rule_is_shown_as_such(
    browser: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    page = (await browser.get("/unit?code=u1&period=2026&lang=en")).text
    assert "Target 90 %: <strong>Below target</strong>" in page
    assert WORDS["of_a_rule"].en in page


async def test_grades_ranks_and_movement_are_those_of_the_scorecards(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None
) -> None:
    schemes = (await client.get("/v1/schemes")).json()["items"]
    (terms,) = (one for one in schemes if one["key"] == "reform-index")
    own = {name: terms[name] for name in ("names", "legal_basis", "template", "criteria", "grades")}
    assert (await client.put("/v1/schemes/own", json=own | {"min_received": 1})).status_code == 200
    asked = {"unit": "top", "group_by": "child", "period": "2026", "scheme": "own"}
    cards = (await client.get("/v1/scorecards", params=asked)).json()["rows"]
    await sign_in(browser)
    page = (await browser.get("/units?unit=top&period=2026&scheme=own&sort=rank&lang=en")).text
    places = [(card["rank"], card["of"]) for card in cards if card["rank"]]
    assert re.findall(r"<strong>(\d+)</strong>/(\d+)", page) == [(str(one), str(of)) for one, of in places]
    points = [f"{card['points']:.2f} of {card['maximum']:.2f}" for card in cards if card["rank"]]
    assert len(points) == 2
    assert re.findall(r"([\d.]+ of [\d.]+) points", page) == points
    assert (await browser.get("/units?scheme=none")).status_code == 404
    assert (await browser.get("/units?scheme=decision-766@9")).status_code == 404


async def test_every_unit_has_its_line_beside_each_rate_in_words_too(
    browser: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    page = (await browser.get("/units?unit=top&period=2026&lang=en")).text
    assert re.search(r'aria-label="[^"]+, last 12 months: from 50\.00 % to 50\.00 %"', page)


async def test_the_late_budget_is_that_of_the_commitments_progress(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None
) -> None:
    await _promise(client, "u1-2026", "u1", 0.25)
    progress = (await client.get("/v1/commitments/u1-2026")).json()["progress"]
    assert progress["late_budget"]["bearable"] == 2
    await sign_in(browser)
    page = (await browser.get("/unit?code=u1&lang=en&period=2026")).text
    budget = page[page.index('id="budget"') : page.index('id="worst"')]
    assert f"<strong>{progress['late_budget']['bearable']}</strong>" in budget
    assert "Committed to 25 %: <strong>Target reached</strong>" in page


async def test_a_unit_page_lists_what_owes_an_apology_unless_finished(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None, deployment: Deployment
) -> None:
    tomorrow = deployment.today() + timedelta(days=1)
    event = received("SOON", unit="u2", due_at=tomorrow.isoformat())
    event |= {"id": "soon", "time": (deployment.clock() - timedelta(days=3)).isoformat()}
    assert (await client.post("/v1/events", json=event)).status_code == 202
    await Projector(deployment).run_until_current()
    async with deployment.database.transaction() as connection:
        soon = deployment.clock() + timedelta(hours=1)
        await connection.execute(
            sa.update(dossier).where(dossier.c.code == "SOON").values(apology_deadline=soon)
        )
    await sign_in(browser)
    page = (await browser.get("/unit?code=u2&lang=en")).text
    assert "SOON" in page[page.index('id="list-apology_due"') :]
    listed = (await browser.get("/dossiers?list=apology_due&unit=u2&lang=en")).text
    assert 'id="total">1 dossiers<' in listed


async def test_a_page_says_what_could_not_be_counted_in_time_and_shows_the_rest(
    browser: httpx.AsyncClient, city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given_up(_: object) -> object:
        async def nothing(_: object) -> None:
            return None

        return nothing

    await sign_in(browser)
    for path in ("/?lang=en", "/units?lang=en", "/unit?code=u2&lang=en"):
        whole = await browser.get(path)
        assert whole.status_code == 200
        assert 'id="left-out"' not in whole.text
    for module in (panorama, units):
        monkeypatch.setattr(module, "spare", given_up)
    for path, missing in (
        ("/?lang=en", "Same days last year, Other figures"),
        ("/units?lang=en", "Grade, Movement against the period before"),
        ("/unit?code=u2&lang=en", "Procedures with most late dossiers"),
    ):
        answer = await browser.get(path)
        assert answer.status_code == 200
        told = re.search(r'id="left-out">([^<]+)<', answer.text)
        assert told
        assert missing in told[1]


async def test_the_list_of_all_dossiers_counts_no_further_than_its_pages_reach(
    browser: httpx.AsyncClient, city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(browser)
    monkeypatch.setattr(lists, "_MOST_COUNTED", 2)
    page = (await browser.get("/dossiers?lang=en")).text
    assert 'id="total">more than 2 dossiers<' in page
    monkeypatch.setattr(lists, "_MOST_COUNTED", 1_000_000)
    page = (await browser.get("/dossiers?lang=en")).text
    assert re.search(r'id="total">[\d,]+ dossiers<', page)


async def test_every_number_of_the_form_leads_to_as_many_dossiers_and_its_files_are_the_apis(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    page = (await browser.get("/reports?period=2026&lang=en")).text
    totals = await _borne_out(browser, page)
    assert len(totals) == 22
    for media, accept in (("csv", "text/csv"), ("json", "application/json"), ("xlsx", XLSX)):
        file = await browser.get(f"/reports?period=2026&lang=en&as={media}")
        told = await client.get("/v1/reports/ii-06a?period=2026", headers={"Accept": accept})
        assert file.headers["content-type"] == told.headers["content-type"]
        if media == "csv":
            assert file.text == told.text
            assert 'filename="II.06a-2026-01-01-2026-12-31.csv"' in file.headers["content-disposition"]
    assert (await browser.get("/reports?as=pdf")).status_code == 422


async def _borne_out(browser: httpx.AsyncClient, page: str) -> list[int]:
    """The numbers of a page that lead to lists, each of them as long as it says."""
    found = []
    for href, text in re.findall(r'<a class="number" href="(/dossiers[^"]+)">([\d,]+)<span', page):
        path = html.unescape(href)
        listed = (await browser.get(path)).text
        total = re.search(r'id="total">([\d,]+) dossiers<', listed)
        assert total
        assert total[1] == text, path
        found.append(int(text.replace(",", "")))
    return found


async def test_findings_and_lateness_lead_to_as_many_dossiers_by_source(
    browser: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    page = (await browser.get("/data-quality?lang=en")).text
    counted = await _borne_out(browser, page)
    assert sum(counted) > 6
    assert WORDS["silent_never"].en in page
    for kind in ("paused_in_the_last_hour", "finished_in_bulk", "back_dated"):
        listed = await browser.get(f"/dossiers?finding={kind}&lang=en")
        assert listed.status_code == 200
    assert (await browser.get("/dossiers?finding=nothing")).status_code == 404


async def test_a_source_that_sent_nothing_for_long_is_silent(
    browser: httpx.AsyncClient, city: None, deployment: Deployment
) -> None:
    frame = await _framed(deployment)
    old, new = frame.reader.now - timedelta(days=9), frame.reader.now
    found = _sources(frame, {"b": new, "a": new, "z": old, "y": None}, [], 16)
    assert [(source.name, source.silent) for source in found] == [
        ("y", True),
        ("z", True),
        ("a", False),
        ("b", False),
    ]
    assert not any(source.silent for source in _sources(frame, {"z": old}, [], 0))


async def _framed(deployment: Deployment) -> Frame:
    reader = Reader(BOOTSTRAP, "en", deployment.clock(), deployment.settings.zone)
    async with deployment.database.snapshot() as connection:
        return await framed(connection, reader, deployment)


async def test_without_dossiers_the_first_page_says_how_to_begin(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    page = (await browser.get("/?lang=en")).text
    assert WORDS["no_data"].en in page
    assert "0.00 %" not in page
    assert "100.00 %" not in page


async def test_an_unchanged_page_is_not_sent_again(browser: httpx.AsyncClient, city: None) -> None:
    await sign_in(browser)
    tag = (await browser.get("/units")).headers["etag"]
    again = await browser.get("/units", headers={"If-None-Match": tag})
    assert (again.status_code, again.text) == (304, "")
    other = await browser.get("/units?lang=vi", headers={"If-None-Match": tag})
    assert other.status_code == 200


async def test_errors_are_pages_in_the_readers_language(browser: httpx.AsyncClient, city: None) -> None:
    await sign_in(browser)
    for path, status in (("/dossier?code=none", 404), ("/?period=2026-13", 422), ("/dossiers?page=0", 422)):
        page = await browser.get(path, params=httpx.URL(path).params.set("lang", "vi"))
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")
        assert '<html lang="vi">' in page.text
        assert WORDS["back"].vi in page.text


async def test_the_choice_of_language_is_kept(browser: httpx.AsyncClient) -> None:
    await browser.get("/sign-in?lang=vi")
    assert '<html lang="vi">' in (await browser.get("/sign-in")).text


async def test_generated_data_say_so_on_every_page(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    assert WORDS["sample"].en not in (await browser.get("/")).text
    sample = {
        "id": "1",
        "source": "urn:dunghen:sample-city",
        "type": "dossier.received",
        "subject": "S",
        "time": "2026-01-05T08:00:00+07:00",
        "data": {"unit": "u1", "procedure": "1.000001", "channel": "counter"},
    }
    assert (await client.post("/v1/events", json=sample)).status_code == 202
    for path in PAGES:
        assert WORDS["sample"].en in (await browser.get(path)).text
