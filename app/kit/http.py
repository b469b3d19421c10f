"""Problems as documents, whatever raised them: a route, FastAPI, Starlette, or nobody who expected it.

It knows HTTP and nothing of any route's meaning.
"""

import traceback
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.dependencies.utils import get_dependant, get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.kit.db import STATEMENT_TIMEOUT, has_collided, is_away, took_too_long
from app.kit.problems import KINDS, MEDIA_TYPE, Fault, Problem
from app.kit.text import Language, Text, preferred

log = structlog.get_logger("http")

_RETRY_AFTER_SECONDS: Final = "5"
_LANGUAGES: Final[dict[str, Language]] = {"vi": "vi", "en": "en"}


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


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _unvalidated)
    app.add_exception_handler(HTTPException, _http)


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


_TOO_LONG: Final = Text(
    f"Cơ sở dữ liệu cần hơn {STATEMENT_TIMEOUT} cho câu hỏi này; hãy hỏi kỳ ngắn hơn, hoặc ít nhóm hơn.",
    f"The database needs more than {STATEMENT_TIMEOUT} for this question; ask for a shorter period, or for fewer groups.",
)

_COLLIDED: Final = Text(
    "Một thay đổi khác diễn ra cùng lúc nên yêu cầu này chưa có hiệu lực; hãy gửi lại.",
    "Another change took place at the same moment, so this request has changed nothing; send it again.",
)


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error that no route expected: 503 while the database is away or takes too long, else 500."""
    return answer(request, logged(request, error))


def logged(request: Request, error: Exception) -> Problem:
    """Log an error that no route expected; the problem that tells it."""
    if is_away(error):
        log.warning("database away", error=type(error).__name__, request_id=request_id(request))
        detail = Text(
            "Cơ sở dữ liệu tạm thời không truy cập được.", "The database cannot be reached for the moment."
        )
        return Problem("unavailable", detail, headers={"Retry-After": _RETRY_AFTER_SECONDS})
    if took_too_long(error):
        log.warning("took too long", at=_where(error), request_id=request_id(request))
        return Problem("unavailable", _TOO_LONG, headers={"Retry-After": _RETRY_AFTER_SECONDS})
    if has_collided(error):
        log.warning("collided", at=_where(error), request_id=request_id(request))
        return Problem("unavailable", _COLLIDED, headers={"Retry-After": _RETRY_AFTER_SECONDS})
    # The error's text may carry a payload or a statement: its class and place are logged, never its text.
    log.error("unexpected", error=type(error).__name__, at=_where(error), request_id=request_id(request))
    return Problem("internal", KINDS["internal"].advice)


def _where(error: BaseException) -> str:
    """The last place in our own code that the error passed."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals.get("__name__", "").startswith("app.")]
    last = (ours or frames)[-1]
    return f"{last.f_globals.get('__name__')}:{last.f_lineno}"
