"""The page of the API's documentation works without any other host, from unmodified files."""

import hashlib
import re
from importlib.resources import files

import httpx

from app.dashboard.apidocs import FILES, VERSION

FOLDER = files("app.dashboard") / "vendor" / "swagger-ui"


async def test_the_page_loads_everything_from_here(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 5
    assert all(re.match(r"/[^/]", path) for path in loaded)
    for path in loaded:
        assert (await browser.get(path)).status_code == 200
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy


def test_the_vendored_files_are_those_of_the_release_that_is_noted() -> None:
    noted = (FOLDER / "README.md").read_text()
    assert noted.startswith(f"# Swagger UI {VERSION}\n")
    assert f'PACKAGE_VERSION:"{VERSION}"' in (FOLDER / "swagger-ui-bundle.js").read_text()
    for name in FILES:
        assert f"| `{name}` | `{hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()}` |" in noted
    assert "Apache License" in (FOLDER / "LICENSE").read_text()


async def test_other_files_and_versions_are_not_there(browser: httpx.AsyncClient) -> None:
    for path in ("swagger-ui-5.0.0/swagger-ui.css", f"swagger-ui-{VERSION}/README.md"):
        assert (await browser.get(f"/static/{path}")).status_code == 404
