from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics import periods
from app.metrics.periods import (
    TIME_GROUPS,
    Calendar,
    Comparison,
    Misread,
    Period,
    TimeGroup,
    asked,
    before,
    containing,
    parse,
)

TODAY = date(2026, 5, 20)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DISTANT = datetime(2300, 1, 1, tzinfo=UTC)

DAYS = st.dates(date(1901, 1, 1), date(2199, 12, 31))
CALENDARS = st.sampled_from(("calendar", "report"))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-H1", "2024-01-01", "2024-06-30"),
        ("2024-H2", "2024-07-01", "2024-12-31"),
        ("2024-9M", "2024-01-01", "2024-09-30"),
        ("2024-Q1", "2024-01-01", "2024-03-31"),
        ("2024-Q2", "2024-04-01", "2024-06-30"),
        ("2024-Q3", "2024-07-01", "2024-09-30"),
        ("2024-Q4", "2024-10-01", "2024-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-02", "2023-02-01", "2023-02-28"),
        ("2024-12", "2024-12-01", "2024-12-31"),
        ("report:2025-01", "2024-12-15", "2025-01-14"),
        ("report:2025-03", "2025-02-15", "2025-03-14"),
        ("report:2025-12", "2025-11-15", "2025-12-14"),
        ("report:2025-Q1", "2024-12-15", "2025-03-14"),
        ("report:2025-Q2", "2025-03-15", "2025-06-14"),
        ("report:2025-Q3", "2025-06-15", "2025-09-14"),
        ("report:2025-Q4", "2025-09-15", "2025-12-14"),
        ("report:2025-H1", "2024-12-15", "2025-06-14"),
        ("report:2025-H2", "2025-06-15", "2025-12-14"),
        ("report:2025-9M", "2024-12-15", "2025-09-14"),
        ("report:2025", "2024-12-15", "2025-12-14"),
        ("1900", "1900-01-01", "1900-12-31"),
        ("2200", "2200-01-01", "2200-12-31"),
    ],
)
def test_every_named_period_has_the_dates_of_the_regulation(name: str, first: str, last: str) -> None:
    period = parse(name)
    assert (period.from_, period.to) == (date.fromisoformat(first), date.fromisoformat(last))
    assert period.calendar == ("report" if name.startswith("report:") else "calendar")


@pytest.mark.parametrize(
    "name",
    [
        "", "24", "2024-", "2024-13", "2024-00", "2024-1", "2024-Q5", "2024-Q0", "2024-q1", "2024-H3", "2024-6M",
        "2024-W01", "2024-03-01", " 2024", "2024\n", "report:", "report:2024-13", "Report:2024", "1899", "2201",
        "-2024", "२०२४", "report:report:2024",
    ],
)  # fmt: skip
def test_what_names_no_period_is_refused_by_the_parameter_period(name: str) -> None:
    with pytest.raises(Misread) as caught:
        asked(name, None, None, TODAY)
    assert caught.value.parameter == "period"


@pytest.mark.parametrize(
    ("begin", "end", "parameter"),
    [
        ("2024-02-30", "2024-03-01", "from"),
        ("2024-02-01", "2024-02-30", "to"),
        ("20240201", "2024-03-01", "from"),
        ("2024-W05-1", "2024-03-01", "from"),
        ("2024-2-1", "2024-03-01", "from"),
        ("2024-02-01", "2024-03-01T00:00:00", "to"),
        ("2024-03-02", "2024-03-01", "from"),
        ("1899-12-31", "2024-03-01", "from"),
        ("2024-03-01", "2201-01-01", "to"),
        ("2024-03-01", None, "to"),
        (None, "2024-03-01", "from"),
        ("", "2024-03-01", "from"),
    ],
)
def test_a_free_range_that_makes_no_sense_is_refused_by_its_parameter(
    begin: str | None, end: str | None, parameter: str
) -> None:
    with pytest.raises(Misread) as caught:
        asked(None, begin, end, TODAY)
    assert caught.value.parameter == parameter


