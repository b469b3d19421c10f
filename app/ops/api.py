"""Health, Prometheus, and the pages that `type` of a problem leads to.

It tells whether the service can do its duty; it repairs nothing.
"""

import ipaddress
from datetime import timedelta
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge

from app.events.marks import computed_through
from app.keys.guard import authenticate
from app.kit.deployment import Deployment, Here
from app.kit.http import language
from app.kit.migrating import is_current
from app.kit.problems import KINDS, Problem
from app.kit.text import Text
from app.ops import counters
from app.ops.heartbeat import SILENT_AFTER, counted, last_beat
from app.webhooks.queries import disabled_by_themselves

router = APIRouter()
log = structlog.get_logger("ops")

_MOST_LAG: Final = timedelta(minutes=5)
"""Figures further behind than this are not what readers expect; a large import makes it so for a while."""

_UNKNOWN: Final = Text("Không có loại lỗi này.", "There is no such kind of problem.")
_lag: Final = Gauge("dunghen_figures_lag_seconds", "How far the figures are behind the log")
_disabled: Final = Gauge(
    "dunghen_webhooks_disabled", "Webhooks that disabled themselves and still are disabled", ["reason"]
)
_ready: Final = Gauge("dunghen_ready", "1 when every check of /health/ready holds")


@router.get("/health/live", tags=["operations"], summary="Whether the process answers")
async def live() -> dict[str, str]:
    """Asks nothing of the database: restarting this process would not bring it back."""
    return {"status": "live"}


@router.get("/health/ready", tags=["operations"], summary="Whether the service can do its duty")
async def ready(here: Here) -> JSONResponse:
    """Database, migrations, and that a worker is alive and close behind. 503 names what does not hold.

    `webhooks_disabled` counts webhooks that gave up by themselves: somebody should look, but the service is ready.
    """
    checks = await _checks(here)
    good = all(checks.values())
    return JSONResponse(
        {
            "status": "ready" if good else "not_ready",
            "checks": checks,
            "webhooks_disabled": await _given_up(here) if checks["migrations"] else None,
        },
        200 if good else 503,
        None if good else {"Retry-After": "5"},
    )


async def _checks(here: Deployment) -> dict[str, bool]:
    now = here.clock()
    try:
        async with here.database.snapshot() as connection:
            migrated = await is_current(connection)
            seen = await last_beat(connection) if migrated else None
            through = await computed_through(connection, now) if migrated else None
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering makes us not ready
        log.warning("not ready", error=type(error).__name__)
        return {"database": False, "migrations": False, "worker": False, "figures": False}
    return {
        "database": True,
        "migrations": migrated,
        "worker": seen is not None and now - seen < SILENT_AFTER,
        "figures": through is not None and now - through < _MOST_LAG,
    }


async def _given_up(here: Deployment) -> int:
    async with here.database.snapshot() as connection:
        return sum((await disabled_by_themselves(connection)).values())


@router.get("/metrics", tags=["operations"], summary="Prometheus", response_class=PlainTextResponse)
async def prometheus(request: Request, here: Here) -> Response:
    """This process's series, and every worker's counters, at most some seconds old, labelled `worker`.

    Needs no key on loopback, and `metrics:read` elsewhere.
    """
    if not _is_loopback(request):
        (await authenticate(request)).require("metrics:read")
    now = here.clock()
    async with here.database.snapshot() as connection:
        _lag.set((now - await computed_through(connection, now)).total_seconds())
        for reason, number in (await disabled_by_themselves(connection)).items():
            _disabled.labels(reason).set(number)
        workers = await counted(connection)
    _ready.set(all((await _checks(here)).values()))
    return Response(counters.exposed(workers), media_type=CONTENT_TYPE_LATEST)


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@router.get("/problems/{kind}", tags=["operations"], summary="What a kind of problem means")
async def problem_page(kind: str, request: Request) -> dict[str, Any]:
    """The page that `type` of a problem document leads to."""
    if kind not in KINDS:
        raise Problem("not-found", _UNKNOWN)
    spoken = language(request)
    return {
        "type": f"/problems/{kind}",
        "status": KINDS[kind].status,
        "title": KINDS[kind].title.said(spoken),
        "advice": KINDS[kind].advice.said(spoken),
    }
