"""Turns a page's values into its answer: a template in the reader's language, with headers that let nothing else in.

It knows templates and HTTP; which values a page has, `api` says.
"""

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.dashboard import links, numbers, showing
from app.dashboard.reader import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    Reader,
    SignInNeeded,
    page_language,
    sessions,
)
from app.dashboard.words import say
from app.kit.http import logged, request_id
from app.kit.problems import KINDS, Fault, Problem
from app.kit.text import Text

_ASSETS: Final = files("app.dashboard") / "static"
ASSETS: Final[Mapping[str, tuple[str, bytes]]] = {
    name: (media, (_ASSETS / name).read_bytes())
    for name, media in (
        ("dashboard.css", "text/css; charset=utf-8"),
        ("dashboard.js", "text/javascript; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    )
}
"""Every file that a page loads, all from here: many of these networks are closed."""

_VERSION: Final = hashlib.blake2b(b"".join(body for _, body in ASSETS.values()), digest_size=8).hexdigest()

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie",
}
_AS_OF: Final = "@@as-of@@"
"""Stands for the instant while the ETag is taken: it changes with every answer and says nothing new."""

_YEAR_SECONDS: Final = 31_536_000
_INVALID: Final = Text("Tham số không hợp lệ.", "The parameters are not valid.")

_pages: Final = Environment(
    loader=PackageLoader("app.dashboard"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.globals |= {
    "to": links.to,
    "behind": links.behind,
    "show": showing,
    "number": numbers.number,
    "ratio": numbers.ratio,
}


def page(request: Request, reader: Reader, template: str, **values: Any) -> Response:
    """A page for its reader, with an ETag of all that it says but the time at which it says so."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    text = _written(
        request,
        template,
        reader=reader,
        token=sessions(request).form_token(cookie),
        as_of=_AS_OF,
        **values,
    )
    tag = f'W/"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"'
    if tag in {part.strip() for part in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers={**HEADERS, "ETag": tag})
    text = text.replace(_AS_OF, showing.instant(reader.now, reader.zone, reader.language))
    return _answered(request, text, 200, {"ETag": tag})


def bare(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page for somebody whom we do not know."""
    return _answered(request, _written(request, template, reader=None, **values), status, {})


def _written(request: Request, template: str, **values: Any) -> str:
    language = page_language(request)
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    other = "vi" if language == "en" else "en"
    return _pages.get_template(template).render(
        language=language,
        say=lambda name, /, **places: say(name, language, **places),
        other_language=f"{request.url.path}?{urlencode([*kept, ('lang', other)])}",
        other=other,
        path=request.url.path,
        version=_VERSION,
        **values,
    )


def _answered(request: Request, text: str, status: int, headers: Mapping[str, str]) -> Response:
    answer = HTMLResponse(text, status, {**HEADERS, **headers})
    if request.query_params.get("lang") in {"vi", "en"}:
        answer.set_cookie(
            LANGUAGE_COOKIE,
            request.query_params["lang"],
            max_age=_YEAR_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return answer


class PageRoute(APIRoute):
    """A route whose errors are pages too, and whose stranger is led to the sign-in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that FastAPI makes, with our errors around it."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except SignInNeeded:
                wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
                return RedirectResponse(links.to("/sign-in", next=links.inside(wanted)), 303, HEADERS)
            except Problem as problem:
                return problem_page(request, problem)
            except RequestValidationError as error:
                faults = [Fault(str(fault["loc"][-1]), _INVALID) for fault in error.errors()]
                return problem_page(request, Problem("invalid", _INVALID, faults))
            except Exception as error:  # noqa: BLE001 - told and logged as everywhere, only as a page
                return problem_page(request, logged(request, error))

        return handled


def problem_page(request: Request, problem: Problem) -> Response:
    """The problem as a page in the reader's language."""
    kind = KINDS[problem.kind]
    language = page_language(request)
    return bare(
        request,
        "problem.html",
        problem.status,
        title=kind.title.said(language),
        detail=problem.detail.said(language),
        faults=[fault.said(language) for fault in problem.errors],
        request_id=request_id(request),
    )
