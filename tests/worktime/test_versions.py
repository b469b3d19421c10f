"""Versions of a calendar on top of each other, against a model that asks day by day; and what an intake calendar does."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit.text import Text
from app.worktime.calendar import (
    DAY_OFF,
    MONDAY_TO_FRIDAY,
    OFFICE_HOURS,
    Calendar,
    ListedDay,
    Version,
    Windows,
)
from app.worktime.deadline import add_working_days, day_of_reception
from app.worktime.shipped import SHIPPED
from app.worktime.versions import Span, difference, name_of, overlay, says, version_used
from tests.worktime.calendars import HANOI, HOURS, MORNING

MONDAY = date(2026, 3, 2)
SATURDAYS = Version(1, week=((DAY_OFF,) * 5 + (MORNING, DAY_OFF)))


def day(text: str) -> date:
    return date.fromisoformat(text)


def listed(windows: Windows, name: str = "tên") -> ListedDay:
    return ListedDay(windows, Text(name, name))


def vietnam(*versions: Version) -> Calendar:
    return overlay("vn", HANOI, (SHIPPED["vn"], *versions))


near = st.integers(-5, 25).map(lambda n: MONDAY + timedelta(days=n))
weeks = st.none() | st.tuples(*[st.sampled_from(HOURS)] * 7).filter(any)
contents = st.tuples(near, weeks, st.dictionaries(near, st.sampled_from(HOURS).map(listed), max_size=5))


@st.composite
def stacks(draw: st.DrawFn) -> tuple[Version, ...]:
    """A first version and up to three on top of it."""
    own = draw(st.lists(contents, max_size=3))
    later = (
        Version(number, begin, week, {day: told for day, told in days.items() if day >= begin})
        for number, (begin, week, days) in enumerate(own, 2)
    )
    return (Version(1, week=MONDAY_TO_FRIDAY, days={MONDAY: listed(DAY_OFF)}), *later)


def modelled(versions: Sequence[Version], day: date) -> Windows:
    """The last version in force that lists the day, else the last that has a week."""
    holding = [version for version in versions if version.effective_from <= day]
    told = [version.days[day].windows for version in holding if day in version.days]
    usual = [version.week[day.weekday()] for version in holding if version.week is not None]
    return told[-1] if told else usual[-1]


@settings(deadline=None)
@given(stacks())
def test_a_calendar_of_versions_says_what_the_last_one_that_speaks_of_a_day_says(
    versions: tuple[Version, ...],
) -> None:
    calendar = overlay("drawn", HANOI, versions)
    for number in range(-10, 40):
        day = MONDAY + timedelta(days=number)
        assert calendar.windows(day) == modelled(versions, day) == says(versions, day).windows
        count = calendar.working_days.count_to(day) - calendar.working_days.count_to(day - timedelta(days=1))
        assert count == bool(calendar.windows(day))


@settings(deadline=None)
@given(stacks(), st.lists(near, max_size=5), st.booleans())
def test_a_version_that_says_what_is_said_changes_nothing(
    versions: tuple[Version, ...],
    days: list[date],
    weekly: bool,  # noqa: FBT001 - drawn
) -> None:
    calendar = overlay("drawn", HANOI, versions)
    begin = MONDAY + timedelta(days=30)
    same = Version(
        9,
        begin if weekly else MONDAY - timedelta(days=9),
        calendar.week_of(begin) if weekly else None,
        {} if weekly else {day: listed(calendar.windows(day)) for day in days if calendar.windows(day)},
    )
    after = overlay("drawn", HANOI, (*versions, same))
    assert difference(calendar, after) is None
    end = MONDAY + timedelta(days=40)
    assert version_used(after, MONDAY, end) == version_used(calendar, MONDAY, end)


@settings(deadline=None)
@given(stacks(), stacks())
def test_the_difference_spans_every_day_that_differs(
    ours: tuple[Version, ...], theirs: tuple[Version, ...]
) -> None:
    one, other = overlay("one", HANOI, ours), overlay("other", HANOI, theirs)
    around = [MONDAY + timedelta(days=number) for number in range(-10, 60)]
    different = [day for day in around if one.windows(day) != other.windows(day)]
    span = difference(one, other)
    if different:
        assert span is not None
        assert span.first <= different[0] <= different[-1] <= span.last
    elif span is not None:
        assert any(one.is_holiday(day) is not other.is_holiday(day) for day in around)


def test_a_count_rests_on_the_latest_version_that_changed_one_of_its_days() -> None:
    second = Version(2, day("2026-03-01"), days={day("2026-03-04"): listed(DAY_OFF, "Nghỉ bão")})
    third = Version(3, day("2026-03-01"), days={day("2026-03-05"): listed(OFFICE_HOURS)})
    calendar = vietnam(second, third)
    assert version_used(calendar, day("2026-02-23"), day("2026-03-03")) == 1
    assert version_used(calendar, day("2026-03-04"), day("2026-03-04")) == 2
    assert version_used(calendar, day("2026-03-03"), day("2026-03-06")) == 2, "3 changed nothing on the 5th"
    assert name_of(calendar, day("2026-03-04")) == Text("Nghỉ bão", "Nghỉ bão")
    back = vietnam(
        second, third, Version(4, day("2026-03-01"), days={day("2026-03-04"): listed(OFFICE_HOURS)})
    )
    assert version_used(back, day("2026-03-03"), day("2026-03-06")) == 4, "what is taken back was changed too"
    assert difference(vietnam(), back) is None


def test_a_new_week_leaves_listed_days_and_earlier_days_alone() -> None:
    six_days = (*MONDAY_TO_FRIDAY[:5], MORNING, DAY_OFF)
    calendar = vietnam(Version(2, day("2026-04-01"), six_days))
    assert calendar.windows(day("2026-03-28")) == DAY_OFF
    assert calendar.windows(day("2026-04-04")) == MORNING
    assert calendar.windows(day("2026-04-30")) == DAY_OFF, "still a holiday"
    assert difference(vietnam(), calendar) == Span(day("2026-04-04"), day("2201-01-24"))


def test_a_saturday_that_becomes_a_holiday_differs_though_nobody_worked_on_it() -> None:
    feast = day("2027-03-06")
    after = vietnam(Version(2, day("2027-01-01"), days={feast: listed(DAY_OFF)}))
    assert difference(vietnam(), after) == Span(feast, feast)


@pytest.mark.parametrize(
    ("received", "counts_as", "due", "reason"),
    [
        ("2026-03-07 09:00", "2026-03-07", "2026-03-09", "within Saturday's hours: Monday is day 1"),
        ("2026-03-07 11:30", "2026-03-07", "2026-03-09", "as the shop closes is still in time"),
        ("2026-03-07 11:30:00.000001", "2026-03-09", "2026-03-10", "after Saturday's hours counts as Monday"),
        ("2026-03-06 16:00", "2026-03-07", "2026-03-09", "after Friday's cut-off counts as Saturday"),
        ("2026-03-08 09:00", "2026-03-09", "2026-03-10", "no shop on Sunday"),
        ("2026-03-06 09:00", "2026-03-06", "2026-03-09", "a Friday is as ever; Saturday is no deadline day"),
        ("2024-02-10 09:00", "2024-02-15", "2024-02-16", "a Saturday of Tết is a holiday for the shop too"),
        ("2026-01-10 14:00", "2026-01-10", "2026-01-12", "a make-up Saturday has the office's cut-off"),
    ],
)
def test_a_shop_open_on_saturdays_receives_then_and_promises_nothing_for_then(
    received: str, counts_as: str, due: str, reason: str
) -> None:
    moment = datetime.fromisoformat(received).replace(tzinfo=HANOI)
    intake = overlay("saturday", HANOI, (SHIPPED["plain"], SATURDAYS))
    assert day_of_reception(vietnam(), moment, time(15), intake) == day(counts_as), reason
    assert add_working_days(vietnam(), moment, 1, time(15), intake) == day(due), reason


def test_an_intake_calendar_may_name_a_holiday_on_which_the_shop_is_open() -> None:
    feast = day("2024-02-10")
    intake = overlay("tet", HANOI, (SHIPPED["plain"], Version(1, days={feast: listed(MORNING)})))
    moment = datetime.combine(feast, time(8), HANOI)
    assert day_of_reception(vietnam(), moment, time(15), intake) == feast
    assert add_working_days(vietnam(), moment, 1, time(15), intake) == day("2024-02-15")
