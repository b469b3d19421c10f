"""The routes of the log: send, check, look up.

They turn requests into calls and outcomes into documents; what a fact is, `envelope` and `ingest` say.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import JSONResponse

from app.events import bodies, marks, queries
from app.events.deliveries import Delivery, deliver, read
from app.events.envelope import Refused
from app.events.ingest import MAX_RESULTS, Ingest, Result, Sender
from app.events.instants import Instant
from app.events.openapi import REQUEST_BODY
from app.events.published import described, envelope_schema
from app.events.schemas import EventOut, FaultOut, ReceiptOut, RejectedOut, ResultOut, TypeOut, ValidationOut
from app.events.types import TYPES
from app.events.waiting import figures_include
from app.keys.guard import AnyKey, Caller, EventsRead, EventsWrite, authenticate
from app.kit.deployment import Here, Snapshot, deployment
from app.kit.http import answer, language, problem_responses
from app.kit.paging import Cursor, Limit, Page, read_number, written
from app.kit.problems import Fault, Problem
from app.kit.text import Text

router = APIRouter(prefix="/v1", tags=["events"])

_INVALID: Final = Text("Sự việc không hợp lệ; xem errors.", "The event is not valid; see errors.")
_CONFLICT: Final = Text(
    "Nguồn này đã gửi mã này với nội dung khác; nội dung mới không được ghi.",
    "This source has sent this id with other content; the new content was not stored.",
)
_FORBIDDEN: Final = Text(
    "Khóa không được gửi sự việc này; xem errors.", "The key may not send this event; see errors."
)
_NO_RECEIPT: Final = Text("Không có biên nhận này.", "There is no such receipt.")
_NO_TYPE: Final = Text("Không có loại sự việc này.", "There is no such event type.")
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,9})\"?")
_MAX_WAIT: Final = 300

_REFUSALS: Final = {
    "invalid": ("invalid", _INVALID),
    "conflict": ("conflict", _CONFLICT),
    "forbidden": ("forbidden", _FORBIDDEN),
}


async def post_events(request: Request) -> Response:
    """`POST /v1/events`: a plain route, since it answers thousands of single posts a second."""
    here = deployment(request)
    caller = await authenticate(request)
    caller.require("events:write")
    ingest: Ingest = request.app.state.ingest
    delivery = await deliver(request, _sender(caller), ingest, here.clock)
    included = await _waited(request, delivery)
    if delivery.single and delivery.outcome.rejected:
        return _refusal(request, delivery)
    return _told(request, delivery, included=included)


def _sender(caller: Caller) -> Sender:
    return Sender(caller.key_id, caller.unit, caller.sources, caller.may("admin"))


async def _waited(request: Request, delivery: Delivery) -> bool:
    """Whether the sender asked to wait (`Prefer: wait=N`) and figures include its events by now."""
    asked = _WAIT.search(request.headers.get("prefer", "").lower())
    if asked is None:
        return False
    seconds = min(int(asked[1]), _MAX_WAIT)
    return await figures_include(deployment(request), delivery.outcome.recorded_at, seconds)


def _told(request: Request, delivery: Delivery, *, included: bool) -> Response:
    outcome = delivery.outcome
    body: dict[str, Any] = {
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "rejected": outcome.rejected,
        "receipt": delivery.call.receipt,
        "results": _results(outcome.results, language(request)) if outcome.results else [],
    }
    if len(outcome.results) > MAX_RESULTS:
        body["results_truncated"] = True
    if delivery.stopped_because is not None:
        body["stopped_at"] = delivery.stopped_at
        body["stopped_because"] = delivery.stopped_because.said(language(request))
    partial = outcome.rejected > 0 or delivery.stopped_because is not None
    done = included or (delivery.single and outcome.duplicate > 0)
    status = 207 if partial else 200 if done else 202
    headers = {"Preference-Applied": "wait"} if included else None
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def _refusal(request: Request, delivery: Delivery) -> Response:
    result = delivery.outcome.results[0]
    kind, detail = _REFUSALS[result.status]
    return answer(
        request, Problem(kind, detail, result.errors, members={"receipt": str(delivery.call.receipt)})
    )


def _results(results: Sequence[Result], spoken: str) -> list[dict[str, Any]]:
    return [
        {
            "index": result.index,
            "id": result.id,
            "status": result.status,
            "errors": [fault.said(spoken) for fault in result.errors],
        }
        for result in results[:MAX_RESULTS]
    ]


@router.post(
    "/events/validate",
    response_model=ValidationOut,
    summary="Check events without storing them",
    openapi_extra={"requestBody": REQUEST_BODY},
    responses=problem_responses("too-large", "unsupported-media-type"),
)
async def validate_events(request: Request, caller: EventsWrite, here: Here) -> dict[str, Any]:
    """Checks a body of `POST /v1/events` (one event or a batch) as it would be checked now, and stores nothing."""
    events, _ = await read(request, bodies.form(request), here.clock())
    sender = _sender(caller)
    found: list[Result] = []
    for index, event in enumerate(events):
        if isinstance(event, Refused):
            found.append(Result(index, event.envelope.get("id"), "invalid", event.faults))
        elif (foreign := sender.refusal(event)) is not None:
            found.append(Result(index, event.id, "forbidden", [foreign]))
    return {
        "valid": len(events) - len(found),
        "invalid": len(found),
        "results": _results(found, language(request)),
    }


@router.get("/events", summary="Events of the log, newest first")
async def list_events(
    request: Request,
    caller: EventsRead,
    connection: Snapshot,
    source: Annotated[str | None, Query(max_length=255)] = None,
    id: Annotated[str | None, Query(max_length=128, description="With `source`: finds one.")] = None,  # noqa: A002 - the contract's name
    type: Annotated[str | None, Query(max_length=64)] = None,  # noqa: A002 - the contract's name
    subject: Annotated[str | None, Query(max_length=64, description="Dossier code.")] = None,
    receipt: UUID | None = None,
    since: Annotated[Instant | None, Query(description="Happened at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Happened before.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[EventOut]:
    """A key that is limited to a unit sees the events of keys that are limited to it or to a unit below."""
    named = {"source": source, "id": id, "type": type, "subject": subject, "receipt": receipt}
    filters = {name: value for name, value in named.items() if value is not None}
    subtree = request.app.state.subtree
    limits = None if caller.unit is None else await subtree(connection, caller.unit)
    rows = await queries.listed(
        connection,
        filters=filters,
        limits=limits,
        since=since,
        until=until,
        after=read_number(cursor),
        limit=limit + 1,
    )
    items = [EventOut.model_validate(dict(row._mapping)) for row in rows[:limit]]  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Page(items=items, next_cursor=_next(rows, limit))


@router.get("/events/rejected", summary="Events that were refused in the last 90 days")
async def list_rejected(
    request: Request,
    caller: EventsRead,
    connection: Snapshot,
    source: Annotated[str | None, Query(max_length=255)] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[RejectedOut]:
    """The envelope, the faults and a hash; never the data. A limited key sees what was refused to itself."""
    limited = caller.unit is not None or caller.sources is not None
    rows = await queries.rejected(
        connection,
        sources=[source] if source is not None else None,
        key_id=caller.key_id if limited else None,
        after=read_number(cursor),
        limit=limit + 1,
    )
    items = [
        RejectedOut(
            recorded_at=row.recorded_at,
            receipt=row.receipt,
            status=row.status,
            envelope=row.envelope,
            errors=_kept_faults(row.errors, language(request)),
            digest=row.digest.hex(),
        )
        for row in rows[:limit]
    ]
    return Page(items=items, next_cursor=_next(rows, limit))


def _next(rows: Sequence[Any], limit: int) -> str | None:
    """The cursor of the page after these rows, of which one more than the page was read."""
    return written(str(rows[limit - 1].seq)) if len(rows) > limit else None


@router.get("/receipts/{receipt}", summary="What became of an earlier call")
async def get_receipt(
    receipt: UUID, request: Request, caller: AnyKey, here: Here, connection: Snapshot
) -> ReceiptOut:
    """A key sees the receipts of its own calls; one with `events:read` and no limit sees all."""
    row = await queries.receipt_of(connection, receipt)
    sees_all = caller.may("events:read") and caller.unit is None and caller.sources is None
    if row is None or (row.key_id != caller.key_id and not sees_all):
        raise Problem("not-found", _NO_RECEIPT)
    through = await marks.computed_through(connection, here.clock())
    return ReceiptOut(
        accepted=row.accepted,
        duplicate=row.duplicate,
        rejected=row.rejected,
        receipt=row.receipt,
        recorded_at=row.recorded_at,
        in_figures=through > row.recorded_at,
        results=[
            ResultOut(
                index=kept["index"],
                id=kept["id"],
                status=kept["status"],
                errors=_kept_faults(kept["errors"], language(request)),
            )
            for kept in row.results
        ],
        results_truncated=row.duplicate + row.rejected > len(row.results),
    )


def _kept_faults(kept: Sequence[Sequence[str]], spoken: str) -> list[FaultOut]:
    return [FaultOut(**Fault(pointer, Text(vi, en)).said(spoken)) for pointer, vi, en in kept]


@router.get("/event-types", summary="The event types")
async def list_types(_: AnyKey) -> Page[TypeOut]:
    """Every type with the JSON Schema of its data and an example."""
    return Page(items=[described(name) for name in TYPES])


@router.get("/event-types/{type}", summary="The JSON Schema of one event type", response_class=JSONResponse)
async def get_type(type: str, _: AnyKey) -> dict[str, Any]:  # noqa: A002 - the contract's name
    """The JSON Schema of a whole event of this type, envelope included."""
    if type not in TYPES:
        raise Problem("not-found", _NO_TYPE)
    return envelope_schema(type)
