"""The sample city in a real database: its history, once, whatever interrupts it, and never among other data."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.demo import city
from app.demo.city import load
from app.demo.days import told_of
from app.demo.places import BACKLOG, BEHIND, BELATED, PROVINCE, SILENT
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
from app.ops.proof import verify
from app.settings import Settings
from app.targets.tables import commitment
from tests.events.makers import received

NOW = datetime(2025, 10, 15, 9, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).astimezone(UTC)
REFORMED = datetime(2025, 7, 1, 8, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
SHORT = timedelta(days=230)
"""Of the year and a half: enough to have the reform in its middle."""


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


@pytest.fixture(autouse=True)
def _of_some_months(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city, "_HISTORY", SHORT)
    monkeypatch.setattr(city, "_SPOKE", SHORT - timedelta(days=12))


async def test_the_city_is_loaded_once_also_when_it_was_broken_off_and_grows_by_the_day(
    settings: Settings, database: Database
) -> None:
    here = at(NOW, settings, database)

    def break_off(done: int, total: int) -> None:
        if done > total // 2:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        await load(here, break_off)
    half = await stored(database)
    steps: list[tuple[int, int]] = []
    await load(here, lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    whole = await stored(database)
    assert 0 < len(half) < len(whole)
    assert [name for _, name, _ in whole] == expected(settings)
    await shows_what_a_demo_should(here)
    assert not (await verify(here, lambda _, __: None)).different

    told: list[tuple[int, int]] = []
    await load(here, lambda done, total: told.append((done, total)))
    assert told == [(0, 0)]
    assert await stored(database) == whole

    await load(at(NOW + timedelta(days=3), settings, database), silent)
    grown = await stored(database)
    assert set(whole) < set(grown)
    assert {source for source, *_ in set(grown) - set(whole)}.isdisjoint({SILENT})
    await nothing_is_refused_or_left(database)


def expected(settings: Settings) -> list[str]:
    """Ids of all that was told by the last evening, but of the source that fell silent."""
    first_day = date(2025, 2, 24)  # the Monday before the history begins
    last_evening = datetime(2025, 10, 14, 18, 0, tzinfo=settings.zone)
    silence = datetime.combine(first_day + SHORT - timedelta(days=12), time(), settings.zone)
    return sorted(
        told.event["id"]
        for passed in range((last_evening.date() - first_day).days + 1)
        for told in told_of(first_day + timedelta(days=passed), settings.zone)
        if told.at <= (silence if told.event["source"] == SILENT else last_evening)
    )


async def shows_what_a_demo_should(here: Deployment) -> None:
    """One ward behind its target, land the slowest sector, some of everything that figures and lists tell apart."""
    await nothing_is_refused_or_left(here.database)
    assert await Watch(here).judge()
    async with here.database.transaction() as connection:
        raised = {
            (row.rule, row.unit) for row in await connection.execute(sa.select(alert.c.rule, alert.c.unit))
        }
        assert {("sample-on-time", BEHIND)} <= raised
        assert raised.isdisjoint({("sample-on-time", "22924"), ("sample-on-time", "22933")})
        lateness = await connection.execute(
            sa.select(
                procedure.c.sector,
                sa.func.avg(sa.case((dossier.c.outcome == "late", 1.0), else_=0.0)),
            )
            .join(procedure, procedure.c.code == dossier.c.procedure)
            .where(dossier.c.outcome.is_not(None))
            .group_by(procedure.c.sector)
            .having(sa.func.count() > 50)
        )
        assert max((share, sector) for sector, share in lateness)[1] == "land"
        for some in (
            dossier.c.paid_online_at.is_not(None),
            dossier.c.apology_at.is_not(None),
            sa.and_(dossier.c.unit == BACKLOG, dossier.c.apology_at.is_(None), dossier.c.overdue_from < NOW),
            sa.not_(sa.func.isempty(dossier.c.supplement_waits)),
            dossier.c.overdue_from < NOW,
            dossier.c.end_kind == "withdrawn",
            dossier.c.end_kind == "stopped",
            dossier.c.voided,
            dossier.c.findings != [],
            dossier.c.late_in_data_only,
            dossier.c.unit.in_(["593", "22915", "22927"]),
        ):
            assert await connection.scalar(sa.select(sa.func.count()).where(some)), some
        open_before = dossier.c.unit.in_(["593", "22915"]), dossier.c.counted_at >= REFORMED
        assert not await connection.scalar(sa.select(sa.func.count()).where(*open_before))
        counted = sa.select(sa.func.count().filter(dossier.c.findings != []), sa.func.count()).select_from(
            dossier
        )
        odd, dossiers = (await connection.execute(counted)).one()
        assert odd < 0.02 * dossiers
        delayed = await connection.execute(
            sa.select(
                event.c.source, sa.func.percentile_cont(0.5).within_group(event.c.recorded_at - event.c.time)
            ).group_by(event.c.source)
        )
        delays = {row.source: row[1] for row in delayed}
        assert delays[BELATED] > timedelta(days=3) > delays[SILENT]


async def test_what_was_signed_stands_in_the_register_and_what_somebody_changed_stays(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(city, "_HISTORY", timedelta(days=7))
    await load(at(datetime(2026, 7, 3, tzinfo=UTC), settings, database), silent)
    async with database.transaction() as connection:
        await connection.execute(
            sa.delete(commitment).where(commitment.c.unit == BEHIND, commitment.c.period == "2025-H2")
        )
        other = sa.select(commitment).where(commitment.c.period == "2025-H2").limit(1)
        mine = (await connection.execute(other)).mappings().one()
        await connection.execute(
            sa.insert(commitment).values(
                {**mine, "id": "mine", "unit": BEHIND, "metric": "on_time", "target": Decimal("0.5")}
            )
        )
    await load(at(datetime(2026, 7, 7, tzinfo=UTC), settings, database), silent)
    async with database.transaction() as connection:
        rows = await connection.execute(
            sa.select(commitment.c.period, commitment.c.version, commitment.c.target)
            .where(commitment.c.unit == BEHIND)
            .order_by(commitment.c.period, commitment.c.version)
        )
        assert [(row.period, row.version, row.target) for row in rows] == [
            ("2025-H2", 1, Decimal("0.5")),
            ("2026", 1, Decimal("0.95")),
            ("2026", 2, Decimal("0.93")),
        ]
        common = await connection.scalars(
            sa.select(commitment.c.metric).where(
                commitment.c.unit == PROVINCE.code, commitment.c.period == "2026"
            )
        )
        assert set(common) == {
            "on_time",
            "full_online",
            "online_payment",
            "online_payment_procedures",
            "apology",
        }


async def nothing_is_refused_or_left(database: Database) -> None:
    async with database.transaction() as connection:
        for table in (rejected_event, dossier_mark):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


async def test_the_sample_never_goes_among_other_data(settings: Settings, database: Database) -> None:
    here = at(datetime(2026, 4, 1, tzinfo=UTC), settings, database)
    mine = check(json.dumps(received("M-1")).encode(), here.clock())
    sender = Sender("mine", None, None, is_admin=False)
    await Ingest(database, here.clock).batch(Call(sender, [mine], uuid7(here.clock())))
    before = await stored(database)
    with pytest.raises(Problem) as refused:
        await load(here, silent)
    assert refused.value.kind == "conflict"
    assert await stored(database) == before
