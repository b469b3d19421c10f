"""A real browser clicks through the pages: no serious accessibility finding, no console error, no sideways scrolling."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.conftest import KEY
from tests.events.makers import received
from tests.processes import serving

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no chromium and chromedriver here: apt-get install chromium chromium-driver",
)
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
RUN = "const done = arguments[0]; axe.run().then(r => done(r.violations.map(v => [v.id, v.impact])));"
PAGES = ("/", "/units", "/unit?code=u1", "/dossiers", "/dossier?code=H1", "/alerts")
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[Chrome]:
    options = ChromeOptions()
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path / 'chrome'}"):
        options.add_argument(flag)
    options.binary_location = CHROMIUM or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER, env=dict(os.environ)))
    yield driver
    driver.quit()


async def test_every_page_is_sound_in_both_languages_on_desk_and_phone(
    database_url: str, tmp_path: Path, chrome: Chrome
) -> None:
    with serving(database_url, tmp_path) as served:
        async with served.client() as client:
            sent = await client.post("/v1/events", json=received(), headers={"Prefer": "wait=20"})
        assert sent.status_code == 200
        chrome.get(served.url)
        chrome.find_element(By.ID, "key").send_keys(KEY)
        chrome.find_element(By.CSS_SELECTOR, "main button").click()
        for size in (None, PHONE):
            if size:
                chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            for language in ("vi", "en"):
                for path in PAGES:
                    chrome.get(f"{served.url}{path}{'&' if '?' in path else '?'}lang={language}")
                    _sound(chrome, served.url, path)


def _sound(chrome: Chrome, url: str, path: str) -> None:
    assert "/sign-in" not in chrome.current_url
    assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth"), path
    loaded: Any = chrome.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith(url) for name in loaded), loaded
    chrome.execute_script(AXE)
    found: Any = chrome.execute_async_script(RUN)
    assert [one for one in found if one[1] in {"serious", "critical"}] == [], path
    told: Any = chrome.get_log("browser")  # type: ignore[no-untyped-call] # the library leaves it untyped
    assert [entry for entry in told if entry["level"] == "SEVERE"] == [], path
