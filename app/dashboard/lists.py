"""The pages of dossiers and alerts: lists, one dossier from its first fact to its last, and who is behind.

They show what the fold and the watch have found; they decide nothing.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard import drawing, queries
from app.dashboard.behind import Behind
from app.dashboard.frame import Frame, framed
from app.dashboard.reader import DossiersReader, FiguresReader
from app.dashboard.render import PageRoute, page
from app.directory.called import called_by
from app.directory.reach import visible_units
from app.dossiers.api import visible
from app.dossiers.findings import KINDS as FINDINGS
from app.dossiers.schemas import DossierRow
from app.dossiers.views import page as story
from app.events import queries as log
from app.kit.deployment import Here, Snapshot
from app.kit.problems import Problem
from app.kit.text import Text
from app.lagging import queries as lagging
from app.lagging.rules import Figure
from app.metrics.catalogue import CATALOGUE
from app.metrics.periods import Period
from app.metrics.question import Question
from app.quality.api import PATTERNS, suspects
from app.targets.budget import needed

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_PER_PAGE: Final = 50
_MOST_PAGES: Final = 2000
_MOST_COUNTED: Final = _PER_PAGE * _MOST_PAGES
"""Of the list of all dossiers, which no number leads to; behind a number stand exactly as many as it says."""
_PAST_ALERTS: Final = 50
_OPEN_ALERTS: Final = 200
_NO_FINDING: Final = Text("Không có loại phát hiện này.", "There is no such finding.")

Day = Annotated[str | None, Query(max_length=10)]


@router.get("/dossiers")
async def dossier_list(
    request: Request,
    reader: DossiersReader,
    here: Here,
    connection: Snapshot,
    kind: Annotated[queries.Kind, Query(alias="list")] = "all",
    figure: Annotated[str | None, Query(max_length=64)] = None,
    part: Annotated[str | None, Query(max_length=64)] = None,
    from_: Annotated[str | None, Query(alias="from", max_length=10)] = None,
    to: Day = None,
    unit: Annotated[str | None, Query(max_length=64)] = None,
    procedure: Annotated[str | None, Query(max_length=64)] = None,
    sector: Annotated[str | None, Query(max_length=64)] = None,
    finding: Annotated[str | None, Query(max_length=64)] = None,
    source: Annotated[str | None, Query(max_length=256)] = None,
    number: Annotated[int, Query(alias="page", ge=1, le=_MOST_PAGES)] = 1,
) -> Response:
    """All dossiers, the urgent ones, or those behind a figure: as many as the figure says."""
    frame = await framed(connection, reader, here)
    unit, procedure = unit or None, procedure or None
    about: dict[str, Any] = {"figure": None, "counts_procedures": False, "source": source}
    if figure is not None or finding is not None:
        asked = Behind(figure or "", part, from_, to, unit, procedure, sector)
        put = await asked.question(connection, reader)
        if finding is not None:
            condition, more = await _suspect(connection, put, frame, finding, source)
        else:
            condition, more = await asked.condition(connection, reader, put)
        about |= more
    else:
        units = await visible_units(connection, reader.caller, [unit] if unit else [], reader.today)
        condition = sa.and_(queries.urgent(kind, frame.moment), queries.of(units, procedure))
    most = _MOST_COUNTED if kind == "all" and figure is None and finding is None else None
    total = await queries.how_many(connection, condition, most)
    rows = await queries.listed(
        connection,
        condition,
        by_urgency=kind if figure is None and finding is None else None,
        now=reader.now,
        offset=(number - 1) * _PER_PAGE,
        limit=_PER_PAGE,
    )
    shown = [DossierRow.of(row, reader.zone) for row in rows]
    units_named = {row.unit for row in shown if row.unit} | ({unit} if unit else set())
    procedures_named = {row.procedure for row in shown if row.procedure} | (
        {procedure} if procedure else set()
    )
    names = {
        "units": await called_by(connection, "unit", units_named, reader.language, reader.today),
        "procedures": await called_by(
            connection, "procedure", procedures_named, reader.language, reader.today
        ),
    }
    return page(
        request,
        reader,
        "dossiers.html",
        rows=shown,
        total=total if most is None else min(total, most),
        has_more=most is not None and total > most,
        number=number,
        pages=max(1, min(_MOST_PAGES, -(-total // _PER_PAGE))),
        kind=kind,
        finding=finding,
        unit=unit,
        procedure=procedure,
        names=names,
        kept={name: value for name, value in request.query_params.items() if name not in {"page", "lang"}},
        sample=frame.sample,
        **about,
    )


async def _suspect(
    connection: AsyncConnection, put: Question, frame: Frame, kind: str, source: str | None
) -> tuple[sa.ColumnElement[bool], dict[str, Any]]:
    """The condition of the dossiers that have a finding or show a pattern, as the page of data quality counts them."""
    says = FINDINGS.get(kind) or PATTERNS.get(kind)
    if says is None:
        raise Problem("not-found", _NO_FINDING)
    reader = frame.reader
    span = put.period.span(reader.zone, reader.now)
    condition = await suspects(connection, kind, source, put.units, span, frame.calendar)
    return condition, {
        "figure": says.said(reader.language),
        "part": kind,
        "says": None,
        "period": put.period,
    }


@router.get("/dossier")
async def one_dossier(
    request: Request,
    reader: DossiersReader,
    here: Here,
    connection: Snapshot,
    code: Annotated[str, Query(min_length=1, max_length=64)],
) -> Response:
    """One dossier: how its verdict came about, its pauses, findings and facts."""
    folded, policy = await visible(connection, reader.caller, here, code.strip())
    told = story(folded, policy, reader.now, reader.language)
    units = {stay["unit"] for stay in told["stays"]} | ({told["unit"]} if told["unit"] else set())
    procedures = {told["procedure"]} if told["procedure"] else set()
    return page(
        request,
        reader,
        "dossier.html",
        told=told,
        drawn=_drawn(told, folded.clock.due.at if folded.clock.due else None, reader.now),
        events=await log.of_dossier(connection, folded.code),
        units=await called_by(connection, "unit", units, reader.language, reader.today),
        procedures=await called_by(connection, "procedure", procedures, reader.language, reader.today),
        sample=await queries.has_samples(connection),
    )


def _drawn(told: dict[str, Any], due: datetime | None, now: datetime) -> drawing.Timeline | None:
    begin = told["received_at"]
    if begin is None:
        return None
    end = max(told["ended_at"] or now, begin)
    pauses = [
        drawing.Pause(pause["begin"], pause["end"] or end, pause["counted"]) for pause in told["pauses"]
    ]
    return drawing.timeline(begin, end, due, pauses, now)


@router.get("/alerts")
async def alert_list(
    request: Request,
    reader: FiguresReader,
    connection: Snapshot,
    unit: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Who is behind now, and who was; each with the figure that said so."""
    units = await visible_units(connection, reader.caller, [unit] if unit else [], reader.today)
    found = {
        state: await lagging.alerts(
            connection,
            units=units,
            is_open=state == "open",
            rule=None,
            before=None,
            limit=limit,
            level="lagging",
        )
        for state, limit in (("open", _OPEN_ALERTS), ("past", _PAST_ALERTS))
    }
    codes = {row["unit"] for rows in found.values() for row in rows} | ({unit} if unit else set())
    metrics = {key: metric.names.said(reader.language) for key, metric in CATALOGUE.items()}
    return page(
        request,
        reader,
        "alerts.html",
        open_alerts=found["open"],
        past_alerts=found["past"],
        unit=unit,
        called=await called_by(connection, "unit", codes, reader.language, reader.today),
        metric_names=metrics,
        needed=lambda row: needed(Figure(row["numerator"], row["denominator"]), row["target"]),
        period_of=lambda row: Period(row["period_from"], row["period_to"]),
        ruled=bool(await lagging.rules(connection, after=None, limit=1)),
        sample=await queries.has_samples(connection),
    )
