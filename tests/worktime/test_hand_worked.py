"""Due dates worked out by hand, each with its reason; local times stand without an offset, in the calendar's zone."""

from datetime import date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from app.worktime.calendar import Calendar, Window, plain
from app.worktime.deadline import (
    Due,
    add_calendar_days,
    add_working_days,
    add_working_hours,
    end_of_day,
    end_of_working_day,
    last_working_day_before,
    next_working_moment,
    shift,
    working_day_fractions,
)
from tests.worktime.calendars import ALL_DAY, AMSTERDAM, HANOI, INTAKE, NIGHT, VIETNAM, every_day


def at(text: str, zone: ZoneInfo = HANOI) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def pauses_of(text: str, zone: ZoneInfo = HANOI) -> list[tuple[datetime, datetime]]:
    spans = (span.split(" to ") for span in text.split(", ") if span)
    return [(at(begin, zone), at(end, zone)) for begin, end in spans]


@pytest.mark.parametrize(
    ("received", "n", "due", "reason"),
    [
        ("2024-03-04 09:00", 1, "2024-03-05", "Monday's reception does not count, Tuesday is the first day"),
        (
            "2024-03-04 09:00",
            5,
            "2024-03-11",
            "Tuesday to Friday are four, the weekend none, Monday the fifth",
        ),
        ("2024-03-04 00:00", 1, "2024-03-05", "before the doors open is still Monday"),
        ("2024-03-04 15:00", 1, "2024-03-05", "at 15:00 sharp is not after the cut-off"),
        ("2024-03-04 15:00:00.000001", 1, "2024-03-06", "a microsecond after 15:00 counts as Tuesday"),
        ("2024-03-04 23:59:59.999999", 1, "2024-03-06", "the last moment of Monday counts as Tuesday"),
        (
            "2024-03-08 16:00",
            1,
            "2024-03-12",
            "after Friday's cut-off counts as Monday, which does not count",
        ),
        ("2024-03-09 09:00", 1, "2024-03-12", "Saturday counts as received on Monday"),
        ("2024-03-10 22:00", 1, "2024-03-12", "Sunday night too counts as received on Monday"),
        ("2024-03-04 17:30+00:00", 1, "2024-03-06", "half past midnight on Tuesday in Hà Nội, told in UTC"),
        ("2024-03-04 09:00", 0, "2024-03-04", "no days: due on the day of reception"),
        (
            "2024-03-04 16:00",
            0,
            "2024-03-05",
            "no days, after the cut-off: due on the day it counts as received",
        ),
        ("2024-03-09 16:00", 0, "2024-03-11", "no days, on a Saturday: due on Monday"),
        ("2024-02-28 09:00", 1, "2024-02-29", "a leap day is worked like any Thursday"),
        ("2024-02-07 10:00", 1, "2024-02-15", "Tết 2024: off from Thursday 8 to Wednesday 14 February"),
        ("2024-02-07 15:30", 1, "2024-02-16", "after the cut-off before Tết counts as 15 February"),
        ("2024-02-10 08:00", 3, "2024-02-20", "first day of Tết counts as the 15th; 16, 19, 20"),
        ("2024-01-23 14:00", 15, "2024-02-20", "eleven days to 7 February, then 15, 16, 19, 20 after Tết"),
        ("2024-04-17 09:00", 2, "2024-04-22", "Hùng Kings on the 18th: Friday 19, Monday 22"),
        ("2024-04-26 09:00", 2, "2024-05-03", "29 April is swapped away: 2 and 3 May"),
        ("2024-04-26 09:00", 3, "2024-05-04", "Saturday 4 May is worked for 29 April"),
        ("2024-05-04 10:00", 1, "2024-05-06", "a make-up Saturday receives like any working day"),
        ("2024-05-03 16:00", 1, "2024-05-06", "after Friday's cut-off counts as the make-up Saturday"),
        ("2025-01-24 09:00", 1, "2025-02-03", "Tết 2025: off from 25 January to 2 February"),
        ("2025-01-24 15:01", 1, "2025-02-04", "after the cut-off before Tết counts as 3 February"),
        ("2025-04-24 10:00", 2, "2025-04-26", "Saturday 26 April is worked for 2 May"),
        ("2025-04-24 10:00", 5, "2025-05-05", "25, 26, 28, 29 April; 30 April to 4 May off; 5 May"),
        ("2025-08-29 09:00", 1, "2025-09-03", "National Day: Monday 1 and Tuesday 2 September off"),
        ("2025-12-30 09:00", 1, "2025-12-31", "a half day is a whole working day in the count of days"),
        ("2025-12-31 10:00", 1, "2026-01-05", "1 January and, by a swap, 2 January off, then the weekend"),
        ("2025-12-31 14:00", 1, "2026-01-05", "closed since 11:30 on a half day, but before the cut-off"),
        ("2026-01-05 09:00", 5, "2026-01-10", "Saturday 10 January is worked for the 2nd"),
        ("2026-02-13 09:00", 1, "2026-02-23", "Tết 2026: off from 14 to 22 February"),
        (
            "2026-02-13 15:30",
            10,
            "2026-03-09",
            "counts as 23 February; four days that week, five the next, Monday",
        ),
        ("2026-04-24 09:00", 1, "2026-04-28", "Hùng Kings on a Sunday gives Monday 27 April off"),
        ("2026-08-21 09:00", 1, "2026-08-22", "Saturday 22 August is worked for the 31st"),
        ("2026-08-28 09:00", 1, "2026-09-03", "31 August by a swap, 1 and 2 September by law"),
    ],
)
def test_working_days_are_counted_as_by_hand(received: str, n: int, due: str, reason: str) -> None:
    assert add_working_days(VIETNAM, at(received), n) == date.fromisoformat(due), reason


