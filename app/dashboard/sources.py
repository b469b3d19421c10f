"""The page of data quality: who sends data and how late, what does not fit, and what was late only in the data.

It shows the document that the API answers; whether a source is silent, the deployment's setting decides.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response

from app.dashboard.figures import asked
from app.dashboard.forms import offered
from app.dashboard.frame import Chosen, Frame, UnitCode, framed
from app.dashboard.reader import FiguresReader
from app.dashboard.render import PageRoute, page
from app.events import queries
from app.figures.answer import Present
from app.kit.deployment import Here, Snapshot
from app.quality.api import quality
from app.worktime.deadline import worked_between

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

LOOK_BACK: Final = timedelta(days=90)
"""A source that sent nothing for longer is shown without the instant of its last event."""


class Source(NamedTuple):
    """A source: its last event (None: long ago), whether it is silent, and its delay in the period (None: no event)."""

    name: str
    last: datetime | None
    silent: bool
    delay: Mapping[str, Any] | None


@router.get("/data-quality")
async def data_quality_page(
    request: Request,
    reader: FiguresReader,
    here: Here,
    connection: Snapshot,
    unit: UnitCode = None,
    period: Chosen = None,
) -> Response:
    """What was recorded in the period of the dossiers of a unit with all below it (without one: of all)."""
    frame = await framed(connection, reader, here, period)
    put = asked(frame, frame.period, unit or None)
    document, beside = await quality(
        here.database,
        Present(connection, reader.zone, reader.now),
        put,
        frame.calendar,
        reader.language,
        {"sources": lambda connection: queries.sources(connection, reader.now - LOOK_BACK)},
    )
    spoke = beside["sources"]
    sources = _sources(frame, spoke, document["reporting_delay"], here.settings.source_silent_after)
    if put.units is not None:  # whoever sees some units hears of those who tell of these
        sources = [source for source in sources if source.delay is not None]
    return page(
        request,
        reader,
        "data_quality.html",
        **frame.values,
        unit=unit or reader.caller.unit or "",
        units=await offered(connection, frame),
        sources=sources,
        look_back=LOOK_BACK.days,
        silent_after=here.settings.source_silent_after,
        late=document["late"],
        lists=(
            ("quality_findings", _by_kind(document["findings"])),
            ("quality_patterns", _by_kind(document["patterns"])),
        ),
    )


def _sources(
    frame: Frame,
    spoke: Mapping[str, datetime | None],
    delays: Sequence[Mapping[str, Any]],
    silent_after: int,
) -> list[Source]:
    """Sources by name, the silent ones first; `silent_after` is in working hours, 0: none ever is."""
    known = {row["source"]: row for row in delays}
    limit = timedelta(hours=silent_after)

    def silent(last: datetime | None) -> bool:
        return bool(silent_after) and (
            last is None or worked_between(frame.calendar, last, frame.reader.now) >= limit
        )

    found = [Source(name, last, silent(last), known.get(name)) for name, last in spoke.items()]
    return sorted(found, key=lambda source: (not source.silent, source.name))


def _by_kind(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[tuple[str, int]]]]:
    """Kind, what it says, and how many dossiers by source, the most first; a dossier has one unit, so units add up."""
    says = {row["kind"]: row["says"] for row in rows}
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["kind"], Counter())[row["source"]] += row["dossiers"]
    ordered = sorted(counts.items(), key=lambda one: (-one[1].total(), one[0]))
    return [(kind, says[kind], sorted(found.items(), key=_most_first)) for kind, found in ordered]


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]
