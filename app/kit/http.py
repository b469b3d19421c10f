"""The outer layer of every answer: request id, trace context, access log, counters, and problems as documents.

It knows HTTP and nothing of any route's meaning.
"""

import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, cached_property
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.dependencies.utils import get_dependant, get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.responses import JSONResponse
from prometheus_client import Counter, Histogram
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.db import is_away
from app.kit.problems import KINDS, MEDIA_TYPE, Fault, Problem
from app.kit.text import Language, Text, preferred

log = structlog.get_logger("http")

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
_TRACEPARENT: Final = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_RETRY_AFTER_SECONDS: Final = "5"
_LANGUAGES: Final[dict[str, Language]] = {"vi": "vi", "en": "en"}

_requests: Final = Counter("dunghen_http_requests_total", "Answered requests", ["method", "route", "status"])
_seconds: Final = Histogram(
    "dunghen_http_request_seconds", "Time to the end of the answer", ["method", "route"]
)


class FaultOut(BaseModel):
    """What is wrong at one place of a payload."""

    pointer: str
    detail: str


class ProblemOut(BaseModel):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FaultOut] | None = None


def problem_responses(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """These kinds of problems as responses of an operation in the OpenAPI document."""
    return {
        str(KINDS[kind].status): {
            "description": KINDS[kind].title.en,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
        for kind in kinds
    }


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    **problem_responses("unreadable", "unauthenticated", "forbidden", "not-found", "not-acceptable"),
    **problem_responses("invalid", "unavailable"),
}
"""What any operation may answer."""


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


def request_id(request: Request) -> str:
    """The id of this request, from `X-Request-ID` where it is a plain one, else made here."""
    return str(request.state.request_id)


def language(request: Request) -> Language:
    """The reader's language: `lang=`, else `Accept-Language`, else the deployment's."""
    asked = _LANGUAGES.get(request.query_params.get("lang", ""))
    return asked or preferred(
        request.headers.get("accept-language"), request.app.state.deployment.settings.language
    )


def answer(request: Request, problem: Problem) -> JSONResponse:
    """The problem as its document, in the reader's language."""
    document = problem.document(
        language=language(request), instance=request.url.path, request_id=request_id(request)
    )
    return JSONResponse(document, problem.status, dict(problem.headers), MEDIA_TYPE)


def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not have: one that is ignored gives another answer than was meant."""
    unknown = sorted(
        request.query_params.keys() - _query_parameters(_template(request.scope), request.scope["endpoint"])
    )
    if unknown:
        raise Problem(
            "invalid", _NO_PARAMETER, [Fault(f"query:{name[:64]}", _NO_PARAMETER) for name in unknown]
        )


@cache
def _query_parameters(template: str, endpoint: Callable[..., Any]) -> frozenset[str]:
    """The names that `endpoint` at `template` and what it depends on take, and `lang`, which every route takes."""
    fields = get_flat_params(get_dependant(path=template, call=endpoint))
    # The fields of a model of parameters are plain ones, and only queries are read into models here.
    elsewhere = (Path, Header, Cookie)
    return frozenset(field.alias for field in fields if not isinstance(field.field_info, elsewhere)) | {
        "lang"
    }


_NO_PARAMETER: Final = Text("Không có tham số nào tên như vậy.", "There is no such parameter.")


def _template(scope: Scope) -> str:
    """The path as the OpenAPI document writes it."""
    context = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return str(getattr(context, "path_format", scope["path"]))


def install(app: FastAPI, plain: PlainRoutes | None = None) -> None:
    """Make every error of `app` a problem document, and put the edge around it, which answers the plain routes."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _unvalidated)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Edge, plain=plain or {})


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class
    return answer(request, error)


async def _unvalidated(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    found = error.errors()
    if any(fault["type"] == "json_invalid" for fault in found):
        detail = Text("Nội dung không phải JSON hợp lệ (UTF-8).", "The body is not valid JSON (UTF-8).")
        return answer(request, Problem("unreadable", detail))
    faults = [Fault(_place(fault["loc"]), _sentence(fault)) for fault in found]
    detail = Text("Có {n} chỗ sai; xem errors.", "{n} places are wrong; see errors.").filled(n=len(faults))
    return answer(request, Problem("invalid", detail, faults))


def _place(where: tuple[int | str, ...]) -> str:
    """A JSON Pointer into the body; for parameters, the name with where it stands: `?period`, `{code}`, `header:x`."""
    place, *rest = where
    steps = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in rest)
    return steps if place == "body" else f"{place}:{'.'.join(str(step) for step in rest)}"


_KNOWN_FAULTS: Final = {
    "missing": Text("Thiếu trường bắt buộc này.", "This required field is missing."),
    "not_yet": Text(
        "Trường này chưa được hỗ trợ; hãy bỏ đi.", "This field is not supported yet; leave it out."
    ),
    "extra_forbidden": Text("Không có trường nào tên như vậy.", "There is no such field."),
}


def _sentence(fault: Any) -> Text:
    message = str(fault["msg"])
    return _KNOWN_FAULTS.get(fault["type"], Text(f"Giá trị không hợp lệ: {message}", message))


_BY_STATUS: Final = {kind.status: name for name, kind in KINDS.items()}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if isinstance(error.__cause__, Problem):
        return answer(
            request, error.__cause__
        )  # raised while FastAPI read the body, which it takes for bad JSON
    kind = _BY_STATUS.get(error.status_code, "internal")
    return answer(request, Problem(kind, KINDS[kind].advice, headers=dict(error.headers or {})))


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error that no route expected: 503 while the database is away, else 500."""
    return answer(request, logged(request, error))


def logged(request: Request, error: Exception) -> Problem:
    """Log an error that no route expected; the problem that tells it."""
    if is_away(error):
        log.warning("database away", error=type(error).__name__, request_id=request_id(request))
        detail = Text(
            "Cơ sở dữ liệu tạm thời không truy cập được.", "The database cannot be reached for the moment."
        )
        return Problem("unavailable", detail, headers={"Retry-After": _RETRY_AFTER_SECONDS})
    # The error's text may carry a payload or a statement: its class and place are logged, never its text.
    log.error("unexpected", error=type(error).__name__, at=_where(error), request_id=request_id(request))
    return Problem("internal", KINDS["internal"].advice)


def _where(error: BaseException) -> str:
    """The last place in our own code that the error passed."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals.get("__name__", "").startswith("app.")]
    last = (ours or frames)[-1]
    return f"{last.f_globals.get('__name__')}:{last.f_lineno}"