@pytest.mark.parametrize(
    ("received", "n", "due", "reason"),
    [
        ("2024-03-09 09:00", 1, "2024-03-11", "the shop takes in on Saturday, so Monday is the first day"),
        ("2024-03-09 15:01", 1, "2024-03-12", "after Saturday's cut-off counts as Monday"),
        ("2024-03-08 16:00", 1, "2024-03-11", "after Friday's cut-off counts as Saturday"),
        ("2024-03-09 09:00", 0, "2024-03-11", "due on the day of reception, but never on a Saturday"),
        ("2024-03-04 09:00", 5, "2024-03-11", "Saturday is no deadline day: Monday stays the fifth"),
    ],
)
def test_an_intake_saturday_receives_but_is_no_deadline_day(
    received: str, n: int, due: str, reason: str
) -> None:
    assert add_working_days(VIETNAM, at(received), n, intake=INTAKE) == date.fromisoformat(due), reason


@pytest.mark.parametrize(
    ("received", "cutoff", "due", "reason"),
    [
        ("2024-03-04 16:30", time(16, 30), "2024-03-05", "a later cut-off takes in more"),
        ("2024-03-04 11:01", time(11), "2024-03-06", "an earlier one takes in less"),
        ("2024-03-04 23:59", time.max, "2024-03-05", "none at all: the whole day is the day of reception"),
    ],
)
def test_the_cutoff_is_a_setting(received: str, cutoff: time, due: str, reason: str) -> None:
    assert add_working_days(VIETNAM, at(received), 1, cutoff) == date.fromisoformat(due), reason
    assert add_calendar_days(VIETNAM, at(received), 1, cutoff) == date.fromisoformat(due), reason


@pytest.mark.parametrize(
    ("received", "n", "due", "reason"),
    [
        ("2024-03-04 09:00", 10, "2024-03-14", "ten days of any kind after the 4th"),
        ("2024-03-08 09:00", 1, "2024-03-09", "a Saturday stays a Saturday"),
        ("2024-03-08 16:00", 1, "2024-03-12", "after Friday's cut-off counts as Monday the 11th"),
        ("2024-02-07 09:00", 3, "2024-02-10", "the first day of Tết is not moved"),
        ("2024-02-10 09:00", 3, "2024-02-18", "on Tết counts as the 15th; the 18th is a Sunday"),
        ("2024-03-09 09:00", 0, "2024-03-11", "no days: the day it counts as received"),
    ],
)
def test_calendar_days_are_counted_as_by_hand(received: str, n: int, due: str, reason: str) -> None:
    assert add_calendar_days(VIETNAM, at(received), n) == date.fromisoformat(due), reason


