"""The sample city on a driven clock: every evening its units are judged, and a plain model predicts what follows.

The model counts dossiers by hand and walks the days by hand. It takes the verdicts of single dossiers from the table,
since the fold has models of its own.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.demo import city, promises
from app.demo.places import PROVINCE, WARDS
from app.dossiers.tables import dossier
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.lagging.rules import Rule
from app.lagging.tables import lagging_rule
from app.lagging.watch import Watch
from tests.lagging.conftest import Wall
from tests.lagging.makers import a_rule, alerts, lay_down, messages

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
TOP = PROVINCE.code
BEGIN = date(2026, 1, 5)
PERCENT = {"month": (97, 1), "held": (97, 1), "rolling": (98, 1), "year": (95, 0)}
"""Target and margin of each rule, in whole percent."""


def _rule(key: str, **terms: Any) -> Rule:
    target, margin = PERCENT[key]
    return a_rule(key, target=Decimal(target) / 100, margin=Decimal(margin) / 100, **terms)


RULES = (
    _rule("month", repeat_after=4),
    _rule("held", window="quarter_to_date", hold=3),
    _rule("rolling", window="rolling_30d", escalate_after=6),
    _rule("year", window="year_to_date", min_denominator=40),
)

Told = tuple[str, str, str, str]
"""Day, rule, type and unit of a message."""


@dataclass
class Alert:
    """An open alert of the model."""

    begins: date
    told: date
    escalated: date
    levels: int = 0


@dataclass
class Model:
    """What each unit is to be told on which day."""

    rows: Sequence[tuple[str, datetime, bool]]
    open: dict[tuple[str, str], Alert] = field(default_factory=dict)
    since: dict[tuple[str, str], tuple[str, date, date]] = field(default_factory=dict)

    def evening(self, now: datetime) -> Iterator[Told]:
        today = now.astimezone(HANOI).date()
        for rule in RULES:
            begins = _begins(rule, today)
            counted: defaultdict[str, list[bool]] = defaultdict(list)
            for unit, ended, late in self.rows:
                if datetime.combine(begins, time(), HANOI) <= ended < now:
                    counted[unit].append(late)
                    counted[TOP].append(late)
            units = {unit for key, unit in self.open if key == rule.key} | counted.keys()
            for unit in sorted(units):
                for kind in self._judge(rule, unit, begins, today, counted[unit]):
                    yield today.isoformat(), rule.key, kind, unit

    def _judge(self, rule: Rule, unit: str, begins: date, today: date, late: list[bool]) -> Iterator[str]:
        place = (rule.key, unit)
        alert = self.open.get(place)
        if alert and rule.window != "rolling_30d" and alert.begins != begins:
            del self.open[place]
            alert = None
        enough = len(late) >= rule.min_denominator
        target, margin = PERCENT[rule.key]
        behind = 100 * late.count(False) < target * len(late)
        healed = 100 * late.count(False) >= (target + margin) * len(late)
        wish = None
        if alert is None and enough and behind:
            wish = "raise"
        if alert is not None and enough and healed:
            wish = "recover"
        if wish and not self._stood(rule, place, wish, begins, today):
            wish = None
        elif not wish:
            self.since.pop(place, None)
        if wish == "raise":
            self.open[place] = Alert(begins, today, today)
            yield "unit.lagging"
        elif wish == "recover":
            del self.open[place]
            yield "unit.recovered"
        elif alert is not None and enough and behind:
            yield from self._remind(rule, unit, alert, today)

    def _stood(self, rule: Rule, place: tuple[str, str], wish: str, begins: date, today: date) -> bool:
        if not rule.hold:
            return True
        noted = self.since.get(place)
        if noted is None or noted[0] != wish or noted[2] != begins:
            self.since[place] = (wish, today, begins)
            return False
        if _weekdays(noted[1], today) >= rule.hold:
            del self.since[place]
            return True
        return False

    def _remind(self, rule: Rule, unit: str, alert: Alert, today: date) -> Iterator[str]:
        if rule.repeat_after and _weekdays(alert.told, today) >= rule.repeat_after:
            alert.told = today
            yield "unit.lagging"
        due = rule.escalate_after and _weekdays(alert.escalated, today) >= rule.escalate_after
        if due and alert.levels < (0 if unit == TOP else 1):
            alert.levels, alert.escalated = alert.levels + 1, today
            yield "unit.escalated"


def _begins(rule: Rule, today: date) -> date:
    return {
        "month_to_date": today.replace(day=1),
        "quarter_to_date": today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
        "year_to_date": today.replace(month=1, day=1),
        "rolling_30d": today - timedelta(days=29),
    }[rule.window]


def _weekdays(since: date, today: date) -> int:
    return sum((since + timedelta(days=n)).weekday() < 5 for n in range(1, (today - since).days + 1))


async def _judge_each_evening(
    deployment: Deployment, wall: Wall, evenings: Sequence[datetime], random: Random
) -> None:
    """Now and then by a fresh worker, twice, or after one that died at work."""
    watch = Watch(deployment)
    for evening in evenings:
        wall.now = evening
        for _ in range(random.choice((1, 1, 2))):
            if random.random() < 0.3:
                watch = Watch(deployment)
            if random.random() < 0.15:
                dying = asyncio.create_task(watch.judge())
                await asyncio.sleep(random.uniform(0, 0.03))
                dying.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await dying
            assert await watch.judge()


async def _follows_the_model(deployment: Deployment, database: Database, wall: Wall, days: int) -> None:
    evenings = [
        datetime.combine(BEGIN + timedelta(days=passed), time(20), HANOI).astimezone(UTC)
        for passed in range(days)
    ]
    await lay_down(database, *RULES)
    wall.now = evenings[-1]
    await city.load(deployment, lambda _, __: None)
    random = Random(days)  # noqa: S311 - repeatable, guards nothing
    await _judge_each_evening(deployment, wall, evenings, random)
    async with database.transaction() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(lagging_rule)) == len(
            RULES
        ) + len(promises.RULES)
        found = await connection.execute(
            sa.select(dossier.c.unit, dossier.c.counted_at, dossier.c.outcome).where(
                dossier.c.outcome.in_(["early", "on_time", "late"]), ~dossier.c.voided
            )
        )
        model = Model([(unit, ended, outcome == "late") for unit, ended, outcome in found])
    predicted = [told for evening in evenings for told in model.evening(evening)]
    keys = {rule.key for rule in RULES}
    told = [
        (_day(body), body["data"]["rule"], body["type"], body["data"]["unit"]["code"])
        for body in await messages(database)
        if body["data"].get("rule") in keys
    ]
    assert sorted(told) == sorted(predicted)
    still_open = {
        (row["rule"], row["unit"])
        for row in await alerts(database)
        if row["closed_at"] is None and row["rule"] in keys
    }
    assert still_open == set(model.open)
    assert {unit for *_, unit in told} <= {TOP, *(ward.unit.code for ward in WARDS)}
    assert {kind for _, _, kind, _ in told} == {"unit.lagging", "unit.recovered", "unit.escalated"}


def _day(body: dict[str, Any]) -> str:
    return datetime.fromisoformat(body["timestamp"]).astimezone(HANOI).date().isoformat()


async def test_five_weeks_of_the_sample_city_give_the_messages_that_a_plain_model_predicts(
    deployment: Deployment, database: Database, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(city, "_HISTORY", timedelta(days=80))  # windows begin in 2025, but no year is folded
    await _follows_the_model(deployment, database, wall, 36)


@pytest.mark.soak
async def test_a_year_of_the_sample_city_gives_the_messages_that_a_plain_model_predicts(
    deployment: Deployment, database: Database, wall: Wall
) -> None:
    await _follows_the_model(deployment, database, wall, 365)
