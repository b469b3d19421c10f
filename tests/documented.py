"""Holds every answer that a test gets against the OpenAPI document: a status that it does not name is a fault."""

import re
from collections.abc import Awaitable, Callable

import httpx
from fastapi import FastAPI

Statuses = dict[str, set[int]]
"""Method → documented statuses."""

_DOCUMENTED: list[tuple[re.Pattern[str], Statuses]] = []
_NEVER_PROMISED = {405, 500}  # methods that a path does not have, and faults that tests put in


def held_to_the_document(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for a client of `app`."""

    async def check(response: httpx.Response) -> None:
        if response.is_success or response.status_code in _NEVER_PROMISED:
            return
        if not _DOCUMENTED:
            _read(app)
        for path, methods in _DOCUMENTED:
            told = methods.get(response.request.method)
            if told is not None and path.fullmatch(response.url.path):
                assert response.status_code in told, (
                    response.request.method,
                    path.pattern,
                    response.status_code,
                )
                return

    return check


def _read(app: FastAPI) -> None:
    """Read what is documented, once a process: every application is made by the same code."""
    paths = app.openapi()["paths"]
    app.openapi_schema = None  # as it was before the first answer
    written_out_first = sorted(paths, key=lambda path: ("{" in path, path))
    for path in written_out_first:
        statuses = {
            method.upper(): {int(status) for status in told["responses"] if status.isdigit()}
            for method, told in paths[path].items()
        }
        _DOCUMENTED.append((re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), statuses))
