"""Takes checked events into the log: append, mark, receipt, all in one transaction that ends before the answer.

The only writer of the log. It knows duplicates and conflicts; what a fact means for a dossier it refuses to know.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.events import faults, queries
from app.events.envelope import Event, Refused
from app.kit.clock import Clock
from app.kit.db import Database, retried
from app.kit.gather import Gather
from app.kit.problems import Fault

MAX_RESULTS: Final = 1_000
"""Results listed in one answer and kept with its receipt."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: what of a key the log needs to know."""

    key_id: str
    unit: str | None
    sources: frozenset[str] | None
    is_admin: bool

    def refusal(self, event: Event) -> Fault | None:
        """Why this sender may not send this event, if so."""
        if self.sources is not None and event.source not in self.sources:
            return Fault("/source", faults.FOREIGN_SOURCE)
        if event.retracts_source not in {None, event.source} and not self.is_admin:
            return Fault("/data/event_source", faults.FOREIGN_RETRACTION)
        return None


@dataclass(slots=True)
class Result:
    """What became of one event that was not accepted."""

    index: int
    id: str | None
    status: str
    errors: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """One request's events on their way into the log; `first` is the index of the first."""

    sender: Sender
    events: Sequence[Event | Refused]
    receipt: uuid.UUID
    first: int = 0


@dataclass(slots=True)
class Outcome:
    """What became of one call, recorded at one instant (UTC)."""

    recorded_at: datetime
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    results: list[Result] = field(default_factory=list)
    rejections: list[dict[str, Any]] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events it tells of."""
        return self.accepted + self.duplicate + self.rejected

    def plus(self, part: "Outcome") -> "Outcome":
        """This and what became of the next part; of the results, one more than an answer lists."""
        return Outcome(
            part.recorded_at,
            self.accepted + part.accepted,
            self.duplicate + part.duplicate,
            self.rejected + part.rejected,
            (self.results + part.results)[: MAX_RESULTS + 1],
        )


class Ingest:
    """Appends calls: batches in a transaction of their own, single events gathered into shared ones."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._gathered: Gather[Call, Outcome] = Gather(self._append)

    async def single(self, call: Call) -> Outcome:
        """Append a call of one event, together with whatever else arrives; answers after the commit."""
        return await self._gathered(call)

    async def batch(self, call: Call) -> Outcome:
        """Append a call; answers after the commit."""
        return (await self._append([call]))[0]

    async def part(self, call: Call, so_far: Outcome) -> Outcome:
        """Append one part of a long call, growing its receipt; answers after the commit what became of this part."""

        async def attempt() -> Outcome:
            now = self._clock()
            async with self._database.transaction() as connection:
                (outcome,) = await _appended(connection, [call], now)
                total = so_far.plus(outcome)
                await queries.grow_receipt(
                    connection,
                    _receipt_row(call, outcome, now) | {"results": _kept(total.results)},
                    outcome.rejections,
                )
            return outcome

        return await retried(attempt)

    async def _append(self, calls: Sequence[Call]) -> list[Outcome]:
        whole: list[Outcome] | None = await retried(partial(self._taken_whole, calls))
        return await retried(partial(self._taken_apart, calls)) if whole is None else whole

    async def _taken_whole(self, calls: Sequence[Call]) -> list[Outcome] | None:
        """The common case in one statement: every event of these calls may be taken and is new. Else None."""
        now = self._clock()
        rows = _rows(calls)
        if not rows or len(rows) < sum(len(call.events) for call in calls):
            return None
        receipts = [(call.receipt, call.sender.key_id, len(call.events)) for call in calls]
        try:
            async with self._database.straight() as connection, connection.transaction():
                await queries.take(connection, list(rows.values()), receipts, now)
        except queries.NotAllNewError:
            return None
        return [Outcome(now, accepted=len(call.events)) for call in calls]

    async def _taken_apart(self, calls: Sequence[Call]) -> list[Outcome]:
        """Calls with events that were known, contradict known ones, or may not be taken."""
        now = self._clock()
        async with self._database.transaction() as connection:
            outcomes = await _appended(connection, calls, now)
            await queries.record(
                connection,
                [_receipt_row(call, outcome, now) for call, outcome in zip(calls, outcomes, strict=True)],
                [row for outcome in outcomes for row in outcome.rejections],
            )
        return outcomes


