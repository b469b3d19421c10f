"""The way in and out: the sign-in with a key, the sign-out, and the files that every page loads.

It gives out sessions; what their key may see is asked at every page.
"""

import hmac
import secrets
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard import links
from app.dashboard.reader import SESSION_COOKIE, sessions
from app.dashboard.render import ASSETS, HEADERS, PageRoute, bare
from app.dashboard.sessions import LIFETIME
from app.keys.keyring import Keyring
from app.kit.deployment import Here
from app.kit.problems import Problem
from app.kit.text import Text

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

FORM_COOKIE: Final = "dunghen_form"
_MOST_BYTES: Final = 4096
_NO_FILE: Final = Text("Không có tệp này.", "There is no such file.")
_STALE: Final = Text(
    "Biểu mẫu đã cũ hoặc được gửi từ nơi khác. Hãy thử lại.",
    "The form was out of date or came from elsewhere. Please try again.",
)
_TOO_LARGE: Final = Text("Biểu mẫu quá lớn.", "The form is too large.")


@router.get("/sign-in")
async def sign_in_form(
    request: Request, next_: Annotated[str | None, Query(alias="next")] = None
) -> Response:
    """The form. Its token and its cookie belong together, and only we can make such a pair."""
    return _form(request, links.inside(next_))


@router.post("/sign-in")
async def sign_in(request: Request, here: Here) -> Response:
    """Take a key, and open a session for it if it opens any page."""
    given = await _given(request)
    wanted = links.inside(given.get("next"))
    if not _ours(request, request.cookies.get(FORM_COOKIE, ""), given):
        return _form(request, wanted, "form_stale", 403)
    key = given.get("key", "").strip()
    keyring: Keyring = request.app.state.keyring
    caller = await keyring.caller(key)
    if caller is None:
        return _form(request, wanted, "key_wrong", 401)
    if not (caller.may("metrics:read") or caller.may("dossiers:read")):
        return _form(request, wanted, "key_useless", 403)
    answer = RedirectResponse(wanted, 303, HEADERS)
    answer.set_cookie(
        SESSION_COOKIE,
        sessions(request).seal(key, here.clock()),
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    answer.delete_cookie(FORM_COOKIE)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session in this browser."""
    given = await _given(request)
    if not _ours(request, request.cookies.get(SESSION_COOKIE, ""), given):
        raise Problem("forbidden", _STALE)
    answer = RedirectResponse("/sign-in", 303, HEADERS)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@router.get("/static/{name}")
async def asset(name: str) -> Response:
    """A file of the pages; its address carries its version, so that it may be kept."""
    if name not in ASSETS:
        raise Problem("not-found", _NO_FILE)
    media, body = ASSETS[name]
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(body, media_type=media, headers=kept)


def _form(request: Request, wanted: str, fault: str | None = None, status: int = 200) -> Response:
    cookie = secrets.token_urlsafe(24)
    answer = bare(
        request,
        "sign_in.html",
        status,
        wanted=wanted,
        fault=fault,
        token=sessions(request).form_token(cookie),
    )
    answer.set_cookie(
        FORM_COOKIE,
        cookie,
        max_age=3600,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


async def _given(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise Problem("too-large", _TOO_LARGE)
    return dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True))


def _ours(request: Request, cookie: str, given: dict[str, str]) -> bool:
    """Whether a form came from a page of ours in this browser: by its token, and by what the browser says of its origin."""
    if not cookie or not hmac.compare_digest(
        sessions(request).form_token(cookie).encode(), given.get("token", "").encode()
    ):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
