"""The page of the API's documentation at `/docs`: Swagger UI over `/openapi.json`, from files of this package.

It loads nothing from any other host, as many of these networks are closed; the document is made elsewhere.
"""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response

from app.dashboard.render import HEADERS, PageRoute, bare
from app.kit.problems import Problem
from app.kit.text import Text

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

VERSION: Final = "5.33.1"
"""Of Swagger UI; stands in the addresses of its files, so that they may be kept."""

FILES: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_FOLDER: Final = files("app.dashboard") / "vendor" / "swagger-ui"
_NO_FILE: Final = Text("Không có tệp này.", "There is no such file.")

# Swagger UI writes styles into its elements and draws its icons from data: addresses; scripts come from here alone.
_POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
}


@router.get("/docs")
async def api_docs(request: Request) -> Response:
    """The page. Whoever reads it tries requests with a key of their own; no session is used."""
    answer = bare(request, "api_docs.html", swagger=VERSION)
    answer.headers.update({**HEADERS, **_POLICY})
    return answer


@router.get("/static/swagger-ui-{version}/{name}")
async def swagger_file(version: str, name: str) -> Response:
    """A file of Swagger UI, unmodified."""
    if version != VERSION or name not in FILES:
        raise Problem("not-found", _NO_FILE)
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response((_FOLDER / name).read_bytes(), media_type=FILES[name], headers=kept)
