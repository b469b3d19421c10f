"""A real browser clicks through the pages: no serious accessibility finding, no console error, no sideways scrolling."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.conftest import DESK, PAPER, PHONE, enter, fits, quiet, resize, sound
from tests.conftest import KEY
from tests.events.makers import received
from tests.processes import serving

PAGES = (
    "/",
    "/units",
    "/unit?code=u1",
    "/dossiers",
    "/dossier?code=H1",
    "/alerts",
    "/reports",
    "/data-quality",
    "/import",
)
SHOWN = """
return [...document.querySelectorAll("nav a, button, select")]
    .filter(one => one.checkVisibility({visibilityProperty: true})).map(one => one.outerHTML);
"""
"""What there is to click on."""

PROMISE = {
    "unit": "u1",
    "metric": "on_time",
    "period": "2026",
    "target": 0.95,
    "signed_by": "Chủ tịch UBND phường",
    "signed_on": "2026-01-05",
}


@pytest.mark.timeout(300)  # a browser on a busy machine
async def test_every_page_is_sound_in_both_languages_on_desk_phone_and_paper(
    database_url: str, tmp_path: Path, chrome: Chrome
) -> None:
    with serving(database_url, tmp_path) as served:
        async with served.client() as client:
            waits = {"Prefer": "wait=20"}
            while (await client.post("/v1/events", json=received(), headers=waits)).status_code != 200:
                pass  # a worker that has not started yet
            assert (await client.put("/v1/commitments/u1", json=PROMISE)).status_code == 200
        enter(chrome, served.url, KEY)
        # Each page is opened on both screens, since scripts may look at them, and looked through on both each time.
        for language, first, then in (("vi", DESK, PHONE), ("en", PHONE, DESK)):
            for path in PAGES:
                resize(chrome, first)
                chrome.get(f"{served.url}{path}{'&' if '?' in path else '?'}lang={language}")
                sound(chrome, path, (first, then))
                quiet(chrome, served.url, path)
        _print(chrome, served.url)
        _type(chrome, served.url)
        _read_the_docs(chrome, served.url)


def _print(chrome: Chrome, url: str) -> None:
    """On paper there is nothing to click, and nothing is cut off."""
    resize(chrome, PAPER)
    assert chrome.execute_script(SHOWN) != []
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for path in PAGES:
        chrome.get(f"{url}{path}")
        fits(chrome, path, PAPER)
        quiet(chrome, url, path)
        assert chrome.execute_script(SHOWN) == [], path
    assert chrome.execute_cdp_cmd("Page.printToPDF", {})["data"].startswith("JVBERi0")  # %PDF-
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def _type(chrome: Chrome, url: str) -> None:
    """The keyboard reaches everything: first the way past the menu; a number in focus tells what it is made of."""
    resize(chrome, DESK)
    chrome.get(f"{url}/?lang=vi")
    chrome.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert chrome.switch_to.active_element.get_attribute("class") == "skip"
    chrome.switch_to.active_element.send_keys(Keys.ENTER)
    number = chrome.find_element(By.CSS_SELECTOR, ".card a.number")
    tip = number.find_element(By.CLASS_NAME, "tip")
    assert not tip.is_displayed()
    for _ in range(6):
        chrome.switch_to.active_element.send_keys(Keys.TAB)
        if chrome.switch_to.active_element == number:
            break
    assert tip.is_displayed()
    number.send_keys(Keys.ESCAPE)
    assert not tip.is_displayed()
    number.send_keys(Keys.ENTER)
    assert "/dossiers?figure=" in chrome.current_url


def _read_the_docs(chrome: Chrome, url: str) -> None:
    """The API's documentation opens, from this host alone."""
    chrome.get(f"{url}/docs")
    WebDriverWait(chrome, 20).until(lambda one: one.find_elements(By.CLASS_NAME, "opblock-tag"))
    fits(chrome, "/docs", DESK)
    quiet(chrome, url, "/docs")
