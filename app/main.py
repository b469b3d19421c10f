"""Puts the HTTP application together: routers, the outer layer, and what routes are handed.

The only place that knows every router; no rule and no statement stands here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from pydantic import BaseModel

from app import __version__
from app.calendars import api as calendars
from app.dashboard import api as dashboard
from app.dashboard import apidocs, entry, forms, importing, lists, sources, units
from app.dashboard.sessions import Sessions
from app.directory import api as directory
from app.directory.reach import subtree
from app.dossiers import api as dossiers
from app.dossiers import unknown
from app.events import api as events
from app.events import openapi as events_openapi
from app.events import reconciliation
from app.events.ingest import Ingest
from app.figures import api as figures
from app.figures import behind
from app.keys.keyring import Keyring
from app.kit import edge, http
from app.kit.deployment import Deployment
from app.kit.openapi import document
from app.lagging import api as lagging
from app.ops import api as ops
from app.quality import api as quality
from app.reports import api as reports
from app.targets import api as targets
from app.targets import scorecard_api as scorecards
from app.webhooks import api as webhooks

_DESCRIPTION: Final = """
Facts about dossiers come in as CloudEvents; figures, alerts and signed webhooks come out.

* **First steps**: create a key (`dunghen keys create`), then `POST /v1/events`.
* **Errors** are `application/problem+json` (RFC 9457); `type` is a path that explains the kind.
* **Languages**: Vietnamese and English, by `lang=` or `Accept-Language`.
"""

_OPERATIONS: Final = {"/v1/events": {"post": events_openapi.POST_EVENTS}}
_MODELS: Final[list[type[BaseModel]]] = [*events_openapi.MODELS, http.ProblemOut]


def create_app(here: Deployment) -> FastAPI:
    """The application of one deployment; its database is closed when the application ends."""
    app = routed()
    place(app, here)
    return app


def place(app: FastAPI, here: Deployment) -> None:
    """Hand the routes what they are handed, in place of what they had."""
    app.state.deployment = here
    app.state.keyring = Keyring(here.database, here.settings, here.clock)
    app.state.sessions = Sessions(here.settings)
    app.state.ingest = Ingest(here.database, here.clock)
    # Events and webhooks stand beside and below the directory, and limited keys need its tree.
    app.state.subtree = lambda connection, code: subtree(connection, code, here.today())


def routed() -> FastAPI:
    """An application with every route and the outer layer, and of no deployment yet."""
    app = FastAPI(
        title="Đúng Hẹn",
        version=__version__,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # the edge tells; asking for it costs each request
    )
    http.install(app)
    edge.install(app, {("POST", "/v1/events"): events.post_events})
    for router in (
        events,
        reconciliation,
        dossiers,
        unknown,
        figures,
        behind,
        reports,
        quality,
        directory,
        calendars,
        targets,
        scorecards,
        lagging,
        webhooks,
        ops,
    ):
        app.include_router(router.router, responses=http.PROBLEMS)
    for router in (lagging, webhooks):
        app.webhooks.include_router(router.messages)
    for pages in (dashboard, units, forms, sources, lists, importing, entry, apidocs):
        app.include_router(pages.router)
    app.openapi = lambda: document(app, _OPERATIONS, _MODELS, events_openapi.SCHEMAS)  # type: ignore[method-assign] # FastAPI's documented way to extend the document
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.deployment.database.close()
