"""The pictures of the documentation, taken of the sample city; `make pictures` puts them in their place."""

import base64
import os
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome

from tests.browser.conftest import DESK, PHONE, enter, resize
from tests.conftest import KEY
from tests.processes import serving

PICTURES = {
    "overview": ("/?lang=vi", DESK, 1180),
    "units": ("/units?lang=vi", DESK, 900),
    "unit-phone": ("/unit?code=22918&lang=en", PHONE, 844),
}
PROMISES = {"on_time": 0.95, "full_online": 0.5, "online_payment": 0.45, "apology": 1.0}


@pytest.mark.soak
def test_the_pictures_show_the_sample_city(database_url: str, tmp_path: Path, chrome: Chrome) -> None:
    place = Path(os.environ.get("PICTURES", tmp_path))
    place.mkdir(parents=True, exist_ok=True)
    with serving(database_url, tmp_path, command="demo", calendar="vn") as served:
        with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {KEY}"}) as client:
            year = client.get("/v1/metrics/counts").json()["period"]["from"][:4]
            held = client.get("/v1/commitments", params={"limit": 1}).json()["items"]
            for metric, target in {} if held else PROMISES.items():
                terms = {"unit": "68", "metric": metric, "period": year, "target": target}
                terms |= {"signed_by": "UBND", "signed_on": f"{year}-01-09"}
                assert client.put(f"/v1/commitments/{metric}", json=terms).status_code == 200
        enter(chrome, served.url, KEY)
        for name, (path, size, height) in PICTURES.items():
            resize(chrome, size)
            chrome.get(f"{served.url}{path}")
            clip = {"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1}
            taken = chrome.execute_cdp_cmd(
                "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
            )
            (place / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))
    assert all((place / f"{name}.png").stat().st_size < 300_000 for name in PICTURES)
