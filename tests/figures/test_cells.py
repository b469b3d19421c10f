"""Cells and dossiers give the same numbers to every question, at every instant, however the dossiers came and changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.metrics import cell_queries, periods
from app.metrics.catalogue import COUNTS, RATES
from app.metrics.cells import MEASURES
from app.metrics.counted import COUNTED
from app.metrics.periods import Period
from app.metrics.queries import tally
from app.metrics.question import Dimension, Group, Question
from app.metrics.rollup import differing, recount, roll_up
from app.metrics.tables import cell, cell_delta, cell_rules
from app.settings import Settings
from tests.figures.makers import DAY, MICROSECOND, PROCEDURES, UNITS, Row, describe, random_dossiers, store

FIRST = date(2025, 11, 20)
DAYS = 220
MANY = 150
NAMES = ("2025", "2026", "2026-H1", "2026-Q1", "2026-03", "report:2026-01", "report:2026-Q2", "report:2026")
KEYS: Sequence[Dimension] = (
    "unit", "child", "procedure", "sector", "channel", "day", "month", "quarter", "year",
)  # fmt: skip


@pytest.fixture(params=["Asia/Ho_Chi_Minh", "Europe/Amsterdam"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Clocks that never change, and clocks that do."""
    return settings.model_copy(update={"timezone": request.param})


def random_question(random: Random) -> Question:
    if random.random() < 0.5:
        period = periods.parse(random.choice(NAMES))
    else:
        first = FIRST + timedelta(days=random.randint(-10, DAYS))
        period = Period(first, first + timedelta(days=random.choice((0, 1, 13, 20, 100, 400))))
    metric = random.choice((COUNTS, COUNTS, *RATES))
    needs = metric.needs if random.random() < 0.7 else random.sample(sorted(MEASURES), random.randint(1, 4))
    return Question(
        counts=tuple(needs),
        period=period,
        by=tuple(random.sample(KEYS, random.choice((0, 1, 1, 2)))),
        units=random.sample(UNITS, 3) if random.random() < 0.3 else None,
        procedures=random.sample([*PROCEDURES, "1.000004"], 2) if random.random() < 0.2 else None,
        sectors=["land"] if random.random() < 0.2 else None,
        channels=random.sample(["online", "counter", "post"], 2) if random.random() < 0.2 else None,
        root=random.choice("ABG"),
    )


def random_now(random: Random, zone: ZoneInfo, rows: Sequence[Row]) -> datetime:
    """An instant around a local midnight, or around something that a dossier does."""
    if random.random() < 0.6:
        row = random.choice(rows)
        waits = [
            edge
            for kind in ("supplement", "fee", "repeat")
            for wait in row[f"{kind}_pauses"]
            for edge in wait
        ]
        names = ("received_at", "counted_at", "overdue_from", "portal_overdue_from", "due_original")
        instants = [*(row[name] for name in names), *waits]
        known: list[datetime] = [at for at in instants if at is not None]
        if known:
            return random.choice(known) + random.choice((-1, 0, 0, 1)) * MICROSECOND
    midnight = periods.midnight(FIRST + timedelta(days=random.randint(-5, DAYS + 30)), zone)
    beside: timedelta = random.choice((-MICROSECOND, 0 * DAY, MICROSECOND, random.random() * DAY))
    return midnight + beside


def as_sets(groups: Sequence[Group]) -> dict[tuple[str | None, ...], dict[str, int]]:
    found = {group.keys: dict(group.counts) for group in groups}
    assert len(found) == len(groups)
    return found


