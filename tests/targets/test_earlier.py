from datetime import date

import pytest

from app.metrics.periods import Period, parse
from app.targets.earlier import last_year, previous

LATER = date(2030, 1, 1)


@pytest.mark.parametrize(
    ("period", "before", "year_before"),
    [
        ("2026-03", "2026-02", "2025-03"),
        ("2026-01", "2025-12", "2025-01"),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-H2", "2026-H1", "2025-H2"),
        ("2026-9M", "2025-9M", "2025-9M"),
        ("2026", "2025", "2025"),
        ("report:2026-01", "report:2025-12", "report:2025-01"),
        ("report:2026-Q1", "report:2025-Q4", "report:2025-Q1"),
        ("report:2026", "report:2025", "report:2025"),
    ],
)
def test_a_named_period_is_compared_with_its_like(period: str, before: str, year_before: str) -> None:
    assert previous(parse(period), LATER) == parse(before)
    assert last_year(parse(period), LATER) == parse(year_before)


def test_a_running_period_is_compared_with_as_many_days() -> None:
    today = date(2026, 3, 20)
    assert previous(parse("2026-Q1"), today) == Period(date(2025, 10, 1), date(2025, 12, 18))
    assert last_year(parse("2026-Q1"), today) == Period(date(2025, 1, 1), date(2025, 3, 20))
    assert previous(parse("2026-03"), date(2026, 3, 30)) == parse("2026-02")  # it has no thirtieth day


def test_other_dates_are_compared_with_as_many_days_before_and_the_same_dates_a_year_before() -> None:
    days = Period(date(2024, 2, 29), date(2024, 3, 4))
    assert previous(days, LATER) == Period(date(2024, 2, 24), date(2024, 2, 28))
    assert last_year(days, LATER) == Period(date(2023, 2, 28), date(2023, 3, 4))


def test_there_is_nothing_before_the_first_year() -> None:
    assert previous(parse("1900"), LATER) is None
    assert last_year(parse("1900-Q1"), LATER) is None
