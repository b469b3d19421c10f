from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from app.events.tables import dossier_mark
from app.kit.db import Database
from app.lagging import queries
from app.lagging.watch import Watch
from tests.figures.makers import a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import DAY, HOUR, a_rule, alerts, end, forget_dossiers, lay_down, story, told

APRIL = datetime(2026, 3, 31, 17, tzinfo=UTC)
"""2026-04-01 00:00 in Hanoi."""


async def test_an_alert_is_raised_once_and_cleared_once_however_often_units_are_judged(
    watch: Watch, database: Database, wall: Wall
) -> None:
    async def judge_often() -> None:
        for _ in range(3):
            assert await watch.judge()
            wall.advance(seconds=10)

    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, in_time=8, late=2)
    await judge_often()
    assert await story(database) == [("A", None)]
    assert await told(database) == [("unit.lagging", "A")]

    await end(database, wall.now - HOUR, late=100)
    await judge_often()
    assert await told(database) == [("unit.lagging", "A")]

    await end(database, wall.now - HOUR, in_time=2000)
    await judge_often()
    assert await story(database) == [("A", "recovered")]
    assert await told(database) == [("unit.lagging", "A"), ("unit.recovered", "A")]


async def test_an_alert_keeps_the_figure_that_raised_it_and_the_one_that_closed_it(
    watch: Watch, database: Database, wall: Wall
) -> None:
    raised_at = wall.now
    await lay_down(database, a_rule())
    await end(database, raised_at - HOUR, in_time=8, late=2)
    async with database.transaction() as connection:
        waiting = {"subject": "D", "generation": 1, "since": raised_at - HOUR}
        await connection.execute(sa.insert(dossier_mark), waiting)
    await watch.judge()
    async with database.transaction() as connection:
        await connection.execute(sa.delete(dossier_mark))
    wall.advance(days=1)
    await lay_down(database, a_rule(target=Decimal("0.85")))
    await end(database, wall.now - HOUR, in_time=90)
    await watch.judge()
    (row,) = await alerts(database)
    assert {name: value for name, value in row.items() if name != "id"} == {
        "rule": "punctual",
        "unit": "A",
        "metric": "on_time",
        "window": "month_to_date",
        "level": "lagging",
        "raised_at": raised_at,
        "definition_version": 1,
        "period_from": date(2026, 3, 1),
        "period_to": date(2026, 3, 20),
        "numerator": 8,
        "denominator": 10,
        "target": Decimal("0.9"),
        "computed_through": raised_at - HOUR,
        "commitment": None,
        "commitment_version": None,
        "told_on": None,
        "repeats": 0,
        "escalations": 0,
        "escalated_on": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "note": None,
        "action_plan": None,
        "muted_until": None,
        "muted_by": None,
        "closed_at": raised_at + DAY,
        "closed_as": "recovered",
        "closing_definition_version": 1,
        "closing_period_from": date(2026, 3, 1),
        "closing_period_to": date(2026, 3, 21),
        "closing_numerator": 98,
        "closing_denominator": 100,
        "closing_target": Decimal("0.85"),
        "closing_computed_through": raised_at + DAY,
    }


async def test_between_the_target_and_the_margin_an_open_alert_stays_and_none_is_raised(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, in_time=89, late=11)
    await watch.judge()
    for in_time, so_far in ((30, [("A", None)]), (18, [("A", "recovered")])):
        await end(database, wall.now - HOUR, in_time=in_time)  # 119 / 130 = 91.5 %, then 137 / 148 = 92.6 %
        await watch.judge()
        assert await story(database) == so_far
    await end(database, wall.now - HOUR, late=4)  # 137 / 152 = 90.1 %
    await watch.judge()
    assert await story(database) == [("A", "recovered")]
    await end(database, wall.now - HOUR, late=1)  # 137 / 153 = 89.5 %
    await watch.judge()
    assert await story(database) == [("A", "recovered"), ("A", None)]


async def test_too_few_dossiers_neither_raise_an_alert_nor_close_one(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=9)
    await watch.judge()
    assert await story(database) == []
    await end(database, wall.now - HOUR, late=1)
    await watch.judge()
    assert await story(database) == [("A", None)]
    await forget_dossiers(database)
    await end(database, wall.now - HOUR, in_time=9)
    await watch.judge()
    await forget_dossiers(database)
    await watch.judge()
    assert await story(database) == [("A", None)]
    await end(database, wall.now - HOUR, in_time=10)
    await watch.judge()
    assert await story(database) == [("A", "recovered")]


async def test_when_the_month_turns_an_alert_expires_silently_and_the_new_month_is_judged_afresh(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=10)
    await end(database, APRIL + 2 * HOUR, late=10, unit="B")
    await watch.judge()
    wall.now = APRIL - HOUR
    await watch.judge()
    assert await story(database) == [("A", None)]
    wall.now = APRIL + HOUR
    await watch.judge()
    assert await story(database) == [("A", "expired")]
    wall.now = APRIL + 3 * HOUR
    await watch.judge()
    assert await story(database) == [("A", "expired"), ("B", None)]
    assert await told(database) == [("unit.lagging", "A"), ("unit.lagging", "B")]


async def test_a_unit_that_is_behind_in_the_new_window_too_gets_a_new_alert_in_the_same_look(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=10)
    await end(database, APRIL + HOUR, late=10)
    await watch.judge()
    wall.now = APRIL + 2 * HOUR
    await watch.judge()
    assert await story(database) == [("A", "expired"), ("A", None)]
    first, second = await alerts(database)
    assert first["closed_at"] == second["raised_at"] == wall.now
    assert first["closing_denominator"] is None
    assert second["period_from"] == date(2026, 4, 1)


