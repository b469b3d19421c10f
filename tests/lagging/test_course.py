"""Eleven weeks of random dossiers on a driven clock, against a plain model that counts them anew each day."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.lagging.watch import Watch
from tests.figures.makers import PARENTS, UNITS, a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import a_rule, alerts, lay_down, messages

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST = date(2026, 1, 1)
DAYS = 75
RULES = [a_rule("month"), a_rule("rolling", window="rolling_30d")]


class Step(NamedTuple):
    """An alert was raised or closed, by this figure."""

    at: datetime
    rule: str
    unit: str
    what: str
    numerator: int | None
    denominator: int | None


async def test_a_course_of_days_gives_each_unit_the_alerts_that_a_plain_model_predicts(
    deployment: Deployment, database: Database, wall: Wall
) -> None:
    random = Random(2026)  # noqa: S311 - repeatable, guards nothing
    rows = list(_dossiers(random))
    predicted = sorted(_predicted(rows), key=str)
    assert {step.what for step in predicted} == {"raised", "recovered", "expired"}
    await describe(database)
    await store(database, rows)
    await lay_down(database, *RULES)
    watch = Watch(deployment)
    for day in range(DAYS):
        wall.now = _noon(day)
        for _ in range(random.choice((1, 1, 2))):
            if random.random() < 0.2:
                watch = Watch(deployment)  # the worker was restarted
            await watch.judge()
    assert sorted(await _recorded(database), key=str) == predicted
    told = sorted(
        (body["type"], body["data"]["rule"], body["data"]["unit"]["code"], body["timestamp"])
        for body in await messages(database)
    )
    kinds = {"raised": "unit.lagging", "recovered": "unit.recovered"}
    assert told == sorted(
        (kinds[step.what], step.rule, step.unit, f"{step.at:%Y-%m-%dT%H:%M:%SZ}")
        for step in predicted
        if step.what in kinds
    )


def _noon(day: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), time(12), HANOI).astimezone(UTC)


def _dossiers(random: Random) -> Iterator[dict[str, Any]]:
    """Each unit does badly for some weeks and then well for some, so that alerts come and go."""
    for day in range(DAYS):
        for place, unit in enumerate(UNITS):
            share_late = 0.3 if (day // 12 + place) % 3 == 0 else 0.02
            for number in range(random.randrange(4)):
                at = _noon(day) + timedelta(hours=random.randint(-12, 11))
                yield a_dossier(
                    f"{day}-{unit}-{number}",
                    unit=unit,
                    received_at=at - timedelta(days=3),
                    counted_at=at,
                    outcome="late" if random.random() < share_late else "early",
                )


def _predicted(rows: Sequence[dict[str, Any]]) -> Iterator[Step]:
    raised: dict[tuple[str, str], date] = {}
    for day in range(DAYS):
        now, today = _noon(day), FIRST + timedelta(days=day)
        for rule in RULES:
            first = today.replace(day=1) if rule.key == "month" else today - timedelta(days=29)
            begin = datetime.combine(first, time(), HANOI)
            ended = [row for row in rows if begin <= row["counted_at"] < now]
            for unit in UNITS:
                late = [row["outcome"] == "late" for row in ended if unit in _above(row["unit"])]
                numerator, denominator = late.count(False), len(late)
                place = (rule.key, unit)
                if place in raised and rule.key != "rolling" and raised[place] != first:
                    del raised[place]
                    yield Step(now, *place, "expired", None, None)
                if denominator < 10:
                    continue
                percent = 100 * numerator / denominator
                if place not in raised and percent < 90 - 1e-9:
                    raised[place] = first
                    yield Step(now, *place, "raised", numerator, denominator)
                elif place in raised and percent > 92 - 1e-9:
                    del raised[place]
                    yield Step(now, *place, "recovered", numerator, denominator)


def _above(unit: str) -> str:
    parent = PARENTS.get(unit)
    return unit + (_above(parent) if parent else "")


async def _recorded(database: Database) -> list[Step]:
    steps = []
    for row in await alerts(database):
        place = (row["rule"], row["unit"])
        steps.append(Step(row["raised_at"], *place, "raised", row["numerator"], row["denominator"]))
        if row["closed_at"]:
            figure = (row["closing_numerator"], row["closing_denominator"])
            steps.append(Step(row["closed_at"], *place, row["closed_as"], *figure))
    return steps
