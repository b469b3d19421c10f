"""One Chromium, and what is checked of every page it shows."""

import os
import shutil
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-color-profile=srgb"
)
AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
RUN = """
const [size, done] = [document.documentElement.scrollWidth, arguments[0]];
axe.run({resultTypes: ["violations"]}).then(r => done([size, r.violations.map(v => [v.id, v.impact])]));
"""
DESK = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
PAPER = {"width": 1040, "height": 720, "deviceScaleFactor": 1, "mobile": False}
"""A4 across, less its margins, in CSS pixels."""


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[Chrome]:
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium and chromedriver here: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path / 'chrome'}"):
        options.add_argument(flag)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER, env=dict(os.environ)))
    yield driver
    driver.quit()


def enter(chrome: Chrome, url: str, key: str) -> None:
    """Sign in."""
    chrome.get(f"{url}/sign-in")
    chrome.find_element(By.ID, "key").send_keys(key)
    chrome.find_element(By.CSS_SELECTOR, "main button").click()
    WebDriverWait(chrome, 20).until(lambda at: "/sign-in" not in at.current_url)
    assert "/sign-in" not in chrome.current_url


def resize(chrome: Chrome, size: dict[str, Any]) -> None:
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def quiet(chrome: Chrome, url: str, path: str) -> None:
    """No console error, and nothing from any other host."""
    assert "/sign-in" not in chrome.current_url
    loaded: Any = chrome.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith((url, "data:")) for name in loaded), loaded
    told: Any = chrome.get_log("browser")  # type: ignore[no-untyped-call] # the library leaves it untyped
    assert [entry for entry in told if entry["level"] == "SEVERE"] == [], path


def fits(chrome: Chrome, path: str, size: dict[str, Any]) -> None:
    """No sideways scrolling."""
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= size["width"], path


def sound(chrome: Chrome, path: str, sizes: Iterable[dict[str, Any]]) -> None:
    """On each of these screens no sideways scrolling, and no serious finding of axe; the page is loaded once for all."""
    chrome.execute_script(AXE)
    for size in sizes:
        resize(chrome, size)
        width, found = chrome.execute_async_script(RUN)
        assert width <= size["width"], (path, size)
        assert [one for one in found if one[1] in {"serious", "critical"}] == [], (path, size)