async def test_a_rolling_window_slides_without_ending_alerts(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule(window="rolling_30d"))
    first_instant = datetime(2026, 2, 18, 17, tzinfo=UTC)
    await end(database, first_instant, late=9)
    await end(database, wall.now - HOUR, late=1)
    await watch.judge()
    assert await story(database) == [("A", None)]
    for _ in range(40):
        wall.advance(days=1)
        await watch.judge()
    assert await story(database) == [("A", None)]
    await end(database, wall.now - HOUR, in_time=10)
    await watch.judge()
    (row,) = await alerts(database)
    assert row["closed_as"] == "recovered"
    assert row["period_from"] == date(2026, 2, 19)
    assert row["closing_period_from"] == date(2026, 3, 31)
    assert row["closing_period_to"] == date(2026, 4, 29)


async def test_a_dossier_before_the_window_counts_for_nobody(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(
        database, a_rule(window="rolling_30d"), a_rule("month"), a_rule("year", window="year_to_date")
    )
    await end(database, datetime(2026, 2, 18, 17, tzinfo=UTC) - DAY / 86_400_000, late=10)
    await end(database, wall.now, late=10)
    await watch.judge()
    assert [(row["rule"], row["denominator"]) for row in await alerts(database)] == [("year", 10)]


async def test_a_unit_is_judged_with_all_units_below_it(watch: Watch, database: Database, wall: Wall) -> None:
    await describe(database)  # A over B and C, B over D and E, C over F; G is not described
    await lay_down(database, a_rule())
    for unit in "DE":
        await end(database, wall.now - HOUR, in_time=3, late=4, unit=unit)
    await end(database, wall.now - HOUR, in_time=40, unit="F")
    await end(database, wall.now - HOUR, late=10, unit="G")
    await end(database, wall.now - HOUR, late=10, unit=None)
    await watch.judge()
    found = {row["unit"]: (row["numerator"], row["denominator"]) for row in await alerts(database)}
    assert found == {"A": (46, 54), "B": (6, 14), "G": (0, 10)}


async def test_every_rule_raises_its_own_alert(watch: Watch, database: Database, wall: Wall) -> None:
    await lay_down(
        database,
        a_rule("lenient", target=Decimal("0.5")),
        a_rule("online", metric="online", window="year_to_date"),
        a_rule("strict", target=Decimal(1)),
        a_rule("workload", metric="on_time_of_workload"),
    )
    await end(database, wall.now - HOUR, in_time=8, late=2, channel="counter")
    await watch.judge()
    found = {
        row["rule"]: (row["metric"], row["numerator"], row["denominator"]) for row in await alerts(database)
    }
    assert found == {
        "online": ("online", 0, 10),
        "strict": ("on_time", 8, 10),
        "workload": ("on_time_of_workload", 8, 10),
    }


@pytest.mark.parametrize(
    ("terms", "closed_as"),
    [
        ({"metric": "on_time_of_workload"}, "withdrawn"),
        ({"window": "year_to_date"}, "withdrawn"),
        ({"target": Decimal("0.95"), "min_denominator": 1, "margin": Decimal("0.05")}, None),
    ],
)
async def test_an_alert_outlives_a_changed_target_but_not_another_metric_or_window(
    watch: Watch, database: Database, wall: Wall, terms: dict[str, Any], closed_as: str | None
) -> None:
    await lay_down(database, a_rule(), a_rule("other"))
    await end(database, wall.now - HOUR, late=10)
    await watch.judge()
    changed = a_rule(**terms)
    async with database.transaction() as connection:
        await queries.put_rule(connection, changed)
        await queries.withdraw(connection, changed.key, wall.now, unless=changed)
    found = {row["rule"]: (row["closed_as"], row["target"]) for row in await alerts(database)}
    assert found == {"punctual": (closed_as, Decimal("0.9")), "other": (None, Decimal("0.9"))}
    await watch.judge()
    assert await told(database) == [("unit.lagging", "A")] * (2 if closed_as is None else 3)


async def test_procedures_paid_online_are_judged_once_each_within_a_unit_and_all_below_it(
    watch: Watch, database: Database, wall: Wall
) -> None:
    """B has three such procedures and two of them paid, one by both of its units: 66.7 %, and not 3 of 4."""
    await describe(database)
    await lay_down(
        database,
        a_rule(
            metric="online_payment_procedures", target=Decimal("0.7"), margin=Decimal(0), min_denominator=1
        ),
    )
    paid, unpaid = [wall.now - HOUR], list[datetime]()
    rows = [
        ("D", "1.000001", paid),
        ("D", "1.000002", unpaid),
        ("E", "1.000001", paid),
        ("E", "1.000003", paid),
    ]
    await store(
        database,
        [
            a_dossier(
                f"{unit} {procedure}",
                unit=unit,
                procedure=procedure,
                received_at=wall.now - DAY,
                fee_bearing=True,
                online_payments=payments,
            )
            for unit, procedure, payments in rows
        ],
    )
    await watch.judge()
    found = [(row["unit"], row["numerator"], row["denominator"]) for row in await alerts(database)]
    assert found == [("A", 2, 3), ("B", 2, 3), ("D", 1, 2)]
    await store(
        database,
        [
            a_dossier(
                "F",
                unit="F",
                procedure="1.000002",
                received_at=wall.now - DAY,
                fee_bearing=True,
                online_payments=paid,
            )
        ],
    )
    await watch.judge()
    assert sorted(await story(database)) == [("A", "recovered"), ("B", None), ("D", None)]
