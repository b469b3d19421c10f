"""The routes of single dossiers: one, its events, lists, and those that a version of a calendar would change.

They read; a dossier's page is folded from the log at that moment, so that it is never behind its own events.
"""

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import register as calendar_register
from app.calendars.api import Key, Number
from app.directory.codes import canonical_procedure
from app.directory.reach import subtree, visible_units
from app.dossiers import listing, preview
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Policy
from app.dossiers.projector import fold_one
from app.dossiers.schemas import (
    ChangeCounts,
    ChangeOut,
    DossierOut,
    DossierRow,
    JudgedOut,
    PreviewOut,
    UnitChanges,
)
from app.dossiers.views import page, shown, verdict
from app.events import queries as log
from app.events.instants import Day, Instant
from app.events.schemas import EventOut
from app.keys.guard import Caller, DossiersRead, MetricsRead
from app.kit import media, paging
from app.kit.deployment import Deployment, Here, Snapshot
from app.kit.http import language
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Problem
from app.kit.text import Text

router = APIRouter(prefix="/v1", tags=["dossiers"])

Code = Annotated[str, Query(min_length=1, max_length=64, description="Dossier code, as its events name it.")]
State = Literal["submitted", "in_progress", "waiting_supplement", "waiting_fee", "processed", "returned", "withdrawn", "stopped", "intake_refused", "voided"]  # fmt: skip
Verdict = Literal["early", "on_time", "late", "not_due", "overdue", "undated"]

_OFFERED: Final = ("application/json", "text/csv")
_UNKNOWN: Final = Text("Không có hồ sơ mã này.", "There is no dossier of this code.")
_NEITHER: Final = Text(
    "Danh sách chỉ trả về application/json hoặc text/csv.", "A list comes as application/json or text/csv."
)


@router.get("/dossier", summary="One dossier", response_model=DossierOut)
async def get_dossier(
    code: Code, request: Request, caller: DossiersRead, here: Here, connection: Snapshot
) -> dict[str, Any]:
    """Its state, verdict, pauses and findings, with an explanation of how the verdict came about."""
    dossier, policy = await visible(connection, caller, here, code)
    return page(dossier, policy, here.clock(), language(request))


@router.get("/dossier/events", summary="The events of one dossier, in the order in which they are folded")
async def get_dossier_events(
    code: Code, caller: DossiersRead, here: Here, connection: Snapshot
) -> Page[EventOut]:
    """Every event of the log, those included that have no effect."""
    await visible(connection, caller, here, code)
    rows = await log.of_dossier(connection, code)
    return Page(items=[EventOut.model_validate(row, from_attributes=True) for row in rows])


@router.get(
    "/calendars/{key}/versions/{number}/preview",
    tags=["calendars"],
    summary="Which dossiers a version of a calendar would change",
)
async def preview_version(
    caller: MetricsRead,
    here: Here,
    connection: Snapshot,
    key: Key,
    number: Number,
    unit: Annotated[list[str] | None, Query(description="With all below it.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> PreviewOut:
    """Before it is put in force: how many by unit, and each of them with its dates and verdict before and after.

    The first page counts everything and takes seconds on a hundred thousand dossiers; later pages only list.
    """
    draft = await calendar_register.found(connection, key, number)
    pair = preview.Pair(*await calendar_register.both(connection, key, draft, here.settings.zone))
    units = await visible_units(connection, caller, unit or [], here.today())
    after, now = paging.read(cursor), here.clock()
    items: list[ChangeOut] = []
    counts: defaultdict[str | None, preview.Count] = defaultdict(preview.Count)
    total, more = preview.Count(), False
    async for change in preview.changes(connection, here, pair, units=units, after=after or ""):
        more = len(items) == limit
        if not more:
            items.append(_change(change, now, here))
        elif after is not None:
            break
        for count in (total, counts[change.unit]):
            count.add(change, now)
    first = after is None
    by_unit = sorted(counts.items(), key=lambda item: item[0] or "")
    return PreviewOut(
        calendar=key,
        version=number,
        first_day=pair.span.first if pair.span else None,
        last_day=pair.span.last if pair.span else None,
        total=ChangeCounts(**asdict(total)) if first else None,
        units=[UnitChanges(unit=code, **asdict(count)) for code, count in by_unit] if first else None,
        items=items,
        next_cursor=paging.written(items[-1].code) if more else None,
    )


def _change(change: preview.Change, now: datetime, here: Deployment) -> ChangeOut:
    before, after = (
        JudgedOut(
            due_original=shown(dossier.clock.due, here.settings.zone),
            due_current=shown(dossier.due_current, here.settings.zone),
            verdict=verdict(dossier, now),
        )
        for dossier in (change.before, change.after)
    )
    return ChangeOut(
        code=change.before.code, unit=change.unit, before=before, after=after, changes=list(change.columns)
    )


async def visible(
    connection: AsyncConnection, caller: Caller, here: Deployment, code: str
) -> tuple[Dossier, Policy]:
    """The dossier, if there is one that this key may see; to a limited key, a foreign one does not exist."""
    dossier, policy = await fold_one(connection, code, here.settings)
    if dossier is None:
        raise Problem("not-found", _UNKNOWN)
    if caller.unit is not None and (dossier.unit or dossier.submitted_unit) not in await subtree(
        connection, caller.unit, here.today()
    ):
        raise Problem("not-found", _UNKNOWN)
    return dossier, policy


@router.get(
    "/dossiers",
    summary="Dossiers, newest first",
    response_model=Page[DossierRow],
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def list_dossiers(
    request: Request,
    caller: DossiersRead,
    here: Here,
    connection: Snapshot,
    unit: Annotated[list[str] | None, Query(description="With all below it.")] = None,
    procedure: Annotated[list[str] | None, Query(description="Canonical code.")] = None,
    state: State | None = None,
    verdict: Verdict | None = None,
    from_: Annotated[
        Day | None, Query(alias="from", description="Received on or after this local day.")
    ] = None,
    to: Annotated[Day | None, Query(description="Received on or before this local day.")] = None,
    due_before: Annotated[Instant | None, Query(description="Due before this instant.")] = None,
    finding: Annotated[str | None, Query(max_length=64, description="A kind of finding.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Any:
    """As the figures have them by now. With `Accept: text/csv` the page comes as CSV."""
    answered = media.chosen(request.headers.get("accept"), _OFFERED)
    if answered is None:
        raise Problem("not-acceptable", _NEITHER)
    chosen = listing.Choice(
        units=await visible_units(connection, caller, unit or [], here.today()),
        procedures=[canonical_procedure(code) for code in procedure] if procedure else None,
        state=state,
        verdict=verdict,
        received_from=listing.midnight(from_, here.settings.zone),
        received_until=listing.midnight(to, here.settings.zone, days_later=1),
        due_before=due_before,
        finding=finding,
    )
    rows, next_cursor = await listing.page(connection, chosen, here.clock(), cursor, limit)
    items = [DossierRow.of(row, here.settings.zone) for row in rows]
    if answered == "text/csv":
        following = request.url.include_query_params(cursor=next_cursor)
        headers = {"Link": f'<{following.path}?{following.query}>; rel="next"'} if next_cursor else None
        return StreamingResponse(
            listing.csv_lines(items), media_type="text/csv; charset=utf-8", headers=headers
        )
    return Page(items=items, next_cursor=next_cursor)
