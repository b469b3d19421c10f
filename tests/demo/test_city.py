"""The sample city in a real database: a year of it, once, whatever interrupts it, and never among other data."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.demo.city import load
from app.demo.days import events_of
from app.demo.places import BEHIND
from app.directory.tables import procedure
from app.dossiers.tables import dossier
from app.events.envelope import check
from app.events.ingest import Call, Ingest, Sender
from app.events.tables import dossier_mark, event, rejected_event
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.problems import Problem
from app.lagging.tables import alert
from app.lagging.watch import Watch
from app.settings import Settings
from tests.events.makers import received

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).astimezone(UTC)


class BrokenOffError(Exception):
    """Somebody pressed Ctrl-C."""


def at(now: datetime, settings: Settings, database: Database) -> Deployment:
    return Deployment(settings, database, lambda: now)


async def stored(database: Database) -> list[tuple[object, ...]]:
    async with database.transaction() as connection:
        rows = await connection.execute(
            sa.select(event.c.source, event.c.id, event.c.digest).order_by(event.c.id)
        )
        return [tuple(row) for row in rows]


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


async def test_a_year_is_loaded_once_also_when_it_was_broken_off_and_grows_by_the_day(
    settings: Settings, database: Database
) -> None:
    here = at(NOW, settings, database)

    def break_off(done: int, total: int) -> None:
        if done > total // 2:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        await load(here, break_off)
    half = await stored(database)
    await load(here, silent)
    whole = await stored(database)
    assert 0 < len(half) < len(whole)
    first_day = (NOW - timedelta(days=365)).astimezone(settings.zone).date()
    last_evening = datetime(2026, 3, 31, 18, 0, tzinfo=settings.zone)
    assert [name for _, name, _ in whole] == sorted(
        made["id"]
        for passed in range(365)
        for made in events_of(first_day + timedelta(days=passed), settings.zone)
        if datetime.fromisoformat(made["time"]) <= last_evening
    )
    await shows_what_a_demo_should(here)

    told: list[tuple[int, int]] = []
    await load(here, lambda done, total: told.append((done, total)))
    assert told == [(0, 0)]
    assert await stored(database) == whole

    await load(at(NOW + timedelta(days=3), settings, database), silent)
    grown = await stored(database)
    assert set(whole) < set(grown)
    await nothing_is_refused_or_left(database)


async def shows_what_a_demo_should(here: Deployment) -> None:
    """One ward behind its target, land the slowest sector, some of everything that figures tell apart."""
    await nothing_is_refused_or_left(here.database)
    assert await Watch(here).judge()
    async with here.database.transaction() as connection:
        raised = set(await connection.scalars(sa.select(alert.c.unit)))
        assert BEHIND in raised
        assert len(raised) <= 3
        lateness = await connection.execute(
            sa.select(
                procedure.c.sector,
                sa.func.avg(sa.case((dossier.c.outcome == "late", 1.0), else_=0.0)),
            )
            .join(procedure, procedure.c.code == dossier.c.procedure)
            .where(dossier.c.outcome.is_not(None))
            .group_by(procedure.c.sector)
        )
        assert max((share, sector) for sector, share in lateness)[1] == "land"
        for some in (
            dossier.c.paid_online_at.is_not(None),
            dossier.c.apology_at.is_not(None),
            sa.not_(sa.func.isempty(dossier.c.supplement_waits)),
            dossier.c.overdue_from < NOW,
            dossier.c.end_kind == "withdrawn",
            dossier.c.end_kind == "stopped",
            dossier.c.voided,
        ):
            assert await connection.scalar(sa.select(sa.func.count()).where(some)), some
        for none in (dossier.c.findings != [], dossier.c.late_in_data_only):
            assert await connection.scalar(sa.select(sa.func.count()).where(none)) == 0, none


async def nothing_is_refused_or_left(database: Database) -> None:
    async with database.transaction() as connection:
        for table in (rejected_event, dossier_mark):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


async def test_the_sample_never_goes_among_other_data(settings: Settings, database: Database) -> None:
    here = at(NOW, settings, database)
    mine = check(json.dumps(received("M-1")).encode(), NOW)
    sender = Sender("mine", None, None, is_admin=False)
    await Ingest(database, here.clock).batch(Call(sender, [mine], uuid7(NOW)))
    before = await stored(database)
    with pytest.raises(Problem) as refused:
        await load(here, silent)
    assert refused.value.kind == "conflict"
    assert await stored(database) == before