@pytest.mark.parametrize(
    ("start", "hours", "end", "reason"),
    [
        ("2024-03-04 08:00", 2, "2024-03-04 10:00", "within a morning"),
        ("2024-03-04 10:30", 2, "2024-03-04 14:00", "an hour before lunch, an hour after"),
        ("2024-03-04 07:30", 4, "2024-03-04 11:30", "used up at lunch it ends at lunch"),
        ("2024-03-04 07:30", 8, "2024-03-04 17:00", "a whole day ends with the day"),
        ("2024-03-04 11:30", 1, "2024-03-04 14:00", "from the end of the morning on the afternoon works"),
        ("2024-03-04 12:15", 1, "2024-03-04 14:00", "at lunch nobody works"),
        ("2024-03-04 05:00", 1, "2024-03-04 08:30", "before the doors open too"),
        ("2024-03-04 16:30", 1, "2024-03-05 08:00", "the cut-off of 15:00 does not bind hours"),
        ("2024-03-04 16:30", Fraction(1, 2), "2024-03-04 17:00", "half an hour"),
        ("2024-03-08 16:00", 8, "2024-03-11 16:00", "one hour on Friday, seven on Monday"),
        ("2024-03-09 09:00", 1, "2024-03-11 08:30", "Saturday waits for Monday"),
        ("2024-03-04 20:00", 0, "2024-03-05 07:30", "no hours: the next working moment"),
        ("2024-03-04 11:30", 0, "2024-03-04 13:00", "no hours at the end of the morning: when work goes on"),
        ("2024-03-04 09:15", 0, "2024-03-04 09:15", "no hours during work: now"),
        ("2024-02-07 16:00", 2, "2024-02-15 08:30", "one hour before Tết, one after"),
        (
            "2025-12-31 10:30",
            2,
            "2026-01-05 08:30",
            "a half day ends at 11:30, and the new year begins on the 5th",
        ),
        ("2026-01-09 16:00", 2, "2026-01-10 08:30", "the make-up Saturday follows the Friday"),
        (
            "2024-01-02 07:30",
            2080,
            "2025-01-14 17:00",
            "260 days: 261 weekdays of 2024 from the 2nd, 11 off, 1 made up; nine more from 2 January 2025",
        ),
    ],
)
def test_working_hours_are_counted_as_by_hand(
    start: str, hours: int | Fraction, end: str, reason: str
) -> None:
    assert add_working_hours(VIETNAM, at(start), hours) == at(end), reason


SMALL_HOURS = every_day((Window(time(2), time(3)),), AMSTERDAM)
ACROSS_TWO = every_day((Window(time(1, 30), time(2, 30)),), AMSTERDAM)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "end", "reason"),
    [
        (every_day(ALL_DAY, AMSTERDAM), "2026-03-29 00:00", 8, "2026-03-29 09:00", "02:00 to 03:00 is left out"),
        (every_day(ALL_DAY, AMSTERDAM), "2026-10-25 00:00", 8, "2026-10-25 07:00", "02:00 to 03:00 comes twice"),
        (every_day(ALL_DAY, AMSTERDAM), "2026-03-29 00:00", 23, "2026-03-30 00:00", "a day of 23 hours"),
        (every_day(ALL_DAY, AMSTERDAM), "2026-10-25 00:00", 25, "2026-10-26 00:00", "a day of 25 hours"),
        (every_day(NIGHT, AMSTERDAM), "2026-03-28 22:00", 8, "2026-03-29 23:00", "two hours, five, and one of the next night"),
        (every_day(NIGHT, AMSTERDAM), "2026-10-24 22:00", 8, "2026-10-25 05:00", "two hours and six of that night's seven"),
        (SMALL_HOURS, "2026-03-28 02:30", 1, "2026-03-30 02:30", "on the 29th the clock never reads between 2 and 3"),
        (SMALL_HOURS, "2026-10-25 02:00+02:00", 2, "2026-10-25 03:00+01:00", "on the 25th it does for two hours"),
        (ACROSS_TWO, "2026-10-25 01:30+02:00", 1, "2026-10-25 02:30+02:00", "the first time the clock reads 02:30"),
        (ACROSS_TWO, "2026-10-25 01:30+02:00", Fraction(3, 2), "2026-10-25 02:30+01:00", "back at 02:00 work goes on to the second 02:30"),
        (plain(AMSTERDAM), "2026-03-27 16:00", 2, "2026-03-30 08:30", "office hours on both sides of the short night"),
        (plain(AMSTERDAM), "2026-10-23 16:00", 2, "2026-10-26 08:30", "office hours on both sides of the long night"),
    ],
)  # fmt: skip
def test_nights_of_daylight_saving_last_as_long_as_the_clock_says(
    calendar: Calendar, start: str, hours: int | Fraction, end: str, reason: str
) -> None:
    assert add_working_hours(calendar, at(start, AMSTERDAM), hours) == at(end, AMSTERDAM), reason


