"""The shipped national calendar against the law, the almanac and the notices of swaps."""

from datetime import date, datetime, timedelta

import pytest

from app.worktime.calendar import OFFICE_HOURS
from app.worktime.deadline import add_working_days
from app.worktime.vietnam import named_days, national
from tests.worktime.calendars import HANOI

# First day of the lunar year and tenth day of its third month, from an astronomical computation at UTC+7.
ALMANAC = {
    2015: ("02-19", "04-28"),
    2016: ("02-08", "04-16"),
    2017: ("01-28", "04-06"),
    2018: ("02-16", "04-25"),
    2019: ("02-05", "04-14"),
    2020: ("01-25", "04-02"),
    2021: ("02-12", "04-21"),
    2022: ("02-01", "04-10"),
    2023: ("01-22", "04-29"),
    2024: ("02-10", "04-18"),
    2025: ("01-29", "04-07"),
    2026: ("02-17", "04-26"),
    2027: ("02-06", "04-16"),
    2028: ("01-26", "04-04"),
    2029: ("02-13", "04-23"),
    2030: ("02-02", "04-12"),
}
# Off for worked, as announced.
SWAPS = {
    "2015-01-02": "2014-12-27",
    "2015-02-16": "2015-02-14",
    "2015-04-29": "2015-04-25",
    "2018-12-31": "2019-01-05",
    "2019-04-29": "2019-05-04",
    "2024-04-29": "2024-05-04",
    "2025-05-02": "2025-04-26",
    "2026-01-02": "2026-01-10",
    "2026-08-31": "2026-08-22",
}


def is_weekend(day: date) -> bool:
    return day.weekday() >= 5


def names(day: str) -> list[str]:
    return [row.en for row in named_days() if row.day.isoformat() == day]


@pytest.mark.parametrize("year", ALMANAC)
def test_tet_and_hung_kings_fall_where_the_almanac_puts_them(year: int) -> None:
    tet, hung_kings = ALMANAC[year]
    assert names(f"{year}-{tet}") == ["Lunar New Year"]
    assert names(f"{year}-{hung_kings}") == ["Hùng Kings' Commemoration Day"]


@pytest.mark.parametrize("year", ALMANAC)
def test_every_year_has_as_many_days_off_as_the_law_gives(year: int) -> None:
    granted = 10 if year <= 2020 else 11 if year <= 2025 else 12
    off = [
        row.day
        for row in named_days()
        if row.day.year == year and not row.is_worked and not is_weekend(row.day)
    ]
    assert len([day for day in off if day.isoformat() not in SWAPS]) == granted


def test_every_swap_has_both_its_days_and_there_is_no_other() -> None:
    calendar = national(HANOI)
    assert {row.day.isoformat() for row in named_days() if row.is_worked} == set(SWAPS.values())
    for off, worked in SWAPS.items():
        assert calendar.windows(date.fromisoformat(off)) == ()
        assert calendar.windows(date.fromisoformat(worked)) == OFFICE_HOURS
        assert is_weekend(date.fromisoformat(worked))
        assert names(off) == [f"Swapped for {worked}"]
        assert names(worked) == [f"Made up for {off}"]


def test_days_are_listed_once_and_in_order() -> None:
    days = [row.day for row in named_days()]
    assert days == sorted(set(days))
    assert all(row.vi and row.en for row in named_days())


@pytest.mark.parametrize(
    ("eve", "back"),
    [
        ("2015-02-13", "2015-02-14"),  # the Saturday is worked for Monday the 16th
        ("2015-02-14", "2015-02-24"),
        ("2016-02-05", "2016-02-15"),
        ("2017-01-25", "2017-02-02"),
        ("2018-02-13", "2018-02-21"),
        ("2019-02-01", "2019-02-11"),
        ("2020-01-22", "2020-01-30"),
        ("2021-02-09", "2021-02-17"),
        ("2022-01-28", "2022-02-07"),
        ("2023-01-19", "2023-01-27"),
        ("2024-02-07", "2024-02-15"),
        ("2025-01-24", "2025-02-03"),
        ("2026-02-13", "2026-02-23"),
        ("2018-12-28", "2019-01-02"),
        ("2019-01-04", "2019-01-05"),
        ("2023-04-28", "2023-05-04"),
        ("2025-12-31", "2026-01-05"),
    ],
)
def test_the_first_working_day_after_a_long_holiday_is_the_announced_one(eve: str, back: str) -> None:
    morning = datetime.fromisoformat(eve).replace(tzinfo=HANOI) + timedelta(hours=9)
    assert add_working_days(national(HANOI), morning, 1) == date.fromisoformat(back)