def _rows(calls: Sequence[Call]) -> dict[tuple[str, str], queries.Row]:
    """What may be taken of these calls, each (source, id) once."""
    rows: dict[tuple[str, str], queries.Row] = {}
    for call in calls:
        sender = call.sender
        for event in call.events:
            if isinstance(event, Event) and sender.refusal(event) is None:
                rows.setdefault((event.source, event.id), (event, call.receipt, sender.unit))
    return rows


async def _appended(connection: AsyncConnection, calls: Sequence[Call], now: datetime) -> list[Outcome]:
    rows = _rows(calls)
    log = await _taken(connection, rows, now) if rows else _Log({}, set())
    return [_judged(call, log, now) for call in calls]


@dataclass(slots=True)
class _Log:
    """What the log holds by now under the keys of some calls; `new` are those that these calls brought."""

    digests: dict[tuple[str, str], bytes]
    new: set[tuple[str, str]]


async def _taken(
    connection: AsyncConnection,
    rows: dict[tuple[str, str], queries.Row],
    now: datetime,
) -> _Log:
    new = await queries.append(connection, list(rows.values()), now)
    if new is None:
        return _Log({key: row[0].digest for key, row in rows.items()}, set(rows))
    return _Log(await queries.stored(connection, list(rows)), new)


def _judged(call: Call, log: _Log, now: datetime) -> Outcome:
    outcome = Outcome(now)
    for index, event in enumerate(call.events, call.first):
        result = _verdict(call, event, index, log)
        if result is None:
            outcome.accepted += 1
            continue
        outcome.results.append(result)
        if result.status == "duplicate":
            outcome.duplicate += 1
        else:
            outcome.rejected += 1
            outcome.rejections.append(_rejection_row(call, event, result, now))
    return outcome


def _verdict(call: Call, event: Event | Refused, index: int, log: _Log) -> Result | None:
    """None for an accepted event; else what it was instead."""
    if isinstance(event, Refused):
        return Result(index, event.envelope.get("id"), "invalid", event.faults)
    foreign = call.sender.refusal(event)
    if foreign is not None:
        return Result(index, event.id, "forbidden", [foreign])
    key = (event.source, event.id)
    if key in log.new:
        log.new.remove(
            key
        )  # the first that carries it was taken; the next is its duplicate, or contradicts it
        return None
    if log.digests[key] == event.digest:
        return Result(index, event.id, "duplicate")
    return Result(index, event.id, "conflict", [Fault("/id", faults.CONFLICT)])


def _receipt_row(call: Call, outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "receipt": call.receipt,
        "key_id": call.sender.key_id,
        "recorded_at": now,
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "rejected": outcome.rejected,
        "results": _kept(outcome.results),
    }


def _kept(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [
        {
            "index": result.index,
            "id": result.id,
            "status": result.status,
            "errors": [[fault.pointer, *fault.detail] for fault in result.errors],
        }
        for result in results[:MAX_RESULTS]
    ]


def _rejection_row(call: Call, event: Event | Refused, result: Result, now: datetime) -> dict[str, Any]:
    if isinstance(event, Refused):
        envelope = event.envelope
    else:
        envelope = {
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": event.time.isoformat(),
        }
    return {
        "recorded_at": now,
        "receipt": call.receipt,
        "key_id": call.sender.key_id,
        "status": result.status,
        "envelope": envelope,
        "errors": [[fault.pointer, *fault.detail] for fault in result.errors],
        "digest": event.digest,
    }