async def from_dossiers(
    connection: AsyncConnection, question: Question, zone: ZoneInfo, now: datetime
) -> list[Group]:
    """The answer of the dossiers alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_queries, "MEASURES", {})
        return await tally(connection, question, zone=zone, now=now)


async def answered_by_cells(
    connection: AsyncConnection, question: Question, zone: ZoneInfo, now: datetime
) -> bool:
    rows = await cell_queries.counted(
        connection, replace(question, by=()), [question.period], zone=zone, now=now, limit=None
    )
    return rows is not None


async def compare(here: Deployment, random: Random, rows: Sequence[Row], questions: int) -> int:
    """Ask both ways; how many questions cells could answer in total."""
    zone, answered = zone_of(here), 0
    for _ in range(questions):
        question, now = random_question(random), random_now(random, zone, rows)
        async with here.database.snapshot() as connection:
            by_cells = await tally(connection, question, zone=zone, now=now)
            by_dossiers = await from_dossiers(connection, question, zone, now)
            assert as_sets(by_cells) == as_sets(by_dossiers), (question, now)
            answered += await answered_by_cells(connection, question, zone, now)
    return answered


async def change(database: Database, random: Random, rows: list[Row], zone: ZoneInfo) -> None:
    """Let some dossiers go, and put others in the place of some."""
    fresh = {row["code"]: row for row in random_dossiers(random, zone, FIRST, DAYS, len(rows))}
    moved = random.sample(rows, len(rows) // 3)
    codes = [row["code"] for row in moved]
    async with database.transaction() as connection:
        await connection.execute(sa.delete(dossier).where(dossier.c.code.in_(codes)))
    await store(database, [fresh[code] for code in codes if random.random() < 0.8])
    async with database.transaction() as connection:
        for column, value in (("unit", random.choice(UNITS)), ("voided", True), ("channel", "post")):
            some = random.sample([row["code"] for row in rows], len(rows) // 10)
            await connection.execute(
                sa.update(dossier).where(dossier.c.code.in_(some)).values({column: value})
            )


def zone_of(here: Deployment) -> ZoneInfo:
    """Not `settings.zone`, which a copy of settings for another zone keeps."""
    return ZoneInfo(here.settings.timezone)


async def found_wrong(here: Deployment) -> list[str]:
    async with here.database.snapshot() as connection:
        return await differing(connection, here.settings.timezone)


@pytest.mark.parametrize("seed", [1, 2])
async def test_cells_and_dossiers_agree_through_every_change(
    deployment: Deployment, database: Database, seed: int
) -> None:
    await agree(deployment, database, seed, questions=12)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
async def test_cells_and_dossiers_agree_through_very_many_changes(
    deployment: Deployment, database: Database, seed: int
) -> None:
    await agree(deployment, database, seed, questions=200)


async def agree(deployment: Deployment, database: Database, seed: int, questions: int) -> None:
    """Ask both ways before and after changes and roll-ups."""
    zone = zone_of(deployment)
    random = Random(f"{seed} {zone}")  # noqa: S311 - repeatable rows and questions, no secret
    rows = random_dossiers(random, zone, FIRST, DAYS, MANY)
    await describe(database)
    await store(database, rows[: MANY // 2])
    await roll_up(deployment)
    await store(database, rows[MANY // 2 :])
    answered = await compare(deployment, random, rows, questions)
    await roll_up(deployment, most=20)
    answered += await compare(deployment, random, rows, questions)
    await change(database, random, rows, zone)
    answered += await compare(deployment, random, rows, questions)
    assert await found_wrong(deployment) == []
    while await roll_up(deployment):
        pass
    answered += await compare(deployment, random, rows, questions)
    assert await found_wrong(deployment) == []
    assert answered > questions, "cells must not leave the work to the dossiers"


async def test_deadlines_of_before_the_period_are_in_none_of_its_buckets(
    deployment: Deployment, database: Database
) -> None:
    zone = zone_of(deployment)
    rows = random_dossiers(Random(8), zone, FIRST, DAYS, 60)  # noqa: S311 - repeatable rows, no secret
    await store(database, rows)
    await roll_up(deployment)
    # Nothing is due in its last months, so that nothing else hides what would be counted there.
    question = Question(("due", "due_kept", "received_late"), periods.parse("2026"), by=("month",))
    now = periods.midnight(date(2027, 2, 1), zone)
    async with database.snapshot() as connection:
        assert await answered_by_cells(connection, question, zone, now)
        by_cells = await tally(connection, question, zone=zone, now=now)
        assert as_sets(by_cells) == as_sets(await from_dossiers(connection, question, zone, now))
    assert ("2026-12",) not in as_sets(by_cells)


def test_every_count_of_the_catalogue_is_held_by_cells() -> None:
    asked = {need for metric in (COUNTS, *RATES) for need in metric.needs}
    assert asked <= MEASURES.keys() == COUNTED.keys()


async def test_dossiers_change_while_all_is_recounted_and_each_change_counts_once(
    deployment: Deployment, database: Database
) -> None:
    random = Random(6)  # noqa: S311 - repeatable rows, no secret
    rows = random_dossiers(random, zone_of(deployment), FIRST, DAYS, 40)
    await store(database, rows[:20])
    await roll_up(deployment)
    await store(database, rows[20:])
    async with database.transaction() as connection:
        await connection.execute(sa.update(dossier).values(channel="post"))
        # Not committed: it is neither waited for nor counted.
        await asyncio.wait_for(recount(deployment), 30)
    assert await noted(database), "the change is noted, and not forgotten with what was counted"
    assert await found_wrong(deployment) == []
    while await roll_up(deployment):
        pass
    assert await noted(database) == 0
    assert await found_wrong(deployment) == []


async def test_folding_a_dossier_again_to_what_it_was_notes_nothing(
    deployment: Deployment, database: Database
) -> None:
    random = Random(7)  # noqa: S311 - repeatable rows, no secret
    await roll_up(deployment)
    await store(database, random_dossiers(random, zone_of(deployment), FIRST, DAYS, 20))
    before = await noted(database)
    async with database.transaction() as connection:
        await connection.execute(sa.update(dossier).values(unit=dossier.c.unit, reappointments=2))
    assert await noted(database) == before > 0


async def noted(database: Database) -> int:
    async with database.snapshot() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(cell_delta)) or 0


async def test_a_recount_finds_and_mends_what_was_tampered_with(
    deployment: Deployment, database: Database
) -> None:
    random = Random(3)  # noqa: S311 - repeatable rows, no secret
    await store(database, random_dossiers(random, zone_of(deployment), FIRST, DAYS, 40))
    await roll_up(deployment)
    async with database.transaction() as connection:
        held = list(await connection.execute(sa.select(cell).order_by(cell.c.grain, cell.c.day)))
        await connection.execute(
            sa.update(cell).where(cell.c.grain == "unit year").values(received=cell.c.received + 2)
        )
        await connection.execute(sa.delete(cell).where(cell.c.grain == "sector half"))
    wrong = await found_wrong(deployment)
    assert any(told.startswith("cell unit year 2026-01-01 ") and "received +2" in told for told in wrong)
    assert any(told.startswith("cell sector half ") for told in wrong)
    await recount(deployment)
    assert await found_wrong(deployment) == []
    async with database.snapshot() as connection:
        again = list(await connection.execute(sa.select(cell).order_by(cell.c.grain, cell.c.day)))
    assert sorted(map(str, again)) == sorted(map(str, held))


async def test_cells_of_another_zone_answer_nothing_until_they_are_counted_anew(
    deployment: Deployment, database: Database, settings: Settings
) -> None:
    random = Random(4)  # noqa: S311 - repeatable rows, no secret
    rows = random_dossiers(random, zone_of(deployment), FIRST, DAYS, 40)
    await store(database, rows)
    await roll_up(deployment)
    moved = replace(deployment, settings=settings.model_copy(update={"timezone": "America/New_York"}))
    question = Question(("received",), periods.parse("2026"))
    now = datetime(2026, 5, 20, 3, tzinfo=UTC)
    async with database.snapshot() as connection:
        assert await answered_by_cells(connection, question, zone_of(deployment), now)
        assert not await answered_by_cells(connection, question, zone_of(moved), now)
    await roll_up(moved)
    async with database.snapshot() as connection:
        assert not await answered_by_cells(connection, question, zone_of(deployment), now)
        assert await answered_by_cells(connection, question, zone_of(moved), now)
    await compare(moved, random, rows, 20)


async def test_without_any_roll_up_there_are_no_cells_and_nothing_is_noted(database: Database) -> None:
    random = Random(5)  # noqa: S311 - repeatable rows, no secret
    await store(database, random_dossiers(random, ZoneInfo("UTC"), FIRST, DAYS, 10))
    async with database.snapshot() as connection:
        for table in (cell, cell_delta, cell_rules):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
