"""What a calendar refuses, what it covers, and when two versions are the same."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from app.worktime.calendar import DAY_OFF, MONDAY_TO_FRIDAY, OFFICE_HOURS, Calendar, Window, Windows, plain
from app.worktime.deadline import (
    Due,
    add_calendar_days,
    add_working_days,
    add_working_hours,
    day_of_reception,
    last_working_day_before,
    next_working_moment,
    shift,
    worked_between,
)
from tests.worktime.calendars import AMSTERDAM, HANOI, MORNING, VIETNAM

EDGE = datetime(2201, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("week", "days", "message"),
    [
        ((DAY_OFF,) * 7, {}, "without any working day"),
        ((DAY_OFF,) * 7, {date(2026, 1, 5): OFFICE_HOURS}, "without any working day"),
        (MONDAY_TO_FRIDAY[:6], {}, "seven days"),
        (MONDAY_TO_FRIDAY, {date(1899, 1, 1): DAY_OFF}, "outside the years"),
        (MONDAY_TO_FRIDAY, {date(2300, 1, 1): DAY_OFF}, "outside the years"),
        (((Window(time(9), time(9)),),) * 7, {}, "closes after it opens"),
        (((Window(time(17), time(9)),),) * 7, {}, "closes after it opens"),
        (MONDAY_TO_FRIDAY, {date(2026, 1, 5): (Window(time(9), time(8)),)}, "closes after it opens"),
        ((OFFICE_HOURS[::-1],) * 7, {}, "without overlap"),
        (((Window(time(8), time(12)), Window(time(11), time(17))),) * 7, {}, "without overlap"),
        (((Window(time(8), time(0)), Window(time(13), time(17))),) * 7, {}, "without overlap"),
        (((Window(time(8, tzinfo=UTC), time(12)),),) * 7, {}, "without a zone"),
    ],
)
def test_a_calendar_that_cannot_be_counted_by_is_refused(
    week: tuple[Windows, ...], days: dict[date, Windows], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Calendar(key="bad", version=1, zone=HANOI, week=week, days=days)


def test_the_plain_calendar_works_office_hours_from_monday_to_friday() -> None:
    calendar = plain(HANOI)
    assert calendar is plain(HANOI)
    assert [calendar.windows(date(2024, 3, 4) + timedelta(days=n)) for n in range(7)] == [
        OFFICE_HOURS
    ] * 5 + [()] * 2
    assert worked_between(
        calendar, datetime(2024, 3, 4, tzinfo=HANOI), datetime(2024, 3, 11, tzinfo=HANOI)
    ) == timedelta(hours=40)


def test_a_version_is_a_value() -> None:
    days = {date(2026, 1, 2): DAY_OFF}
    calendar = Calendar(key="vn", version=2, zone=HANOI, days=days)
    same = Calendar(key="vn", version=2, zone=HANOI, days=dict(days))
    days[date(2026, 1, 5)] = MORNING
    assert calendar == same
    assert hash(calendar) == hash(same)
    assert calendar != Calendar(key="vn", version=2, zone=HANOI, days=days)
    assert calendar.windows(date(2026, 1, 5)) == OFFICE_HOURS


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2200, 12, 31)])
def test_the_whole_of_1900_to_2200_is_covered(day: date) -> None:
    calendar = plain(HANOI)
    morning = datetime.combine(day, time(8), HANOI)
    following = add_working_days(calendar, morning, 1)
    assert following > day
    assert calendar.windows(following)
    assert worked_between(calendar, morning - timedelta(days=7), morning) == timedelta(hours=40)
    assert add_working_hours(calendar, morning, 40) == morning + timedelta(days=7)


def test_what_would_lie_beyond_the_horizon_is_put_at_its_end() -> None:
    calendar = plain(HANOI)
    now = datetime(2026, 1, 5, 9, tzinfo=HANOI)
    assert add_working_hours(calendar, now, 10**12) == EDGE
    assert add_working_days(calendar, now, 10**12) == date(2201, 1, 29)
    assert add_working_days(calendar, datetime(2201, 1, 28, 9, tzinfo=HANOI), 1) == date(2201, 1, 29)
    assert add_working_days(calendar, datetime(2201, 1, 29, 9, tzinfo=HANOI), 1) == date(2201, 1, 29)
    assert add_calendar_days(calendar, now, 10**12) == date(2201, 1, 29)
    assert next_working_moment(calendar, EDGE + timedelta(days=1)) <= EDGE
    ages = [(datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC))]
    assert shift(Due.on(date(2199, 1, 1), HANOI), calendar, ages) == Due.on(date(2201, 1, 29), HANOI)
    assert shift(Due.by(datetime(2199, 1, 1, tzinfo=UTC)), calendar, ages) == Due.by(EDGE)


def test_nothing_is_worked_before_or_after_the_horizon() -> None:
    calendar = plain(HANOI)
    begin, end = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC)
    assert worked_between(
        calendar, datetime(2, 1, 1, tzinfo=UTC), datetime(1899, 1, 1, tzinfo=UTC)
    ) == timedelta(0)
    assert worked_between(calendar, EDGE, datetime(9999, 1, 1, tzinfo=UTC)) == timedelta(0)
    assert worked_between(
        calendar, datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    ) > worked_between(calendar, begin, end)
    assert last_working_day_before(calendar, date(2, 1, 1)) == date(1899, 11, 29)
    assert last_working_day_before(calendar, date(9999, 1, 1)) == date(2201, 1, 29)


def test_every_stretch_of_a_zone_with_daylight_saving_agrees_with_its_neighbours() -> None:
    calendar = plain(AMSTERDAM)  # office hours never meet a change of the clocks, so every week has 40 hours
    monday = datetime(1900, 1, 1, tzinfo=AMSTERDAM)
    for week in range(0, 52 * 300, 13):
        begin = monday + timedelta(weeks=week)
        assert worked_between(calendar, begin, begin + timedelta(weeks=13)) == timedelta(hours=520)


def test_every_working_day_of_twenty_years_ends_with_its_eighth_hour() -> None:
    calendar = plain(HANOI)
    morning = datetime(2010, 1, 4, 6, tzinfo=HANOI)
    for _ in range(20 * 261):
        evening = add_working_hours(calendar, morning, 8)
        assert evening == morning.replace(hour=17)
        morning = next_working_moment(calendar, evening).astimezone(HANOI).replace(hour=6, minute=0)


def test_no_instant_without_a_zone_is_taken() -> None:
    naive = datetime(2026, 1, 5, 9)  # noqa: DTZ001 - what is refused
    with pytest.raises(TypeError):
        add_working_hours(VIETNAM, naive, 1)
    with pytest.raises(TypeError):
        add_working_days(VIETNAM, naive, 1)
    with pytest.raises(TypeError):
        day_of_reception(VIETNAM, naive)
    with pytest.raises(TypeError):
        worked_between(VIETNAM, naive, naive)
    with pytest.raises(TypeError):
        Due.by(naive)


def test_no_negative_duration_is_taken() -> None:
    now = datetime(2026, 1, 5, 9, tzinfo=HANOI)
    for add in (add_working_days, add_calendar_days, add_working_hours):
        with pytest.raises(ValueError, match="not negative"):
            add(VIETNAM, now, -1)
