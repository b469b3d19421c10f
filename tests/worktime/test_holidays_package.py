"""The shipped calendar against the `holidays` package, year by year; every difference is listed here and in the docs."""

from datetime import date, timedelta

import holidays
import pytest

from app.worktime.calendar import DAY_OFF, OFFICE_HOURS
from app.worktime.vietnam import named_days

KNOWN = {
    date(2026, 1, 2): "decreed off for 2026-01-10; the package does not know the swap",
    date(2026, 1, 10): "decreed worked for 2026-01-02; the package does not know the swap",
}


def days_of(year: int) -> list[date]:
    return [
        date(year, 1, 1) + timedelta(days=number)
        for number in range(366)
        if date(year, 1, 1) + timedelta(days=number) <= date(year, 12, 31)
    ]


@pytest.mark.parametrize("year", range(2015, 2031))
def test_days_off_and_make_up_days_are_the_packages_but_for_the_listed_ones(year: int) -> None:
    package = holidays.country_holidays("VN", years=year)
    named = {row.day: OFFICE_HOURS if row.is_worked else DAY_OFF for row in named_days()}
    ours = {day: bool(named[day]) if day in named else day.weekday() < 5 for day in days_of(year)}
    different = {day for day in days_of(year) if package.is_working_day(day) is not ours[day]}
    assert different == {day for day in KNOWN if day.year == year}
