"""Many workers, cut off transactions, and rules that change while units are judged."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from app.kit.db import Database, sqlstate
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.lagging import queries
from app.lagging.watch import Watch
from app.settings import Settings
from tests.lagging.conftest import Wall
from tests.lagging.makers import (
    HOUR,
    a_rule,
    alerts,
    break_commits,
    end,
    forget_dossiers,
    lay_down,
    mend_commits,
    story,
    told,
)


@pytest.fixture
async def other(settings: Settings, database_url: str, wall: Wall) -> AsyncIterator[Watch]:
    """A watch of another process: with a pool of its own."""
    pool = Database(database_url, application_name="other")
    yield Watch(Deployment(settings, pool, wall))
    await pool.close()


async def test_two_workers_together_raise_one_alert_and_put_one_message(
    watch: Watch, other: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    expected: list[tuple[str, str]] = []
    for _ in range(10):
        await end(database, wall.now - HOUR, late=10)
        await _judge_together(watch, other)
        expected.append(("unit.lagging", "A"))
        assert await told(database) == expected
        await forget_dossiers(database)
        await end(database, wall.now - HOUR, in_time=10)
        await _judge_together(watch, other)
        expected.append(("unit.recovered", "A"))
        assert await told(database) == expected
        await forget_dossiers(database)
        wall.advance(seconds=1)
    assert await story(database) == [("A", "recovered")] * 10


async def _judge_together(*watches: Watch) -> None:
    judged = await asyncio.gather(*(watch.judge() for watch in watches for _ in range(3)))
    assert any(judged)


async def test_one_at_a_time_judges(watch: Watch, other: Watch, database: Database) -> None:
    async with database.transaction() as connection:
        assert await queries.judge_alone(connection)
        assert not await watch.judge()
        assert not await other.judge()
    assert await other.judge()


async def test_the_database_itself_refuses_a_second_open_alert(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=10)
    await watch.judge()
    (row,) = await alerts(database)
    async with database.transaction() as connection:
        assert not await queries.raise_alert(connection, {**row, "id": uuid7(wall.now)})
        assert await queries.close_alert(connection, row["id"], "expired", wall.now)
        assert not await queries.close_alert(connection, row["id"], "recovered", wall.now)
        assert await queries.raise_alert(connection, {**row, "id": uuid7(wall.now)})


async def test_a_judgement_that_cannot_commit_leaves_neither_alert_nor_message(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=10)
    await break_commits(database)
    with pytest.raises(sa.exc.DBAPIError, match="refused"):
        await watch.judge()
    assert (await story(database), await told(database)) == ([], [])
    await mend_commits(database)
    await watch.judge()
    assert (await story(database), await told(database)) == ([("A", None)], [("unit.lagging", "A")])


async def test_a_rule_is_not_changed_while_units_are_judged_by_it(database: Database, wall: Wall) -> None:
    await lay_down(database, a_rule())
    async with database.transaction() as judging:
        await queries.judge_alone(judging)
        await queries.rules_to_judge(judging)
        removal = asyncio.create_task(_remove(database))
        await asyncio.sleep(0.1)
        assert not removal.done()
    assert await removal


async def _remove(database: Database) -> bool:
    async with database.transaction() as connection:
        return await queries.remove_rule(connection, "punctual")


async def test_a_rule_that_changed_since_the_judgement_began_breaks_it_off(
    database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    async with database.transaction() as judging:
        await queries.judge_alone(judging)
        await lay_down(database, a_rule(window="year_to_date"))
        with pytest.raises(sa.exc.DBAPIError) as broken:
            await queries.rules_to_judge(judging)
        assert sqlstate(broken.value) == "40001"  # which `retried` takes for what it is


async def _run_until_raised(watch: Watch, database: Database) -> None:
    async with asyncio.timeout(20):
        while not await story(database):
            rest = await watch.run_once()
            await asyncio.sleep(rest)


async def test_changed_figures_are_judged_without_waiting_for_the_clock(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await watch.run_once()
    await end(database, wall.now - HOUR, late=10)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        rest = await watch.run_once()
        await asyncio.sleep(rest)
    assert await story(database) == []  # it judges every minute, and nobody said that figures changed
    watch.figures_changed()
    await _run_until_raised(watch, database)


async def test_judging_rests_however_fast_figures_change(
    watch: Watch, database: Database, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.lagging.watch._LEAST_REST", 60.0)
    await lay_down(database, a_rule())
    await watch.run_once()
    await end(database, wall.now - HOUR, late=10)
    for _ in range(3):
        watch.figures_changed()
        assert await watch.run_once() == pytest.approx(0.2)
    assert await story(database) == []


async def test_the_clock_alone_is_enough(settings: Settings, database: Database, wall: Wall) -> None:
    watch = Watch(Deployment(settings.model_copy(update={"watch_interval": 0.1}), database, wall))
    await lay_down(database, a_rule())
    await watch.run_once()
    await end(database, wall.now - HOUR, late=10)
    await _run_until_raised(watch, database)


async def test_what_could_not_be_judged_is_judged_at_the_next_look(
    watch: Watch, database: Database, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.lagging.watch._LEAST_REST", 0.0)
    monkeypatch.setattr("app.lagging.watch._REST_PER_WORK", 0)
    await lay_down(database, a_rule())
    await watch.run_once()
    await end(database, wall.now - HOUR, late=10)
    watch.figures_changed()
    await break_commits(database)
    with pytest.raises(sa.exc.DBAPIError, match="refused"):
        await watch.run_once()
    await mend_commits(database)
    async with database.transaction() as connection:
        await queries.judge_alone(connection)
        await watch.run_once()
        assert await story(database) == []
    await watch.run_once()
    assert await story(database) == [("A", None)]