@pytest.mark.parametrize(
    ("due", "pauses", "moved", "reason"),
    [
        ("2024-03-08", "", "2024-03-08", "no pause, no move"),
        ("2024-03-08", "2024-03-04 07:30 to 2024-03-05 07:30", "2024-03-11", "a whole day: Friday becomes Monday"),
        ("2024-03-08", "2024-03-04 10:00 to 2024-03-05 10:00", "2024-03-11", "a day from ten to ten is one day, not two"),
        ("2024-03-08", "2024-03-04 10:00 to 2024-03-04 10:10", "2024-03-11", "ten minutes round up to a day"),
        ("2024-03-08", "2024-03-04 11:30 to 2024-03-04 13:00", "2024-03-08", "lunch is no working time"),
        ("2024-03-11", "2024-03-08 17:00 to 2024-03-11 07:30", "2024-03-11", "a weekend is no working time"),
        ("2024-03-08", "2024-03-04 07:30 to 2024-03-04 09:30, 2024-03-05 07:30 to 2024-03-05 09:30", "2024-03-11", "two quarters are half a day, rounded up once"),
        ("2024-03-08", "2024-03-04 07:30 to 2024-03-04 15:00, 2024-03-05 07:30 to 2024-03-05 15:00", "2024-03-12", "twice three quarters are a day and a half: two days"),
        ("2024-03-08", "2024-03-07 08:00 to 2024-03-11 10:00", "2024-03-13", "7.5 + 8 + 2.5 hours over a weekend: 2 1/4 days"),
        ("2024-03-08", "2024-03-04 07:30 to 2024-03-04 17:00, 2024-03-04 13:00 to 2024-03-05 11:30", "2024-03-12", "what overlaps counts once: a day and a half"),
        ("2024-03-08", "2024-03-04 07:30 to 2024-03-05 17:00, 2024-03-04 13:00 to 2024-03-04 14:00", "2024-03-12", "a pause within a pause adds nothing"),
        ("2024-03-08", "2024-03-04 07:30 to 2024-03-05 17:00, 2024-03-04 13:00 to 2024-03-04 14:00, 2024-03-05 07:30 to 2024-03-05 11:30", "2024-03-12", "nor do two of them, one after the other"),
        ("2024-03-08", "2024-03-05 07:30 to 2024-03-05 17:00, 2024-03-04 07:30 to 2024-03-04 17:00", "2024-03-12", "pauses may come in any order"),
        ("2024-02-16", "2024-02-07 15:00 to 2024-02-15 09:30", "2024-02-19", "two hours before Tết and two after: half a day"),
        ("2024-02-07", "2024-02-05 07:30 to 2024-02-06 07:30", "2024-02-15", "the day it moves to lies behind Tết"),
        ("2024-03-10", "2024-03-04 11:30 to 2024-03-04 13:00", "2024-03-10", "a slip for a Sunday stays a Sunday"),
        ("2024-03-10", "2024-03-04 07:30 to 2024-03-04 08:30", "2024-03-11", "moved from a Sunday, the first day is Monday"),
        ("2026-01-05", "2025-12-31 07:30 to 2025-12-31 11:30", "2026-01-06", "the whole of a half day is one day"),
        ("2026-01-05", "2025-12-30 07:30 to 2025-12-30 11:30, 2025-12-31 07:30 to 2025-12-31 09:30", "2026-01-06", "four of eight hours and two of four: one day exactly"),
        ("2026-01-05", "2025-12-30 07:30 to 2025-12-30 11:30, 2025-12-31 07:30 to 2025-12-31 09:30:00.000001", "2026-01-07", "a microsecond more begins the next day"),
        ("2024-03-08", "2024-03-05 07:30 to 2024-03-04 07:30", "2024-03-08", "a pause that ends before it begins is none"),
    ],
)  # fmt: skip
def test_pauses_move_a_bare_date_by_whole_working_days(
    due: str, pauses: str, moved: str, reason: str
) -> None:
    shifted = shift(Due.on(date.fromisoformat(due), HANOI), VIETNAM, pauses_of(pauses))
    assert shifted == Due.on(date.fromisoformat(moved), HANOI), reason
    assert shifted.is_date


