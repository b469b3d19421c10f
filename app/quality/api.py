"""The route of data quality: findings, patterns, reporting delay, and late in data against late in fact.

It puts together what others count; it changes no figure and no verdict.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import queries as calendars
from app.dossiers.findings import KINDS
from app.figures.answer import Present, named
from app.figures.api import JSON, UNCHANGED, Answerable, conditional
from app.figures.asked import media_type, question
from app.figures.parameters import Whole
from app.figures.rows import statistic_figure
from app.keys.guard import MetricsRead
from app.kit.abreast import Ask, abreast
from app.kit.db import Database
from app.kit.deployment import Here, Snapshot
from app.kit.http import language
from app.kit.text import Language, Text
from app.metrics.durations import REPORTING_DELAY
from app.metrics.metric import share
from app.metrics.periods import Span
from app.metrics.queries import tally
from app.metrics.question import Question
from app.quality import queries
from app.quality.queries import Found, Pause
from app.quality.schemas import Quality
from app.worktime.calendar import Calendar
from app.worktime.deadline import worked_between

router: Final = APIRouter(prefix="/v1", tags=["metrics"])

LAST_HOUR: Final = timedelta(hours=1)
"""Of working time before the due date."""

PATTERNS: Final = {
    "due_moved_after_it_passed": Text(
        "Hẹn lại ngày trả sau khi đã quá hạn.", "A new date was told after the due date had passed."
    ),
    "paused_in_the_last_hour": Text(
        "Yêu cầu bổ sung hoặc nộp tiền trong giờ làm việc cuối cùng trước hạn.",
        "A pause was opened in the last working hour before the due date.",
    ),
    "finished_at_once": Text(
        "Xong trong vòng một phút sau khi tiếp nhận.", "Finished within a minute of the reception."
    ),
    "finished_in_bulk": Text(
        "Xong hàng loạt trong hai ngày cuối tháng.", "Finished in bulk on the last two days of a month."
    ),
    "back_dated": Text(
        "Sự việc được báo muộn hơn ba ngày sau khi xảy ra.", "Told more than three days after it happened."
    ),
}


@router.get(
    "/data-quality", summary="Findings, patterns and delays", response_model=Quality, responses=UNCHANGED
)
async def data_quality(
    caller: MetricsRead,
    _: Answerable,
    asked: Annotated[Whole, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """Of what was recorded in the period: how many dossiers do not fit, by kind, source and unit, and how late it was told."""
    media_type(request, [JSON])
    now, zone, reader = here.clock(), here.settings.zone, language(request)
    put = await question(connection, caller, asked, None, now.astimezone(zone).date())
    calendar = await calendars.calendar(connection, here.settings.calendar, zone)
    document, _beside = await quality(here.database, Present(connection, zone, now), put, calendar, reader)
    return conditional(request, document, JSON, lambda: msgspec.json.encode(document))


async def quality(
    database: Database,
    present: Present,
    put: Question,
    calendar: Calendar,
    reader: Language,
    beside: Mapping[str, Ask] = MappingProxyType({}),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of what was recorded in the question's period, of its units; and the answers to what is asked beside."""
    span, zone, units = put.period.span(present.zone, present.now), calendar.zone, put.units
    asks: dict[str, Ask] = {
        "delays": lambda connection: _delays(replace(present, connection=connection), put),
        "seen": lambda connection: queries.seen(connection, units, span),
        "bulk": lambda connection: queries.bulk_finishing(connection, units, span, zone),
        "pauses": lambda connection: queries.late_pauses(connection, units, span),
        "late": lambda connection: _late(replace(present, connection=connection), put),
    }
    answers = await abreast(
        database, present.connection, asks | {f"beside {name}": ask for name, ask in beside.items()}
    )
    seen: queries.Seen = answers["seen"]
    patterns = [*seen.patterns, *answers["bulk"], *_in_the_last_hour(answers["pauses"], calendar)]
    codes = {one.unit for one in [*seen.findings, *patterns] if one.unit is not None}
    names = await named(present.connection, "unit", codes, reader, present.naming_day(put))
    document = {
        **await present.dated(put.period),
        "findings": [_told(one, KINDS[one.kind], names, reader) for one in sorted(seen.findings, key=_place)],
        "patterns": [_told(one, PATTERNS[one.kind], names, reader) for one in sorted(patterns, key=_place)],
        "reporting_delay": answers["delays"],
        "late": answers["late"],
    }
    return document, {name: answers[f"beside {name}"] for name in beside}


async def suspects(
    connection: AsyncConnection,
    kind: str,
    source: str | None,
    units: Sequence[str] | None,
    span: Span,
    calendar: Calendar,
) -> sa.ColumnElement[bool]:
    """The condition of the dossiers that a finding or a pattern counts, told of by a source (None: by any)."""
    if kind == "paused_in_the_last_hour":
        pauses = await queries.late_pauses(connection, units, span)
        codes = {pause.code for pause in _late_ones(pauses, calendar) if source in {None, pause.source}}
        return queries.coded(codes)
    if kind == "finished_in_bulk":
        return queries.finished_in_bulk(source, units, span, calendar.zone)
    return queries.showing(kind, source, units, span)


def _place(found: Found) -> tuple[str, str, str]:
    return found.kind, found.source, found.unit or ""


def _told(found: Found, says: Text, names: dict[str, str], reader: Language) -> dict[str, Any]:
    unit = {"code": found.unit, "name": names.get(found.unit or "", found.unit)}
    return {**found._asdict(), "says": says.said(reader), "unit": unit}


def _in_the_last_hour(pauses: list[Pause], calendar: Calendar) -> list[Found]:
    dossiers = {(pause.source, pause.unit, pause.code) for pause in _late_ones(pauses, calendar)}
    counted = Counter((source, unit) for source, unit, _ in dossiers)
    return [Found("paused_in_the_last_hour", source, unit, many) for (source, unit), many in counted.items()]


def _late_ones(pauses: list[Pause], calendar: Calendar) -> list[Pause]:
    return [one for one in pauses if worked_between(calendar, one.begin, one.due) <= LAST_HOUR]


async def _delays(present: Present, put: Question) -> list[dict[str, Any]]:
    groups = await present.groups(replace(put, by=("source",)), REPORTING_DELAY)
    groups.sort(key=lambda group: group.keys)
    return [{"source": group.keys[0], **statistic_figure(REPORTING_DELAY, group)} for group in groups]


async def _late(present: Present, put: Question) -> dict[str, Any]:
    fact, data = "resolved_late", "late_in_data_only"
    asked = replace(put, counts=(fact, data))
    (group,) = await tally(present.connection, asked, zone=present.zone, now=present.now)
    in_fact, in_data = group.counts[fact], group.counts[data]
    return {
        "late_in_fact": in_fact,
        "late_in_data_only": in_data,
        "share_in_data_only": share(in_data, in_fact + in_data),
    }
