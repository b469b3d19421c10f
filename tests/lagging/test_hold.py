"""Held, repeated, escalated, acknowledged and muted alerts, and targets that commitments give."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.db import Database
from app.lagging.rules import Decision, Figure, Outlook, Pending, held, projected, warned
from app.lagging.watch import Watch
from tests.directory.makers import key
from tests.figures.makers import a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import HOUR, a_rule, alerts, end, forget_dossiers, lay_down, messages, story, told
from tests.targets.makers import commit

DAY = date(2026, 3, 20)
BEHIND = {"in_time": 5, "late": 5}


async def on_each_working_day(watch: Watch, wall: Wall, days: int) -> list[str]:
    """Judge on so many working days after today; the days, by their dates."""
    seen: list[str] = []
    while len(seen) < days:
        wall.advance(days=1)
        if wall.now.weekday() < 5:
            await watch.judge()
            seen.append(wall.now.date().isoformat())
    return seen


@pytest.mark.parametrize("toward", ["raise", "recover"])
@pytest.mark.parametrize(("passed", "follows"), [(0, False), (1, False), (2, True), (9, True)])
def test_a_decision_follows_once_it_has_stood_for_the_days_of_the_rule(
    toward: Any, passed: int, *, follows: bool
) -> None:
    rule, begins = a_rule(hold=2), DAY.replace(day=1)
    decision = Decision(raises=True) if toward == "raise" else Decision("recovered")
    pending = Pending(toward, DAY - timedelta(days=9), begins)
    found, after = held(decision, pending, rule, today=DAY, begins=begins, passed=passed)
    assert (found, after) == ((decision, None) if follows else (Decision(), pending))


def test_what_changes_its_mind_or_its_window_begins_anew_and_what_expires_does_not_wait() -> None:
    rule, begins = a_rule(hold=2), DAY.replace(day=1)
    raising = Decision(raises=True)
    for before in (None, Pending("recover", DAY, begins), Pending("raise", DAY, date(2026, 2, 1))):
        assert held(raising, before, rule, today=DAY, begins=begins, passed=9) == (
            Decision(),
            Pending("raise", DAY, begins),
        )
    assert held(Decision("expired", raises=True), None, rule, today=DAY, begins=begins, passed=0) == (
        Decision("expired"),
        Pending("raise", DAY, begins),
    )
    assert held(Decision(), Pending("raise", DAY, begins), rule, today=DAY, begins=begins, passed=9) == (
        Decision(),
        None,
    )


async def test_a_unit_that_sways_within_the_hold_raises_nothing(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule(hold=2, margin=0))
    for _ in range(4):
        await end(database, wall.now - HOUR, **BEHIND)
        await watch.judge()
        await on_each_working_day(watch, wall, 1)
        await forget_dossiers(database)
        await end(database, wall.now - HOUR, in_time=10)
        await watch.judge()
        assert await alerts(database) == []
    await forget_dossiers(database)
    await end(database, wall.now - HOUR, **BEHIND)
    await watch.judge()
    days = await on_each_working_day(watch, wall, 3)
    (alert,) = await alerts(database)
    assert alert["raised_at"].date().isoformat() == days[1]


async def test_an_alert_that_nobody_acknowledged_is_repeated_and_escalated_up_the_tree(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await lay_down(database, a_rule("again", repeat_after=2), a_rule("up", escalate_after=3))
    await end(database, wall.now - HOUR, **BEHIND, unit="D")
    for unit in ("B", "A"):
        await end(database, wall.now - HOUR, in_time=100, unit=unit)
    await watch.judge()
    # Friday the 20th; the month ends on Tuesday the 31st.
    await on_each_working_day(watch, wall, 7)
    sent = [
        (body["type"], body["timestamp"][:10], body["data"].get("repeat"), _code(body["data"]))
        for body in await messages(database)
    ]
    assert sent == [
        ("unit.lagging", "2026-03-20", 0, None),
        ("unit.lagging", "2026-03-20", 0, None),
        ("unit.lagging", "2026-03-24", 1, None),
        ("unit.escalated", "2026-03-25", None, "B"),
        ("unit.lagging", "2026-03-26", 2, None),
        ("unit.lagging", "2026-03-30", 3, None),
        ("unit.escalated", "2026-03-30", None, "A"),
    ]
    await on_each_working_day(watch, wall, 1)
    assert await story(database) == [("D", "expired"), ("D", "expired")]


def _code(data: dict[str, Any]) -> str | None:
    above = data.get("escalated_to")
    return above["code"] if above else None


async def test_an_acknowledged_alert_is_neither_repeated_nor_escalated(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await lay_down(database, a_rule(repeat_after=1, escalate_after=1))
    await end(database, wall.now - HOUR, **BEHIND, unit="D")
    await end(database, wall.now - HOUR, in_time=200, unit="B")
    await watch.judge()
    (alert,) = await alerts(database)
    path = f"/v1/alerts/{alert['id']}/acknowledge"
    for body in ({}, {"note": ""}, {"note": "x", "who": "y"}, {"note": "a\0b"}, {"note": 1}):
        assert (await client.post(path, json=body)).status_code == 422
    plan = {"note": "Đã rõ", "action_plan": "Thêm người"}
    answer = await client.post(path, json=plan)
    assert answer.status_code == 200, answer.text
    assert answer.json()["acknowledged"] == {"at": "2026-03-20T03:00:00Z", "by": "bootstrap", **plan}
    assert (await client.post(path, json=plan)).status_code == 409
    await on_each_working_day(watch, wall, 3)
    assert await told(database) == [("unit.lagging", "D")]


async def test_a_muted_alert_says_nothing_and_recovers_all_the_same(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await lay_down(database, a_rule(repeat_after=1))
    await end(database, wall.now - HOUR, **BEHIND)
    await watch.judge()
    (alert,) = await alerts(database)
    path = f"/v1/alerts/{alert['id']}/mute"
    for until in ("2027-04-01", "tomorrow", 20260401, None):
        assert (await client.post(path, json={"until": until})).status_code == 422, until
    answer = await client.post(path, json={"until": "2026-03-24"})
    assert (answer.status_code, answer.json()["muted_until"]) == (200, "2026-03-24")
    await on_each_working_day(watch, wall, 3)
    assert [(body["timestamp"][:10], body["data"]["repeat"]) for body in await messages(database)] == [
        ("2026-03-20", 0),
        ("2026-03-25", 1),
    ]
    await client.post(path, json={"until": "2026-03-31"})
    await end(database, wall.now - HOUR, in_time=500)
    await watch.judge()
    assert await story(database) == [("A", "recovered")]
    assert len(await messages(database)) == 2
    assert (await client.post(path, json={"until": "2026-03-31"})).status_code == 409


async def test_a_limited_key_handles_the_alerts_of_its_units(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, **BEHIND, unit="D")
    await end(database, wall.now - HOUR, in_time=200, unit="B")
    await watch.judge()
    (alert,) = await alerts(database)
    for unit, status in (("C", 404), ("D", 200)):
        headers = await key(database, "targets:write", unit=unit)
        answer = await client.post(
            f"/v1/alerts/{alert['id']}/acknowledge", json={"note": "Đã rõ"}, headers=headers
        )
        assert answer.status_code == status


async def test_a_rule_without_a_target_judges_each_unit_by_its_own_or_inherited_commitment(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await commit(client, target=0.9)  # B's, which D inherits
    await commit(client, "e-march", unit="E", period="2026-03", target=0.8)
    await lay_down(database, a_rule(target=None))
    for unit in ("D", "E", "F"):
        await end(database, wall.now - HOUR, in_time=17, late=3, unit=unit)  # 85 %
    await watch.judge()
    found = [(row["unit"], str(row["target"]), row["commitment"]) for row in await alerts(database)]
    assert found == [("B", "0.900000", "b-2026"), ("D", "0.900000", "b-2026")]
    shown = (await client.get("/v1/alerts", params={"unit": "D"})).json()["items"]
    assert shown[0]["commitment"] == {"id": "b-2026", "version": 1}
    await commit(client, target=0.8, signed_on="2026-03-20")
    await watch.judge()
    assert await story(database) == [("B", "recovered"), ("D", "recovered")]


figures = st.integers(1, 200).flatmap(lambda d: st.builds(Figure, st.integers(0, d), st.just(d)))
outlooks = st.builds(
    Outlook, figures, st.integers(1, 20), st.integers(0, 60), st.integers(0, 20), st.integers(0, 20)
)


@given(figure=figures, outlook=outlooks)
def test_a_projection_counts_no_fewer_than_what_is_overdue_or_falls_due(
    figure: Figure, outlook: Outlook
) -> None:
    numerator, denominator = projected(figure, outlook)
    assert denominator >= figure.denominator + outlook.overdue + outlook.due
    assert figure.numerator <= numerator <= denominator - outlook.overdue


def test_a_unit_is_warned_once_its_projection_falls_short_until_it_reaches_the_margin() -> None:
    rule = a_rule()
    fine, now = Figure(95, 100), (Figure(19, 20), 20, 10)
    steady = projected(fine, Outlook(*now, 0, 0))
    assert [*steady] == [Fraction(209, 2), 110]
    short = projected(fine, Outlook(*now, 8, 4))
    assert float(short[0]) == pytest.approx(95 + 4 * 0.95)
    assert warned(rule, fine, steady, alerted=False) is False
    assert warned(rule, fine, short, alerted=False) is True
    assert warned(rule, fine, short, alerted=True) is None
    assert warned(rule, fine, steady, alerted=True) is False
    assert warned(rule, Figure(5, 10), short, alerted=False) is False  # it is behind already
    assert warned(rule, Figure(5, 5), short, alerted=False) is None  # too few


async def test_a_unit_is_told_that_it_will_be_behind_before_it_is(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await lay_down(database, a_rule(warns=True))
    await end(database, wall.now - HOUR, in_time=95, late=5, unit="D")
    await watch.judge()
    assert await alerts(database) == []
    overdue = [
        a_dossier(f"O-{n}", unit="D", received_at=wall.now - timedelta(days=40), overdue_from=wall.now - HOUR)
        for n in range(30)
    ]
    await store(database, overdue)
    await watch.judge()
    await watch.judge()
    (body,) = [body for body in await messages(database) if body["data"]["unit"]["code"] == "D"]
    assert (body["type"], body["data"]["window_ends"], body["data"]["overdue"]) == (
        "unit.at_risk",
        "2026-03-31",
        30,
    )
    # 95 of 100 now, 5 a day for the seven working days left, of which 30 are overdue: (95 + 5 × 0.95) / 135.
    assert body["data"]["projected_rate"] == 0.738889
    assert {(row["level"], row["closed_as"]) for row in await alerts(database)} == {("at_risk", None)}
    await end(database, wall.now - HOUR, late=20, unit="D")
    await watch.judge()
    assert ("unit.lagging", "D") in await told(database)
    wall.now = datetime(2026, 4, 1, 3, tzinfo=UTC)
    await watch.judge()
    assert {row["closed_as"] for row in await alerts(database) if row["period_from"].month == 3} == {
        "expired"
    }