@pytest.mark.parametrize(
    ("due", "pauses", "moved", "reason"),
    [
        ("2024-03-11 10:00", "", "2024-03-11 10:00", "no pause, no move"),
        ("2024-03-11 10:00", "2024-03-08 16:00 to 2024-03-11 08:30", "2024-03-11 13:30", "an hour on Friday and one on Monday; lunch lies between"),
        ("2024-03-08 17:00", "2024-03-08 09:00 to 2024-03-08 09:30", "2024-03-11 08:00", "half an hour after Friday's end is Monday"),
        ("2024-03-08 16:30", "2024-03-08 09:00 to 2024-03-08 09:30", "2024-03-08 17:00", "used up at the day's end it ends there"),
        ("2024-03-08 20:00", "2024-03-08 11:30 to 2024-03-08 13:00", "2024-03-08 20:00", "outside hours it stays when nothing was paused"),
        ("2024-03-08 20:00", "2024-03-08 09:00 to 2024-03-08 10:00", "2024-03-11 08:30", "outside hours it moves on from the next working moment"),
        ("2024-03-11 10:00", "2024-03-08 09:00 to 2024-03-08 10:00, 2024-03-08 09:30 to 2024-03-08 10:30", "2024-03-11 11:30", "overlapping pauses are an hour and a half together"),
        ("2024-02-07 16:00", "2024-02-06 08:00 to 2024-02-06 10:00", "2024-02-15 08:30", "one hour before Tết, one after"),
        ("2024-03-08 10:00:00.000001", "2024-03-07 10:00 to 2024-03-07 10:00:00.000001", "2024-03-08 10:00:00.000002", "instants move by the microsecond"),
    ],
)  # fmt: skip
def test_pauses_move_an_instant_by_working_time(due: str, pauses: str, moved: str, reason: str) -> None:
    assert shift(Due.by(at(due)), VIETNAM, pauses_of(pauses)) == Due.by(at(moved)), reason


@pytest.mark.parametrize(
    ("begin", "end", "fraction", "reason"),
    [
        ("2024-03-04 07:30", "2024-03-04 11:30", Fraction(1, 2), "four of eight hours"),
        ("2024-03-04 17:00", "2024-03-11 07:30", Fraction(4), "Tuesday to Friday"),
        ("2024-03-07 08:00", "2024-03-11 10:00", Fraction(9, 4), "7.5 + 8 + 2.5 hours of eight"),
        (
            "2025-12-30 13:00",
            "2025-12-31 08:30",
            Fraction(3, 4),
            "half of a long day and a quarter of a short one",
        ),
        ("2025-12-31 07:30", "2026-01-05 07:30", Fraction(1), "a half day is a day"),
        ("2024-03-04 09:00", "2024-03-04 09:00", Fraction(0), "nothing"),
        ("2024-03-05 09:00", "2024-03-04 09:00", Fraction(0), "an end before the begin"),
    ],
)
def test_fractions_of_days_are_those_of_each_days_own_hours(
    begin: str, end: str, fraction: Fraction, reason: str
) -> None:
    assert working_day_fractions(VIETNAM, at(begin), at(end)) == fraction, reason


