"""Notices about single dossiers and about silent sources, on a driven clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.events.tables import event
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.lagging.watch import Watch
from app.settings import Settings
from tests.figures.makers import a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import messages

LONG_AGO = datetime(2026, 1, 5, 3, tzinfo=UTC)


def hanoi(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of March 2026; the 20th is a Friday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=7)


def opened(code: str, due: datetime, **columns: Any) -> dict[str, Any]:
    return a_dossier(
        code,
        **{
            "unit": "D",
            "received_at": LONG_AGO,
            "overdue_from": due,
            "apology_deadline": None,
            "apology_at": None,
        }
        | columns,
    )


async def judged(deployment: Deployment, wall: Wall, now: datetime, **changes: Any) -> None:
    wall.now = now
    given = deployment.settings.model_dump() | {"dossier_notices": "digest"} | changes
    settings = Settings(_env_file=None, **given)
    await Watch(Deployment(settings, deployment.database, wall)).judge()


async def heard(database: Database) -> list[tuple[str, str, list[str]]]:
    return [
        (body["type"], body["data"]["unit"]["code"], [one["code"] for one in body["data"]["dossiers"]])
        for body in await messages(database)
    ]


async def test_a_unit_gets_one_digest_of_each_kind_a_working_day_from_the_hour_work_begins(
    deployment: Deployment, database: Database, wall: Wall
) -> None:
    await describe(database)
    await store(
        database,
        [
            opened("soon-1", hanoi(23, 17)),
            opened("soon-2", hanoi(24, 23, 59)),
            opened("later", hanoi(25, 0)),
            opened("new-1", hanoi(19, 17)),
            opened("old", hanoi(19, 7, 29)),
            opened("elsewhere", hanoi(23, 17), unit="E"),
            opened("waits", hanoi(23, 17), overdue_from=None, apology_deadline=hanoi(20, 23)),
            opened("ended", hanoi(23, 17), counted_at=hanoi(19, 9)),
            opened("sorry", hanoi(26, 17), apology_deadline=hanoi(20, 23, 59)),
            opened("said", hanoi(26, 17), apology_deadline=hanoi(20, 23, 59), apology_at=hanoi(19, 9)),
        ],
    )
    await judged(deployment, wall, hanoi(20, 7, 29))
    assert await messages(database) == []
    for minute in (30, 31, 59):
        await judged(deployment, wall, hanoi(20, 7, minute))
    expected = [
        ("dossier.due_soon", "D", ["soon-1", "soon-2"]),
        ("dossier.due_soon", "E", ["elsewhere"]),
        ("dossier.overdue", "D", ["new-1"]),
        ("dossier.apology_due", "D", ["sorry"]),
    ]
    assert await heard(database) == expected
    for day in (21, 22):  # a weekend
        await judged(deployment, wall, hanoi(day, 10))
    assert await heard(database) == expected
    await judged(deployment, wall, hanoi(23, 10))
    assert (await heard(database))[len(expected) :] == [
        ("dossier.due_soon", "D", ["soon-1", "soon-2", "later"]),
        ("dossier.due_soon", "E", ["elsewhere"]),
    ]
    body = (await messages(database))[0]
    assert body["data"] == {
        "unit": {"code": "D", "name": "Ward D"},
        "day": "2026-03-20",
        "count": 2,
        "dossiers": [
            {"code": "soon-1", "procedure": "1.000001", "due_at": "2026-03-23T10:00:00Z"},
            {"code": "soon-2", "procedure": "1.000001", "due_at": "2026-03-24T16:59:00Z"},
        ],
    }


async def test_asked_singly_each_dossier_is_told_once_for_its_due_date(
    deployment: Deployment, database: Database, wall: Wall
) -> None:
    await store(database, [opened("a", hanoi(24, 17)), opened("b", hanoi(24, 17))])
    for day in (20, 21, 23, 24):
        await judged(deployment, wall, hanoi(day, 10), dossier_notices="single")
    assert await heard(database) == [("dossier.due_soon", "D", ["a"]), ("dossier.due_soon", "D", ["b"])]
    await judged(deployment, wall, hanoi(25, 10), dossier_notices="single")
    assert (await heard(database))[2:] == [("dossier.overdue", "D", ["a"]), ("dossier.overdue", "D", ["b"])]


async def test_a_digest_names_a_hundred_and_counts_all(
    deployment: Deployment, database: Database, wall: Wall
) -> None:
    await store(database, [opened(f"{n:03}", hanoi(23, 17)) for n in range(103)])
    await judged(deployment, wall, hanoi(20, 10))
    (body,) = await messages(database)
    assert (body["data"]["count"], len(body["data"]["dossiers"])) == (103, 100)


async def test_switched_off_nothing_is_told(deployment: Deployment, database: Database, wall: Wall) -> None:
    await store(database, [opened("a", hanoi(24, 17))])
    await judged(deployment, wall, hanoi(20, 10), dossier_notices="off")
    assert await messages(database) == []


@pytest.fixture
async def spoke(client: httpx.AsyncClient, database: Database, wall: Wall) -> Any:
    """Records an event of a source at the present instant."""

    async def speak(source: str) -> None:
        received = {
            "source": source,
            "id": f"e-{wall.now.timestamp()}",
            "type": "dossier.received",
            "subject": f"{source}-1",
            "time": "2026-03-01T08:00:00+07:00",
            "data": {"unit": "D", "procedure": "1.000001", "channel": "counter"},
        }
        answer = await client.post("/v1/events", json=received)
        assert answer.status_code == 202, answer.text

    return speak


async def test_a_source_is_told_silent_once_by_working_time_and_anew_after_it_spoke(
    deployment: Deployment, database: Database, wall: Wall, spoke: Any
) -> None:
    hours = {"source_silent_after": 8, "dossier_notices": "off"}
    wall.now = hanoi(20, 11)
    await spoke("quiet")
    await spoke("busy")
    # Friday 11:00 to Monday 10:59 is one minute less than eight working hours.
    await judged(deployment, wall, hanoi(23, 10, 59), **hours)
    assert await messages(database) == []
    await spoke("busy")
    for minute in (0, 30):
        await judged(deployment, wall, hanoi(23, 11, minute), **hours)
    (body,) = await messages(database)
    assert body["type"] == "source.silent"
    assert body["data"] == {
        "source": "quiet",
        "last_recorded_at": "2026-03-20T04:00:00Z",
        "working_hours": 8,
    }
    wall.now = hanoi(23, 14)
    await spoke("quiet")
    await spoke("busy")
    await judged(deployment, wall, hanoi(23, 15), **hours)
    await judged(deployment, wall, hanoi(24, 15), **hours)
    assert [body["data"]["source"] for body in await messages(database)] == ["quiet", "busy", "quiet"]
    async with database.snapshot() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(event)) == 5
