"""The outer layer of every request: its id, trace context, access log and counters, and the routes it answers itself.

It knows HTTP and nothing of any route's meaning.
"""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, cached_property
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.http import answer, unexpected
from app.kit.problems import Problem
from app.kit.text import Text

log = structlog.get_logger("http")

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
_TRACEPARENT: Final = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_requests: Final = Counter("dunghen_http_requests_total", "Answered requests", ["method", "route", "status"])
_seconds: Final = Histogram(
    "dunghen_http_request_seconds", "Time to the end of the answer", ["method", "route"]
)


class PlainRequest(Request):
    """A request whose headers are read into a dictionary once, instead of being searched for each that is asked for."""

    @cached_property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override] # all that is asked of them is a mapping's
        """By lower-case name; of one that stands twice, the first."""
        return {
            name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self.scope["headers"])
        }


PlainRoutes = Mapping[tuple[str, str], Callable[[Request], Awaitable[Response]]]
"""By method and path: what answers, raising Problem."""


class Edge:
    """Gives every request an id, logs it once without its query or body, and counts it by route.

    `plain` routes are answered right here: the layers of FastAPI below cost more than a single event does.
    """

    def __init__(self, app: ASGIApp, plain: PlainRoutes) -> None:
        self._app = app
        self._plain = plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"])
        request_id = _taken(given.get(b"x-request-id"), _REQUEST_ID) or secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            # PostgreSQL keeps no NUL in a text: no code, path or parameter can have one.
            asked = answer(Request(scope), _NUL) if _has_nul(scope) else self._app
            plain = self._plain.get((scope["method"], scope["path"]))
            if plain is not None and asked is self._app:
                asked, scope["endpoint"] = await _answered(plain, PlainRequest(scope, receive)), plain
            await asked(scope, _bounded(scope, receive), numbered)
        except Exception as error:
            if status:
                raise  # the answer has begun; only breaking it off can tell that it is not whole
            failed = unexpected(Request(scope), error)
            await failed(scope, receive, numbered)
        finally:
            self._told(scope, given, request_id, status, time.perf_counter() - started)

    def _told(
        self, scope: Scope, given: Mapping[bytes, bytes], request_id: str, status: int, seconds: float
    ) -> None:
        route = _pattern(scope)
        counted, timed = _instruments(scope["method"], route, status)
        counted.inc()
        timed.observe(seconds)
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=request_id,
            traceparent=_taken(given.get(b"traceparent"), _TRACEPARENT),
        )


@cache
def _instruments(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(method, route, status), _seconds.labels(method, route)


async def _answered(plain: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        return await plain(request)
    except Problem as problem:
        return answer(request, problem)


def _pattern(scope: Scope) -> str:
    """The route's pattern, not its path: paths carry codes, and each code would be a time series of its own."""
    # FastAPI keeps the whole pattern of a nested router's route here, and only its own part in the route itself.
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    if found is not None:
        return str(found.path)
    # A plain route leaves no pattern behind, and has no parameter either: its path is its pattern.
    return scope["path"] if "endpoint" in scope else "unmatched"


_MAX_BODY_BYTES: Final = 8 * 1024 * 1024
_OWN_LIMITS: Final = frozenset({"/v1/events", "/v1/events/validate"})
"""Routes that read their bodies themselves, within limits of their own."""


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive`, refusing a body that is larger than any document of ours."""
    if scope["path"] in _OWN_LIMITS:
        return receive
    left = _MAX_BODY_BYTES

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise Problem("too-large", _TOO_LARGE)
        return message

    return counted


_TOO_LARGE: Final = Text("Nội dung vượt quá 8 MiB.", "The body is larger than 8 MiB.")
_NUL: Final = Problem("invalid", Text("Địa chỉ có ký tự NUL.", "The address has a NUL character."))


def _has_nul(scope: Scope) -> bool:
    return "\0" in scope["path"] or b"%00" in scope["query_string"] or b"\0" in scope["query_string"]


def _taken(value: bytes | None, form: "re.Pattern[bytes]") -> str | None:
    return value.decode() if value is not None and form.fullmatch(value) else None


def install(app: FastAPI, plain: PlainRoutes | None = None) -> None:
    """Put the edge around `app`, where it answers the plain routes."""
    app.add_middleware(Edge, plain=plain or {})
