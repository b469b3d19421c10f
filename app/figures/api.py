"""The routes of figures: the catalogue, the counts, the rates and the statistics, and all of them at once.

They turn a request into a question and a document into an answer; what a figure means, `metrics` says.
"""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.figures import sheet
from app.figures.answer import Answered, Present, answer, total
from app.figures.asked import answerable, compared, media_type, question
from app.figures.parameters import CountsAsked, RateAsked, SummaryAsked
from app.figures.schemas import Catalogue, CountsAnswer, Entry, Overview, Rates, Said, Summaries
from app.figures.standing import stand
from app.keys.guard import Caller, MetricsRead
from app.kit import export
from app.kit.deployment import Deployment, Here, Snapshot
from app.kit.http import language
from app.kit.problems import Problem
from app.kit.text import Text
from app.metrics.catalogue import CATALOGUE, COUNTS
from app.metrics.metric import Balance, Rate

router: Final = APIRouter(prefix="/v1", tags=["metrics"])

JSON: Final = "application/json"
CSV: Final = "text/csv"
TABLES: Final = (JSON, CSV, export.XLSX)

_NO_METRIC: Final = Text(
    "Không có chỉ tiêu {key}; GET /v1/metrics liệt kê những chỉ tiêu hiện có.",
    "There is no metric {key}; GET /v1/metrics lists those there are.",
)
UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The figures are still those of the ETag in `If-None-Match`."}
}
IN_TABLES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            CSV: {"schema": {"type": "string"}},
            export.XLSX: {"schema": {"type": "string", "format": "binary"}},
        }
    },
    **UNCHANGED,
}
_MOVING: Final = ("as_of", "computed_through")
"""Members that change with every answer and are no part of what the ETag stands for."""


def _metric(
    key: Annotated[
        str,
        Path(
            description="A rate or a statistic of `GET /v1/metrics`.",
            examples=["on_time"],
            json_schema_extra={"enum": [key for key in CATALOGUE if key != COUNTS.key]},
        ),
    ],
) -> Answered:
    metric = CATALOGUE.get(key)
    if metric is None:
        raise no_metric(key)
    return metric


def no_metric(key: str) -> Problem:
    """The problem of a metric that there is not."""
    return Problem("not-found", _NO_METRIC.filled(key=key))


Answerable = Annotated[None, Depends(answerable)]
AskedMetric = Annotated[Answered, Depends(_metric)]


@router.get("/metrics")
async def catalogue(_: MetricsRead) -> Catalogue:
    """Every metric that is answered, with its definition and legal basis in both languages."""
    return Catalogue(items=[_entry(metric) for metric in CATALOGUE.values()])


@router.get("/metrics/counts", response_model=CountsAnswer, responses=IN_TABLES)
async def counts(
    caller: MetricsRead,
    _: Answerable,
    asked: Annotated[CountsAsked, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """Dossiers received, carried over, resolved and in progress, with the residual of the balance."""
    return await _answered(request, here, connection, caller, asked, COUNTS)


@router.get("/metrics/summary", response_model=Overview, responses=UNCHANGED)
async def summary(
    caller: MetricsRead,
    _: Answerable,
    asked: Annotated[SummaryAsked, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """Every metric for one unit, or for all that the key may see, in one period."""
    media_type(request, [JSON])
    now, today = _now(here)
    put = await question(connection, caller, asked, None, today)
    other = compared(asked, put.period, today)
    present = Present(connection, here.settings.zone, now)
    document = await present.dated(put.period)
    if other is not None:
        document["compared"] = {"from": other.from_, "to": other.to}
    document["metrics"] = {
        metric.key: await total(present, put, metric, other) for metric in CATALOGUE.values()
    }
    return conditional(request, document, JSON, lambda: msgspec.json.encode(document))


@router.get("/metrics/{key}", response_model=Rates | Summaries, responses=IN_TABLES)
async def figure(
    caller: MetricsRead,
    metric: AskedMetric,
    _: Answerable,
    asked: Annotated[RateAsked, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """A rate with its numerator, its denominator and what is excluded, or a statistic; in total, and by up to two keys."""
    return await _answered(request, here, connection, caller, asked, metric)


def _now(here: Deployment) -> tuple[datetime, date]:
    now = here.clock()
    return now, now.astimezone(here.settings.zone).date()


async def _answered(
    request: Request,
    here: Deployment,
    connection: AsyncConnection,
    caller: Caller,
    asked: RateAsked | CountsAsked,
    metric: Answered,
) -> Response:
    wanted = media_type(request, TABLES)
    now, today = _now(here)
    put = await question(connection, caller, asked, metric, today)
    document = await answer(
        Present(connection, here.settings.zone, now),
        put,
        metric,
        compared=compared(asked, put.period, today),
        order=asked.order,
        language=language(request),
    )
    if isinstance(metric, Rate):
        await stand(connection, document, put, asked, metric, today)
    if wanted == JSON:
        return conditional(request, document, wanted, lambda: msgspec.json.encode(document))
    table = sheet.table(document, put, metric, language(request))
    named = f"{metric.key}-{put.period.from_}-{put.period.to}"
    if wanted == CSV:
        return conditional(request, document, wanted, table.csv, f"{named}.csv")
    return conditional(request, document, wanted, table.xlsx, f"{named}.xlsx")


def conditional(
    request: Request,
    document: dict[str, Any],
    media: str,
    written: Callable[[], bytes],
    file_name: str | None = None,
) -> Response:
    """The document as `written` in `media`, with an ETag of its figures; or 304 when the reader has these already."""
    figures = {name: value for name, value in document.items() if name not in _MOVING}
    stamp = hashlib.blake2b(msgspec.json.encode([media, figures]), digest_size=16).hexdigest()
    # Weak, since `as_of` differs. Names follow the language, and what a key may see follows the key.
    headers = {
        "ETag": f'W/"{stamp}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept, Accept-Language",
    }
    held = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if held & {f'"{stamp}"', "*"}:
        return Response(status_code=304, headers=headers)
    if file_name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return Response(written(), media_type=media, headers=headers)


def _entry(metric: Answered) -> Entry:
    return Entry(
        key=metric.key,
        kind=metric.kind,
        version=metric.version,
        names=_said(metric.names),
        definition=_said(metric.definition),
        legal_basis=_said(metric.legal_basis),
        parts={name: _said(says) for name, says in metric.parts.items()},
        example=None if isinstance(metric, Balance) else _said(metric.worked),
    )


def _said(text: Text) -> Said:
    return Said(vi=text.vi, en=text.en)