def test_a_period_and_a_free_range_together_are_refused() -> None:
    for begin, end in (("2024-01-01", None), (None, "2024-01-01"), ("2024-01-01", "2024-01-31")):
        with pytest.raises(Misread, match="not both"):
            asked("2024", begin, end, TODAY)


def test_a_free_range_follows_the_calendar_and_may_be_one_day() -> None:
    assert asked(None, "2024-02-29", "2024-02-29", TODAY) == Period(date(2024, 2, 29), date(2024, 2, 29))


def test_without_parameters_the_period_is_this_year_to_date() -> None:
    assert asked(None, None, None, TODAY) == Period(date(2026, 1, 1), TODAY)


@pytest.mark.parametrize(
    ("by", "first"), [("month", date(2026, 5, 1)), ("quarter", date(2026, 4, 1)), ("year", date(2026, 1, 1))]
)
def test_a_running_period_ends_today(by: TimeGroup, first: date) -> None:
    assert periods.to_date(TODAY, by) == Period(first, TODAY)


def test_a_period_runs_from_midnight_to_the_midnight_after_its_last_day() -> None:
    span = parse("2024-Q1").span(HANOI, DISTANT)
    assert span == (datetime(2023, 12, 31, 17, tzinfo=UTC), datetime(2024, 3, 31, 17, tzinfo=UTC))


def test_a_month_in_which_the_clocks_change_has_an_hour_more_or_less() -> None:
    march = parse("2024-03").span(AMSTERDAM, DISTANT)
    october = parse("2024-10").span(AMSTERDAM, DISTANT)
    assert march.end - march.begin == timedelta(days=31, hours=-1)
    assert october.end - october.begin == timedelta(days=31, hours=1)


def test_a_day_whose_midnight_is_skipped_begins_at_the_first_instant_after() -> None:
    beirut = ZoneInfo("Asia/Beirut")  # on 2022-03-27 the clock went from 23:59:59 to 01:00:00
    day = Period(date(2022, 3, 27), date(2022, 3, 27)).span(beirut, DISTANT)
    assert day.begin == datetime(2022, 3, 26, 22, tzinfo=UTC)
    assert day.end - day.begin == timedelta(hours=23)


def test_nothing_counts_from_now_on() -> None:
    period = parse("2024-03")
    begin, end = period.span(HANOI, DISTANT)
    inside = begin + timedelta(days=3)
    assert period.span(HANOI, inside) == (begin, inside)
    assert period.span(HANOI, end) == (begin, end)


def test_a_period_that_has_not_begun_is_empty_at_now() -> None:
    now = datetime(2024, 2, 1, tzinfo=UTC)
    assert parse("2024-03").span(HANOI, now) == (now, now)


def test_a_reporting_quarter_is_split_into_its_reporting_months() -> None:
    months = parse("report:2025-Q1").split("month")
    assert [(month.label("month"), month.from_.isoformat(), month.to.isoformat()) for month in months] == [
        ("2025-01", "2024-12-15", "2025-01-14"),
        ("2025-02", "2025-01-15", "2025-02-14"),
        ("2025-03", "2025-02-15", "2025-03-14"),
    ]


def test_a_reporting_year_has_four_quarters_and_belongs_to_one_year() -> None:
    period = parse("report:2025")
    assert [quarter.label("quarter") for quarter in period.split("quarter")] == [
        "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4",
    ]  # fmt: skip
    assert [year.label("year") for year in period.split("year")] == ["2025"]


def test_a_free_range_is_split_at_calendar_months_and_cut_at_its_ends() -> None:
    parts = asked(None, "2024-01-30", "2024-03-02", TODAY).split("month")
    assert [(part.label("month"), part.from_.day, part.to.day) for part in parts] == [
        ("2024-01", 30, 31), ("2024-02", 1, 29), ("2024-03", 1, 2),
    ]  # fmt: skip


