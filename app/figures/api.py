"""The routes of figures: the catalogue, the counts and the rates.

They turn a request into a question and a document into an answer; what a figure means, `metrics` says.
"""

import hashlib
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.figures.answer import answer
from app.figures.asked import answerable, question
from app.figures.rows import Figure, rate_figure
from app.figures.schemas import Catalogue, CountsAnswer, CountsAsked, Entry, RateAsked, Rates, Said
from app.keys.guard import Caller, MetricsRead
from app.kit.deployment import Deployment, Here, Snapshot
from app.kit.http import language
from app.kit.problems import Problem
from app.kit.text import Text
from app.metrics.catalogue import CATALOGUE, COUNTS, RATES
from app.metrics.metric import Balance, Rate

router: Final = APIRouter(prefix="/v1", tags=["metrics"])

_NO_METRIC: Final = Text(
    "Không có chỉ tiêu {key}; GET /v1/metrics liệt kê những chỉ tiêu hiện có.",
    "There is no metric {key}; GET /v1/metrics lists those there are.",
)
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The figures are still those of the ETag in `If-None-Match`."}
}
_MOVING: Final = ("as_of", "computed_through")
"""Members that change with every answer and are no part of what the ETag stands for."""


def _rate(
    key: Annotated[
        str,
        Path(
            description="A rate of `GET /v1/metrics`.",
            examples=["on_time"],
            json_schema_extra={"enum": [rate.key for rate in RATES]},
        ),
    ],
) -> Rate:
    metric = CATALOGUE.get(key)
    if not isinstance(metric, Rate):
        raise Problem("not-found", _NO_METRIC.filled(key=key))
    return metric


Answerable = Annotated[None, Depends(answerable)]
AskedRate = Annotated[Rate, Depends(_rate)]


@router.get("/metrics")
async def catalogue(_: MetricsRead) -> Catalogue:
    """Every metric that is answered, with its definition and legal basis in both languages."""
    return Catalogue(items=[_entry(metric) for metric in CATALOGUE.values()])


@router.get("/metrics/counts", response_model=CountsAnswer, responses=_UNCHANGED)
async def counts(
    caller: MetricsRead,
    _: Answerable,
    asked: Annotated[CountsAsked, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """Dossiers received, carried over, resolved and in progress, with the residual of the balance."""
    return await _answered(request, here, connection, caller, asked, COUNTS, COUNTS.of)


@router.get("/metrics/{key}", response_model=Rates, responses=_UNCHANGED)
async def rate(
    caller: MetricsRead,
    metric: AskedRate,
    _: Answerable,
    asked: Annotated[RateAsked, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """A rate with its numerator, its denominator and what is excluded; in total, and by up to two keys."""
    return await _answered(
        request, here, connection, caller, asked, metric, lambda counts: rate_figure(metric, counts)
    )


async def _answered(
    request: Request,
    here: Deployment,
    connection: AsyncConnection,
    caller: Caller,
    asked: RateAsked | CountsAsked,
    metric: Rate | Balance,
    figure: Figure,
) -> Response:
    now, zone = here.clock(), here.settings.zone
    put = await question(connection, caller, asked, metric.needs, now.astimezone(zone).date())
    document = await answer(
        connection, put, metric, figure, order=asked.order, language=language(request), zone=zone, now=now
    )
    return _conditional(request, document)


def _conditional(request: Request, document: dict[str, Any]) -> Response:
    """The document with an ETag of its figures, or 304 when the reader has these figures already."""
    figures = {name: value for name, value in document.items() if name not in _MOVING}
    tag = hashlib.blake2b(msgspec.json.encode(figures), digest_size=16).hexdigest()
    # Weak, since `as_of` differs. Names follow the language, and what a key may see follows the key.
    headers = {
        "ETag": f'W/"{tag}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language",
    }
    held = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if held & {f'"{tag}"', "*"}:
        return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode(document), media_type="application/json", headers=headers)


def _entry(metric: Rate | Balance) -> Entry:
    return Entry(
        key=metric.key,
        kind=metric.kind,
        version=metric.version,
        names=_said(metric.names),
        definition=_said(metric.definition),
        legal_basis=_said(metric.legal_basis),
        parts={name: _said(says) for name, says in metric.parts.items()},
    )


def _said(text: Text) -> Said:
    return Said(vi=text.vi, en=text.en)
