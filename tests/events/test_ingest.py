import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.events.envelope import Event, check
from app.events.ingest import Call, Ingest, Sender
from app.events.tables import dossier_mark, event, receipt
from app.kit.clock import system_clock
from app.kit.db import Database
from app.kit.ids import uuid7
from tests.events import makers

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SENDER = Sender("key", None, None, is_admin=False)


def checked(made: makers.Json) -> Event:
    found = check(json.dumps(made).encode(), NOW)
    assert isinstance(found, Event)
    return found


def call(*made: makers.Json) -> Call:
    return Call(SENDER, [checked(one) for one in made], uuid7(NOW))


async def held(database: Database, what: "sa.Select[Any]") -> Sequence[sa.Row[Any]]:
    async with database.transaction() as connection:
        rows: Sequence[sa.Row[Any]] = (await connection.execute(what)).all()
    return rows


async def test_one_known_event_in_a_call_undoes_nothing_and_doubles_nothing(database: Database) -> None:
    ingest = Ingest(database, system_clock)
    await ingest.batch(call(makers.received("H1")))
    mixed = call(makers.received("H1"), makers.received("H2"), makers.processed("H2"))
    outcome = await ingest.batch(mixed)
    assert (outcome.accepted, outcome.duplicate, outcome.rejected) == (2, 1, 0)
    rows = await held(
        database, sa.select(receipt.c.accepted, receipt.c.duplicate).order_by(receipt.c.recorded_at)
    )
    assert [tuple(row) for row in rows] == [(1, 0), (2, 1)]
    marks = await held(
        database, sa.select(dossier_mark.c.subject, dossier_mark.c.generation).order_by("subject")
    )
    assert [tuple(row) for row in marks] == [("H1", 1), ("H2", 1)]


async def test_of_calls_that_race_with_the_same_events_one_brings_each(database: Database) -> None:
    ingest = Ingest(database, system_clock)
    same = [makers.received(f"H{n}") for n in range(50)]
    outcomes = await asyncio.gather(*(ingest.batch(call(*same)) for _ in range(6)))
    assert sorted(outcome.accepted for outcome in outcomes) == [0, 0, 0, 0, 0, 50]
    assert sum(outcome.duplicate for outcome in outcomes) == 250
    assert await held(database, sa.select(sa.func.count()).select_from(event)) == [(50,)]
    assert await held(database, sa.select(sa.func.count()).select_from(receipt)) == [(6,)]


async def test_single_events_that_are_gathered_are_told_of_one_by_one(database: Database) -> None:
    ingest = Ingest(database, system_clock)
    calls = [call(makers.received(f"H{n % 20}")) for n in range(40)]
    outcomes = await asyncio.gather(*(ingest.single(one) for one in calls))
    assert [outcome.accepted for outcome in outcomes] == [1] * 20 + [0] * 20
    kept = dict(map(tuple, await held(database, sa.select(receipt.c.receipt, receipt.c.accepted))))
    assert kept == {one.receipt: outcome.accepted for one, outcome in zip(calls, outcomes, strict=True)}


async def test_texts_of_a_batch_stand_in_the_log_as_they_were_sent(database: Database) -> None:
    reasons = ["dòng một\ndòng hai", "\ttab, 'quotes' and \"marks\"", "\\n is no line break", "{},NULL", "🏛"]
    made = [
        makers.event(
            "dossier.stopped", f"H{n} \\ {{,}} 'x\"", "2026-01-08T10:00:00+07:00", {"reason": reason}
        )
        for n, reason in enumerate(reasons)
    ]
    sent = call(*made)
    await Ingest(database, system_clock).batch(sent)
    rows = await held(database, sa.select(event).order_by(event.c.subject))
    assert [(row.id, row.subject, row.type, row.data["reason"]) for row in rows] == [
        (one["id"], one["subject"], one["type"], one["data"]["reason"]) for one in made
    ]
    assert [(row.time, row.digest) for row in rows] == [
        (one.time, one.digest) for one in sent.events if isinstance(one, Event)
    ]