@given(DAYS, st.integers(0, 800), CALENDARS, st.sampled_from(TIME_GROUPS))
def test_the_parts_of_a_period_are_the_period(
    first: date, days: int, calendar: Calendar, by: TimeGroup
) -> None:
    period = Period(first, first + timedelta(days=days), calendar)
    parts = period.split(by)
    assert [part.from_ for part in parts] == [first, *(part.to + timedelta(days=1) for part in parts[:-1])]
    assert parts[-1].to == period.to
    labels = [part.label(by) for part in parts]
    assert labels == sorted(set(labels))
    assert all(Period(part.to, part.to, calendar).label(by) == part.label(by) for part in parts)


@given(DAYS, CALENDARS)
def test_finer_parts_nest_in_coarser_ones(day: date, calendar: Calendar) -> None:
    nested = [containing(day, by, calendar) for by in TIME_GROUPS]
    for finer, coarser in pairwise(nested):
        assert coarser.from_ <= finer.from_ <= day <= finer.to <= coarser.to


@given(DAYS, CALENDARS, st.sampled_from(("month", "quarter", "year")))
def test_the_label_of_a_day_names_the_period_that_holds_it(
    day: date, calendar: Calendar, by: TimeGroup
) -> None:
    label = Period(day, day, calendar).label(by)
    assert parse(label if calendar == "calendar" else f"report:{label}") == containing(day, by, calendar)


BEFORE = [
    # period=, how, today → from, to of the period compared with
    ("2026-01", "previous", "2026-05-20", "2025-12-01", "2025-12-31"),
    ("2026-03", "previous", "2026-05-20", "2026-02-01", "2026-02-28"),
    ("2026-03", "last_year", "2026-05-20", "2025-03-01", "2025-03-31"),
    ("2026-Q1", "previous", "2026-05-20", "2025-10-01", "2025-12-31"),
    ("2026-Q2", "previous", "2026-05-20", "2026-01-01", "2026-02-19"),
    ("2026-H1", "previous", "2026-07-01", "2025-07-01", "2025-12-31"),
    ("2026-H2", "previous", "2027-07-01", "2026-01-01", "2026-06-30"),
    ("2025-9M", "previous", "2026-05-20", "2024-01-01", "2024-09-30"),
    ("2026", "previous", "2026-01-01", "2025-01-01", "2025-01-01"),
    ("2025", "last_year", "2026-05-20", "2024-01-01", "2024-12-31"),
    ("report:2026-01", "previous", "2026-05-20", "2025-11-15", "2025-12-14"),
    ("report:2026-Q1", "previous", "2026-05-20", "2025-09-15", "2025-12-14"),
    ("report:2026-Q2", "last_year", "2026-03-16", "2025-03-15", "2025-03-16"),
    ("2026-03", "previous", "2026-03-31", "2026-02-01", "2026-02-28"),
]


@pytest.mark.parametrize(("name", "how", "today", "first", "last"), BEFORE)
def test_the_period_before_is_of_the_same_kind_and_cut_while_it_runs(
    name: str, how: Comparison, today: str, first: str, last: str
) -> None:
    found = before(name, parse(name), how, date.fromisoformat(today))
    assert found is not None
    assert (str(found.from_), str(found.to)) == (first, last)


def test_a_free_range_is_compared_with_as_many_days_before_or_with_the_same_dates() -> None:
    leap = Period(date(2024, 2, 29), date(2024, 3, 9))
    today = date(2026, 5, 20)
    assert before(None, leap, "previous", today) == Period(date(2024, 2, 19), date(2024, 2, 28))
    assert before(None, leap, "last_year", today) == Period(date(2023, 2, 28), date(2023, 3, 9))
    assert before(None, leap, "previous", date(2024, 2, 28)) is None
