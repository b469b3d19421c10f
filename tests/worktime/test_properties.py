"""What holds for every calendar and every moment, told by a slow model that walks minute by minute and day by day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.worktime.calendar import Calendar
from app.worktime.deadline import (
    Due,
    Pause,
    add_calendar_days,
    add_working_days,
    add_working_hours,
    end_of_day,
    end_of_working_day,
    move,
    next_working_moment,
    paused,
    shift,
    worked_between,
    working_day_fractions,
)
from app.worktime.timeline import EPOCH_DAY, STRETCH_DAYS
from tests.worktime.calendars import ZONES, calendars, moments

unhurried = settings(deadline=None)  # a slow machine is no fault of the rule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

hours = st.integers(1, 200 * 3_600_000_000).map(lambda count: Fraction(count, 3_600_000_000))
lengths = st.integers(0, 6 * 24 * 60).map(lambda minutes: minutes * MINUTE)
pauses = st.lists(st.tuples(moments(), lengths).map(lambda span: (span[0], span[0] + span[1])), max_size=4)
dues = st.one_of(
    st.builds(Due.by, moments()),
    st.builds(
        lambda moment, zone: Due.on(moment.date(), ZoneInfo(zone)), moments(MINUTE), st.sampled_from(ZONES)
    ),
)


def is_worked(calendar: Calendar, moment: datetime) -> bool:
    local = moment.astimezone(calendar.zone)
    clock = local.time()
    return any(
        opens <= clock and (clock < closes or closes == time(0))
        for opens, closes in calendar.windows(local.date())
    )


def minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += MINUTE


def next_working_day(calendar: Calendar, day: date) -> date:
    day += DAY
    while not calendar.windows(day):
        day += DAY
    return day


@unhurried
@given(calendars(), moments(), hours)
def test_adding_then_measuring_gives_back_the_duration(
    calendar: Calendar, start: datetime, amount: Fraction
) -> None:
    end = add_working_hours(calendar, start, amount)
    assert worked_between(calendar, start, end) == timedelta(microseconds=int(amount * 3_600_000_000))


@unhurried
@given(calendars(), moments(), hours)
def test_a_due_date_in_working_time_never_falls_outside_a_window(
    calendar: Calendar, start: datetime, amount: Fraction
) -> None:
    # The moment before is worked, so the due date lies inside a window or at its very end.
    assert is_worked(calendar, add_working_hours(calendar, start, amount) - timedelta(microseconds=1))
    assert is_worked(calendar, next_working_moment(calendar, start))
    assert calendar.windows(add_working_days(calendar, start, int(amount)))


# Counting is laid out in stretches of 400 days, which in some zones meet inside the office hours of a local day.
where_stretches_meet = st.builds(
    lambda number, days: date.fromordinal(EPOCH_DAY + number * STRETCH_DAYS + days),
    st.integers(40, 60),
    st.integers(-1, 1),
)


@unhurried
@given(calendars(), moments(MINUTE).map(datetime.date) | where_stretches_meet)
def test_a_working_day_ends_where_nothing_of_it_is_worked_any_more(calendar: Calendar, day: date) -> None:
    end, last = end_of_working_day(calendar, day), end_of_day(day, calendar.zone)
    if calendar.windows(day):
        assert is_worked(calendar, end - timedelta(microseconds=1))
        assert not any(is_worked(calendar, moment) for moment in minutes(end, last))
    else:
        assert end == last


@unhurried
@given(calendars(), dues, pauses, pauses)
def test_more_pause_never_means_an_earlier_due_date(
    calendar: Calendar, due: Due, fewer: list[Pause], added: list[Pause]
) -> None:
    moved = shift(due, calendar, fewer)
    assert due.at <= moved.at <= shift(due, calendar, fewer + added).at
    assert moved.is_date == due.is_date


@unhurried
@given(calendars(), dues, st.tuples(moments(), moments(), moments(), moments()).map(sorted))
def test_pauses_counted_one_after_the_other_move_as_far_as_all_at_once(
    calendar: Calendar, due: Due, edges: list[datetime]
) -> None:
    first, second = (edges[0], edges[1]), (edges[2], edges[3])
    amount = paused(due, calendar, [first]) + paused(due, calendar, [second])
    assert move(due, calendar, amount) == shift(due, calendar, [first, second])


@unhurried
@given(calendars(), moments(), moments(), moments())
def test_measured_time_adds_up(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    a, b, c = sorted((a, b, c))
    assert worked_between(calendar, a, b) + worked_between(calendar, b, c) == worked_between(calendar, a, c)
    parts = working_day_fractions(calendar, a, b) + working_day_fractions(calendar, b, c)
    assert parts == working_day_fractions(calendar, a, c)


@unhurried
@given(calendars(), moments(), moments(), st.integers(0, 40), st.integers(0, 40))
def test_what_comes_later_or_takes_longer_is_never_due_earlier(
    calendar: Calendar, a: datetime, b: datetime, m: int, n: int
) -> None:
    (a, b), (m, n) = sorted((a, b)), sorted((m, n))
    for add in (add_working_days, add_calendar_days, add_working_hours):
        assert add(calendar, a, m) <= add(calendar, b, n)


@unhurried
@given(calendars(), moments(), hours, st.sampled_from(ZONES))
def test_the_zone_in_which_an_instant_is_told_changes_nothing(
    calendar: Calendar, start: datetime, amount: Fraction, zone: str
) -> None:
    told = start.astimezone(ZoneInfo(zone))
    assert add_working_hours(calendar, told, amount) == add_working_hours(calendar, start, amount)
    assert add_working_days(calendar, told, 3) == add_working_days(calendar, start, 3)
    assert worked_between(calendar, told, told + DAY) == worked_between(
        calendar, start, (told + DAY).astimezone(UTC)
    )
    assert Due.by(told) == Due.by(start)


@unhurried
@given(calendars(), moments(MINUTE), lengths)
def test_measured_time_equals_minutes_counted_one_by_one(
    calendar: Calendar, begin: datetime, length: timedelta
) -> None:
    counted = sum(is_worked(calendar, minute) for minute in minutes(begin, begin + length))
    assert worked_between(calendar, begin, begin + length) == counted * MINUTE


@unhurried
@given(calendars(), moments(MINUTE), st.integers(1, 2400))
def test_hours_end_where_minutes_counted_one_by_one_end(
    calendar: Calendar, start: datetime, amount: int
) -> None:
    counted, end = 0, start
    while counted < amount:
        counted += is_worked(calendar, end)
        end += MINUTE
    assert add_working_hours(calendar, start, Fraction(amount, 60)) == end


@unhurried
@given(calendars(), moments(), st.integers(0, 60), st.times())
def test_days_end_where_days_counted_one_by_one_end(
    calendar: Calendar, received: datetime, n: int, cutoff: time
) -> None:
    local = received.astimezone(calendar.zone)
    day = local.date()
    if local.time() > cutoff or not calendar.windows(day):
        day = next_working_day(calendar, day)
    assert add_calendar_days(calendar, received, n, cutoff) == day + n * DAY
    for _ in range(n):
        day = next_working_day(calendar, day)
    assert add_working_days(calendar, received, n, cutoff) == day


@unhurried
@given(calendars(), moments(MINUTE), lengths)
def test_a_date_moves_by_fractions_of_days_counted_minute_by_minute(
    calendar: Calendar, begin: datetime, length: timedelta
) -> None:
    local = begin.astimezone(calendar.zone).date()
    whole: dict[date, int] = {}
    part: dict[date, int] = {}
    for minute in minutes(begin - 2 * DAY, begin + length + 2 * DAY):
        if is_worked(calendar, minute):
            day = minute.astimezone(calendar.zone).date()
            whole[day] = whole.get(day, 0) + 1
            part[day] = part.get(day, 0) + (begin <= minute < begin + length)
    fractions = sum((Fraction(part[day], whole[day]) for day in part if part[day]), Fraction())
    assert working_day_fractions(calendar, begin, begin + length) == fractions
    day = local
    for _ in range(ceil(fractions)):
        day = next_working_day(calendar, day)
    due = Due.on(local, calendar.zone)
    assert shift(due, calendar, [(begin, begin + length)]) == Due.on(day, calendar.zone)