def test_a_day_in_a_short_night_is_measured_by_its_own_length() -> None:
    night = every_day(NIGHT, AMSTERDAM)  # seven hours instead of eight on 29 March 2026
    assert working_day_fractions(
        night, at("2026-03-29 00:00", AMSTERDAM), at("2026-03-29 01:00", AMSTERDAM)
    ) == Fraction(1, 7)


@pytest.mark.parametrize(
    ("day", "zone", "end", "reason"),
    [
        ("2024-03-04", HANOI, "2024-03-04 16:59:59.999999+00:00", "Hà Nội is seven hours ahead"),
        ("2026-03-29", AMSTERDAM, "2026-03-29 21:59:59.999999+00:00", "summer time since 02:00"),
        ("2026-10-25", AMSTERDAM, "2026-10-25 22:59:59.999999+00:00", "winter time since 03:00"),
        ("2018-02-17", ZoneInfo("America/Sao_Paulo"), "2018-02-18 02:59:59.999999+00:00", "the hour before midnight came twice, the second ends the day"),
        ("2018-11-03", ZoneInfo("America/Sao_Paulo"), "2018-11-04 02:59:59.999999+00:00", "midnight itself was left out"),
        ("2011-12-29", ZoneInfo("Pacific/Apia"), "2011-12-30 09:59:59.999999+00:00", "the next day was left out altogether"),
    ],
)  # fmt: skip
def test_a_day_ends_with_its_last_microsecond(day: str, zone: ZoneInfo, end: str, reason: str) -> None:
    assert end_of_day(date.fromisoformat(day), zone) == at(end), reason


@pytest.mark.parametrize(
    ("due", "day", "end", "reason"),
    [
        ("2024-03-08", "2024-03-07", "2024-03-07 17:00", "the day before a Friday"),
        ("2024-03-11", "2024-03-08", "2024-03-08 17:00", "Friday before a Monday"),
        ("2024-03-10", "2024-03-08", "2024-03-08 17:00", "Friday before a Sunday"),
        ("2024-02-15", "2024-02-07", "2024-02-07 17:00", "the last day before Tết"),
        ("2026-01-05", "2025-12-31", "2025-12-31 11:30", "a half day ends at 11:30"),
        ("2024-05-06", "2024-05-04", "2024-05-04 17:00", "the make-up Saturday"),
    ],
)
def test_the_last_working_day_before_ends_with_its_last_window(
    due: str, day: str, end: str, reason: str
) -> None:
    assert last_working_day_before(VIETNAM, date.fromisoformat(due)) == date.fromisoformat(day), reason
    assert end_of_working_day(VIETNAM, date.fromisoformat(day)) == at(end), reason


def test_a_day_off_ends_at_midnight() -> None:
    assert end_of_working_day(VIETNAM, date(2024, 3, 10)) == at("2024-03-10 23:59:59.999999")


def test_the_next_working_moment_is_now_or_when_the_doors_open() -> None:
    assert next_working_moment(VIETNAM, at("2024-03-04 09:15")) == at("2024-03-04 09:15")
    assert next_working_moment(VIETNAM, at("2024-03-04 11:30")) == at("2024-03-04 13:00")
    assert next_working_moment(VIETNAM, at("2024-02-07 17:00")) == at("2024-02-15 07:30")


def test_a_bare_date_keeps_its_local_day_and_judges_its_last_microsecond_as_in_time() -> None:
    due = Due.on(date(2024, 3, 8), HANOI)
    assert due.day(HANOI) == date(2024, 3, 8)
    assert at("2024-03-08 23:59:59.999999") <= due.at < at("2024-03-09 00:00")
