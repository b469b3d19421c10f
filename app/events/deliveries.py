"""One `POST /v1/events`: from a request's body, in any form, to what became of each event.

It joins bodies, checks and ingest; statuses and documents are for `api`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request

from app.events import bodies, faults
from app.events.bodies import MAX_BATCH, MAX_BODY_BYTES, MAX_STREAM_BYTES, Form
from app.events.envelope import MAX_EVENT_BYTES, Event, Refused, check
from app.events.ingest import Call, Ingest, Outcome, Sender
from app.kit.body import BrokenBodyError, Line, lines, whole
from app.kit.clock import Clock
from app.kit.ids import uuid7
from app.kit.problems import Fault
from app.kit.text import Text

_PART_BYTES: Final = 8 * 1024 * 1024
"""Lines held before a commit even if there are fewer than 5,000, so that memory stays flat."""


@dataclass(slots=True)
class Delivery:
    """A request's events and what became of them; `stopped_at` is the line at which its body broke off."""

    call: Call
    outcome: Outcome
    single: bool = False
    stopped_at: int | None = None
    stopped_because: Text | None = None


async def read(request: Request, announced: Form, now: datetime) -> tuple[list[Event | Refused], bool]:
    """The checked events of a body in memory, and whether it is a single event.

    Raises Problem unreadable, too-large or unsupported-media-type.
    """
    body = await whole(request, MAX_BODY_BYTES)
    if announced is Form.BINARY:
        return [check(bodies.from_headers(request, body), now)], True
    items = bodies.split(body, announced)
    if items is None:
        return [check(bodies.one(body), now)], True
    return [check(item, now) for item in items], False


async def deliver(request: Request, sender: Sender, ingest: Ingest, clock: Clock) -> Delivery:
    """Take a request's events into the log; everything it tells is committed."""
    announced = bodies.form(request)
    if announced is Form.LINES:
        return await _deliver_lines(request, sender, ingest, clock)
    now = clock()
    events, single = await read(request, announced, now)
    call = Call(sender, events, uuid7(now))
    return Delivery(call, await (ingest.single(call) if single else ingest.batch(call)), single)


async def _deliver_lines(request: Request, sender: Sender, ingest: Ingest, clock: Clock) -> Delivery:
    """Commit every 5,000 lines; what was committed stands, even if the body breaks off later."""
    now = clock()
    call = Call(sender, [], uuid7(now))
    delivery = Delivery(call, Outcome(now))
    arrived = lines(request, line_limit=MAX_EVENT_BYTES, limit=MAX_STREAM_BYTES)
    first = line = 0
    while True:
        part, taken, ended = await _part(arrived, clock())
        if part or first == 0:
            told = await ingest.part(Call(sender, part, call.receipt, first), delivery.outcome)
            delivery.outcome = delivery.outcome.plus(told)
        first, line = first + len(part), line + taken
        if isinstance(ended, BrokenBodyError):
            delivery.stopped_at, delivery.stopped_because = line + 1, ended.detail
        if ended:
            return delivery


async def _part(arrived: AsyncIterator[Line], now: datetime) -> tuple[list[Event | Refused], int, object]:
    """The events of the next lines, how many lines they took, and what ended the body, if it did."""
    events: list[Event | Refused] = []
    taken = size = 0
    try:
        async for line in arrived:
            taken += 1
            if line.content is None:
                events.append(Refused({}, [Fault("", faults.TOO_LARGE)], b""))
            elif content := line.content.strip().removeprefix(bodies.BOM):
                events.append(check(content, now))
                size += len(content)
            if len(events) == MAX_BATCH or size > _PART_BYTES:
                return events, taken, None
    except BrokenBodyError as error:
        return events, taken, error
    return events, taken, "whole"
