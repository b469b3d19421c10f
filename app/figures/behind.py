"""The route to the dossiers behind a figure: their number equals the figure.

It says which part is asked for; which dossiers that are, `metrics` says by the conditions that count them.
"""

from datetime import date
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers import listing
from app.dossiers.schemas import DossierRow
from app.figures.answer import named
from app.figures.api import JSON, Answerable, no_metric
from app.figures.asked import media_type, question
from app.figures.parameters import BehindAsked
from app.figures.schemas import Named
from app.keys.guard import DossiersRead
from app.kit import paging
from app.kit.deployment import Here, Snapshot
from app.kit.http import language
from app.kit.paging import Page
from app.kit.problems import Fault, Problem
from app.kit.text import Language, Text
from app.metrics.behind import behind
from app.metrics.catalogue import CATALOGUE
from app.metrics.metric import Balance, Rate, Statistic, Sum

router: Final = APIRouter(prefix="/v1", tags=["metrics"])

_NO_PART: Final = Text("part phải là một trong: {parts}.", "part must be one of: {parts}.")


@router.get(
    "/metrics/{key}/dossiers",
    summary="The dossiers behind a figure",
    response_model=Page[DossierRow] | Page[Named],
)
async def dossiers_behind(
    key: Annotated[str, Path(description="A rate of `GET /v1/metrics`, or `counts`.", examples=["on_time"])],
    caller: DossiersRead,
    _: Answerable,
    asked: Annotated[BehindAsked, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Any:
    """Newest first. `online_payment_procedures` counts procedures, and lists them, by their codes."""
    metric = CATALOGUE.get(key)
    if metric is None or isinstance(metric, Statistic):
        raise no_metric(key)
    media_type(request, [JSON])
    listed, without = parts_of(metric, asked.part)
    now, zone = here.clock(), here.settings.zone
    put = await question(connection, caller, asked, metric, now.astimezone(zone).date())
    found = behind(put, listed, without, zone=zone, now=now)
    if isinstance(metric, Rate) and metric.procedures:
        return await _procedures(
            connection, found, asked.cursor, asked.limit, language(request), now.astimezone(zone).date()
        )
    rows, following = await listing.page(
        connection, listing.Choice(among=found), now, asked.cursor, asked.limit
    )
    return Page(items=[DossierRow.of(row, zone) for row in rows], next_cursor=following)


def parts_of(metric: Rate | Balance, part: str | None) -> tuple[Sum, Sum]:
    """What is listed, and what of it is not. Raises Problem invalid for a part that the metric does not have."""
    nothing = Sum(())
    if isinstance(metric, Rate):
        numerator, denominator = metric.numerator.sum, metric.denominator.sum
        parts = {
            "numerator": (numerator, nothing),
            "denominator": (denominator, nothing),
            "difference": (denominator, numerator),
        }
        part = part or "numerator"
    else:
        sums = {name: total for name, (_, total) in metric.sums.items() if not total.minus}
        parts = {
            name: (total, nothing)
            for name, total in ({name: Sum((name,)) for name in metric.counts} | sums).items()
        }
    if part not in parts:
        fault = _NO_PART.filled(parts=", ".join(parts))
        raise Problem("invalid", fault, [Fault("query:part", fault)])
    return parts[part]


async def _procedures(
    connection: AsyncConnection,
    found: sa.Subquery,
    cursor: str | None,
    limit: int,
    reader: Language,
    today: date,
) -> Page[Named]:
    code = found.c.code.collate("C")
    statement = sa.select(found.c.code).order_by(code).limit(limit + 1)
    if (after := paging.read(cursor)) is not None:
        statement = statement.where(code > after)
    codes = list(await connection.scalars(statement))
    following = paging.written(codes[limit - 1]) if len(codes) > limit else None
    names = await named(connection, "procedure", set(codes), reader, today)
    items = [Named(code=one, name=names.get(one, one)) for one in codes[:limit]]
    return Page(items=items, next_cursor=following)
