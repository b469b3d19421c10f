from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.targets.register import Promise, Register

TREE = {"ward": "city", "city": "province"}
YEAR = (date(2026, 1, 1), date(2026, 12, 31))
Q1 = (date(2026, 1, 1), date(2026, 3, 31))


def a_promise(key: str = "p", unit: str = "ward", **changes: Any) -> Promise:
    columns: dict[str, Any] = {
        "id": key,
        "version": 1,
        "unit": unit,
        "metric": "on_time",
        "from_": YEAR[0],
        "to": YEAR[1],
        "target": Decimal("0.9"),
        "signed_on": date(2026, 1, 10),
    }
    return Promise(**columns | changes)


def holding(register: Register, days: tuple[date, date], on: date, unit: str = "ward") -> str | None:
    found = register.holding(TREE, unit, "on_time", *days, on)
    return f"{found.id}/{found.version}" if found else None


def test_a_unit_inherits_from_the_nearest_unit_above_that_promised_something() -> None:
    province, city, ward = (a_promise(unit, unit) for unit in ("province", "city", "ward"))
    today = date(2026, 5, 1)
    assert holding(Register([province]), YEAR, today) == "province/1"
    assert holding(Register([province, city]), YEAR, today) == "city/1"
    assert holding(Register([province, city, ward]), YEAR, today) == "ward/1"
    assert holding(Register([ward]), YEAR, today, "city") is None
    assert holding(Register([ward]), YEAR, today, "stranger") is None


def test_of_several_that_cover_the_days_the_narrowest_holds_and_one_that_does_not_cover_them_never() -> None:
    register = Register([a_promise("year"), a_promise("quarter", from_=Q1[0], to=Q1[1])])
    assert holding(register, Q1, Q1[1]) == "quarter/1"
    assert holding(register, (date(2026, 2, 1), date(2026, 2, 28)), Q1[1]) == "quarter/1"
    assert holding(register, (date(2026, 3, 15), date(2026, 4, 15)), Q1[1]) == "year/1"
    assert holding(register, (date(2025, 12, 31), date(2026, 1, 15)), Q1[1]) is None


@pytest.mark.parametrize(
    ("on", "version"),
    [
        (date(2025, 12, 1), 1),
        (date(2026, 1, 9), 1),
        (date(2026, 6, 14), 1),
        (date(2026, 6, 15), 2),
        (date(2026, 9, 30), 2),
        (date(2026, 10, 1), 4),
        (date(2026, 12, 31), 4),
    ],
)
def test_a_version_holds_from_the_day_it_was_signed_until_the_next_was(on: date, version: int) -> None:
    later = [date(2026, 6, 15), date(2026, 10, 1), date(2026, 10, 1)]
    versions = [a_promise(), *(a_promise(version=n, signed_on=day) for n, day in enumerate(later, 2))]
    for order in (versions, versions[::-1]):
        assert holding(Register(order), YEAR, on) == f"p/{version}"


def test_a_unit_that_is_its_own_ancestor_is_asked_once() -> None:
    assert Register([]).holding({"a": "b", "b": "a"}, "a", "on_time", *YEAR, YEAR[1]) is None
