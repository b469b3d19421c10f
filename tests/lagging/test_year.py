"""The sample city on a driven clock: every evening its facts arrive and its units are judged, as a plain model predicts.

Workers die and begin anew all the time: before, during and after a judgement.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from app.demo import city
from app.demo.places import PROVINCE, WARDS
from app.dossiers.projector import Projector
from app.dossiers.tables import dossier
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.lagging.queries import change_alert
from app.lagging.rules import Rule
from app.lagging.tables import alert
from app.lagging.watch import Watch
from tests.lagging.conftest import Wall
from tests.lagging.makers import a_rule, alerts, lay_down, messages
from tests.lagging.model import HANOI, Known, Model, Step, Told
from tests.targets.makers import commit

TOP = PROVINCE.code
WARD = WARDS[0].unit.code
BEGIN = date(2026, 1, 5)
RESIGNED = BEGIN + timedelta(days=18)
"""The day on which the ward signs a higher target for the year that has begun."""

KINDS = {"unit.lagging", "unit.at_risk", "unit.recovered", "unit.escalated"}
PROMISED = {TOP: [(date(2025, 12, 1), "0.95")], WARD: [(date(2025, 12, 1), "0.9"), (RESIGNED, "0.99")]}


def _rule(key: str, percent: int, margin: int, **terms: Any) -> Rule:
    return a_rule(key, target=Decimal(percent) / 100, margin=Decimal(margin) / 100, **terms)


RULES = (
    _rule("month", 97, 1, repeat_after=4, warns=True),
    _rule("held", 97, 1, window="quarter_to_date", hold=3),
    _rule("rolling", 98, 1, window="rolling_30d", escalate_after=6),
    _rule("year", 95, 0, window="year_to_date", min_denominator=40, warns=True),
    a_rule("promised", target=None, repeat_after=10, escalate_after=3),
)


@dataclass
class Course:
    """Evening after evening, of the deployment and of the model side by side."""

    here: Deployment
    wall: Wall
    model: Model
    random: Random
    watch: Watch = field(init=False)
    longest: float = 0.05
    """Seconds of the longest judgement so far, within which workers die."""

    def __post_init__(self) -> None:
        self.watch = Watch(self.here)

    async def evening(self, at: datetime, events: list[dict[str, Any]]) -> None:
        self.wall.now = at
        if events:
            await city._send(self.here, at, events)
        await Projector(self.here).run_until_current()  # of a process that has just been started
        self.model.evening(at, await self._known())
        for _ in range(self.random.choice((1, 1, 1, 2))):
            if self.random.random() < 0.3:
                self.watch = Watch(self.here)
            if self.random.random() < 0.25:
                await self._die_at_work()
            begun = perf_counter()
            assert await self.watch.judge()
            self.longest = max(self.longest, perf_counter() - begun)
        if self.random.random() < 0.3:
            await self._handle_one()

    async def _die_at_work(self) -> None:
        """Anywhere between the first statement and the commit; what was not committed never was."""
        dying = asyncio.create_task(Watch(self.here).judge())
        await asyncio.sleep(self.random.uniform(0, self.longest))
        dying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await dying

    async def _handle_one(self) -> None:
        """Somebody acknowledges an alert, or mutes it for some days."""
        place = self.random.choice(sorted(self.model.open) or [None])
        if place is None or place[0] != "lagging":
            return
        ours = self.model.open[place]
        today = self.wall.now.astimezone(HANOI).date()
        if self.random.random() < 0.5:
            ours.acknowledged = True
            changes: dict[str, Any] = {"acknowledged_at": self.wall.now}
        else:
            ours.muted_until = today + timedelta(days=self.random.randrange(15))
            changes = {"muted_until": ours.muted_until}
        async with self.here.database.transaction() as connection:
            assert await change_alert(connection, await _identified(connection, *place), **changes)

    async def _known(self) -> list[Known]:
        verdict = sa.case({"early": False, "on_time": False, "late": True}, value=dossier.c.outcome)
        chosen = sa.select(dossier.c.unit, dossier.c.counted_at, verdict, dossier.c.overdue_from)
        async with self.here.database.snapshot() as connection:
            found = await connection.execute(
                chosen.where(~dossier.c.voided, dossier.c.received_at.is_not(None))
            )
            return [Known(*row) for row in found]


async def _identified(connection: Any, level: str, rule: str, unit: str) -> UUID:
    chosen = sa.select(alert.c.id).where(
        alert.c.level == level, alert.c.rule == rule, alert.c.unit == unit, alert.c.closed_at.is_(None)
    )
    found: UUID = (await connection.execute(chosen)).scalar_one()
    return found


async def _follows_the_model(
    client: httpx.AsyncClient, here: Deployment, database: Database, wall: Wall, days: int
) -> Model:
    evenings = [
        datetime.combine(BEGIN + timedelta(days=passed), time(20), HANOI).astimezone(UTC)
        for passed in range(days)
    ]
    wall.now = evenings[0]
    await city.load(here, lambda _, __: None)
    await lay_down(database, *RULES)
    promised = {
        unit: [(signed, Fraction(target)) for signed, target in owed] for unit, owed in PROMISED.items()
    }
    course = Course(here, wall, Model(RULES, TOP, BEGIN.year, promised), Random(days))  # noqa: S311 - repeatable, guards nothing
    first = city._begin(evenings[0], HANOI).date()
    sent = dict(city._evenings(first, evenings[0], evenings[-1], HANOI))
    for at in evenings:
        wall.now = at
        for unit, signed, target in _signed_on(at.astimezone(HANOI).date()):
            await commit(client, unit, unit=unit, target=float(target), signed_on=signed.isoformat())
        arriving = [
            events for sending, events in sorted(sent.items()) if at - timedelta(days=1) < sending <= at
        ]
        await course.evening(at, [event for events in arriving for event in events])
    await _agree(database, course.model)
    return course.model


def _signed_on(today: date) -> Iterator[tuple[str, date, str]]:
    for unit, owed in PROMISED.items():
        for signed, target in owed:
            if today == max(signed, BEGIN):
                yield unit, signed, target


async def _agree(database: Database, model: Model) -> None:
    assert sorted(await _steps(database), key=str) == sorted(model.steps, key=str)
    told = [
        Told(_day(body["timestamp"]), body["data"]["rule"], body["type"], body["data"]["unit"]["code"])
        for body in await messages(database)
    ]
    assert sorted(told) == sorted(model.told)
    still_open = {
        (row["level"], row["rule"], row["unit"]) for row in await alerts(database) if row["closed_at"] is None
    }
    assert still_open == set(model.open)


async def _steps(database: Database) -> Sequence[Step]:
    steps = []
    for row in await alerts(database):
        place = (row["rule"], row["level"], row["unit"])
        steps.append(Step(_day(row["raised_at"]), *place, "raised", row["numerator"], row["denominator"]))
        if row["closed_at"]:
            figure = (row["closing_numerator"], row["closing_denominator"])
            steps.append(Step(_day(row["closed_at"]), *place, row["closed_as"], *figure))
    return steps


def _day(at: datetime | str) -> date:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(HANOI).date()


@pytest.fixture(autouse=True)
def plain_city(monkeypatch: pytest.MonkeyPatch) -> None:
    """A month to look back on, so that no year is folded before the first evening; and nothing but our own rules and promises."""
    monkeypatch.setattr(city, "_HISTORY", timedelta(days=40))
    monkeypatch.setattr(city, "RULES", ())
    monkeypatch.setattr(city, "signed", lambda _: ())


async def test_five_weeks_of_the_sample_city_give_the_alerts_and_messages_that_a_plain_model_predicts(
    client: httpx.AsyncClient, deployment: Deployment, database: Database, wall: Wall
) -> None:
    model = await _follows_the_model(client, deployment, database, wall, 34)
    assert {kind for *_, kind, _ in model.told} == KINDS
    assert {step.what for step in model.steps} == {"raised", "recovered", "expired"}


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_year_of_the_sample_city_gives_the_alerts_and_messages_that_a_plain_model_predicts(
    client: httpx.AsyncClient, deployment: Deployment, database: Database, wall: Wall
) -> None:
    model = await _follows_the_model(client, deployment, database, wall, 365)
    assert {kind for *_, kind, _ in model.told} == KINDS
    assert {step.rule for step in model.steps if step.what == "recovered"} == {rule.key for rule in RULES}
