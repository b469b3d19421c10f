from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lagging.rules import Decision, Figure, Rule, Window, decide, has_recovered, is_behind, period
from app.metrics.periods import Period
from tests.lagging.makers import a_rule

MILLION = 1_000_000
JULY = date(2026, 7, 1)
AUGUST = date(2026, 8, 1)

shares = st.one_of(st.integers(0, MILLION), st.integers(0, 20).map(lambda n: n * 50_000))
"""Shares in millionths, also round ones, which small figures hit exactly."""

pairs = st.integers(0, 60).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))


def rule_of(target: int, margin: int, least: int, window: Window = "month_to_date") -> Rule:
    return a_rule(
        window=window,
        target=Decimal(target) / MILLION,
        margin=Decimal(margin) / MILLION,
        min_denominator=least,
    )


def modelled(
    steps: Iterable[tuple[int, tuple[int, int]]], target: int, margin: int, least: int
) -> list[tuple[int, str]]:
    """What is to happen at which step, in plain whole numbers, one window number and figure a step."""
    happened: list[tuple[int, str]] = []
    raised_in: int | None = None
    for place, (window, (numerator, denominator)) in enumerate(steps):
        if raised_in is not None and raised_in != window:
            happened.append((place, "expired"))
            raised_in = None
            healed = False
        else:
            healed = numerator * MILLION >= min(target + margin, MILLION) * denominator
        if denominator == 0 or denominator < least:
            continue
        if raised_in is not None and healed:
            happened.append((place, "recovered"))
            raised_in = None
        elif raised_in is None and numerator * MILLION < target * denominator:
            happened.append((place, "raised"))
            raised_in = window
    return happened


@given(
    steps=st.lists(st.tuples(st.integers(0, 2), pairs), max_size=30),
    target=shares,
    margin=shares,
    least=st.integers(0, 30),
)
def test_a_course_of_figures_raises_and_closes_what_a_plain_model_says(
    steps: list[tuple[int, tuple[int, int]]], target: int, margin: int, least: int
) -> None:
    steps = sorted(steps, key=lambda step: step[0])
    rule = rule_of(target, margin, least)
    happened: list[tuple[int, str]] = []
    alerted: date | None = None
    for place, (window, figure) in enumerate(steps):
        begins = JULY + timedelta(days=31 * window)
        decision = decide(rule, Figure(*figure), begins=begins, alerted=alerted)
        if decision.closes_as:
            happened.append((place, decision.closes_as))
            alerted = None
        if decision.raises:
            happened.append((place, "raised"))
            alerted = begins
    assert happened == modelled(steps, target, margin, least)


@given(figure=pairs, target=shares, margin=shares, least=st.integers(0, 30))
def test_nobody_is_behind_and_recovered_at_once(
    figure: tuple[int, int], target: int, margin: int, least: int
) -> None:
    rule = rule_of(target, margin, least)
    assert not (is_behind(rule, Figure(*figure)) and has_recovered(rule, Figure(*figure)))


@given(begins=st.dates(), alerted=st.dates(), figure=pairs)
def test_a_rolling_window_never_turns(begins: date, alerted: date, figure: tuple[int, int]) -> None:
    rule = rule_of(900_000, 0, 0, "rolling_30d")
    decision = decide(rule, Figure(*figure), begins=begins, alerted=alerted)
    assert decision in (Decision(), Decision("recovered"))


@pytest.mark.parametrize(
    ("numerator", "denominator", "behind"),
    [
        (9, 10, False),
        (8, 10, True),
        (0, 9, False),
        (89_999_999_999_999, 100_000_000_000_000, True),
        (90_000_000_000_000, 100_000_000_000_000, False),
    ],
)
def test_a_unit_is_behind_below_its_target_and_never_by_rounding(
    numerator: int, denominator: int, *, behind: bool
) -> None:
    assert is_behind(a_rule(), Figure(numerator, denominator)) is behind


def test_without_dossiers_nobody_is_judged_even_from_none_on() -> None:
    strict = a_rule(min_denominator=0, target=Decimal(1))
    assert decide(strict, Figure(0, 0), begins=JULY, alerted=None) == Decision()
    assert decide(strict, Figure(0, 0), begins=JULY, alerted=JULY) == Decision()
    assert decide(strict, Figure(0, 1), begins=JULY, alerted=None) == Decision(raises=True)


def test_the_margin_never_asks_for_more_than_everything() -> None:
    strict = a_rule(target=Decimal("0.95"), margin=Decimal("0.1"))
    assert has_recovered(strict, Figure(100, 100))
    assert not has_recovered(strict, Figure(999, 1000))


def test_a_window_that_turned_ends_the_alert_and_judges_afresh() -> None:
    assert decide(a_rule(), Figure(10, 10), begins=AUGUST, alerted=JULY) == Decision("expired")
    assert decide(a_rule(), Figure(0, 10), begins=AUGUST, alerted=JULY) == Decision("expired", raises=True)


@pytest.mark.parametrize(
    ("window", "first"),
    [
        ("month_to_date", date(2026, 8, 1)),
        ("quarter_to_date", date(2026, 7, 1)),
        ("year_to_date", date(2026, 1, 1)),
        ("rolling_30d", date(2026, 7, 18)),
    ],
)
def test_every_window_ends_today(window: Window, first: date) -> None:
    today = date(2026, 8, 16)
    assert period(window, today) == Period(first, today)
    assert window != "rolling_30d" or (today - first).days + 1 == 30
