"""The working-time sum of an explanation, in both languages, so that a reader can do it again by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from app.dossiers.explanation import explain
from app.dossiers.facts import Fact, Intake, Policy
from app.kit.text import Text
from app.worktime.calendar import DAY_OFF, OFFICE_HOURS, ListedDay, Version
from app.worktime.shipped import SHIPPED
from app.worktime.versions import overlay
from tests.dossiers.makers import POLICY, ZONE, at, fact, folded, received
from tests.worktime.calendars import MORNING

STORM = Version(
    2,
    date(2026, 1, 1),
    days={
        date(2026, 3, 4): ListedDay(DAY_OFF, Text("Nghỉ bão", "Storm")),
        date(2026, 3, 7): ListedDay(OFFICE_HOURS, Text("Làm bù", "Made up for the storm")),
    },
)
VIETNAM = replace(POLICY, calendar=overlay("vn", ZONE, (SHIPPED["vn"], STORM)))
SATURDAYS = overlay("sat", ZONE, (SHIPPED["plain"], Version(1, week=((DAY_OFF,) * 5 + (MORNING, DAY_OFF)))))
NOW = at("2026-03-20 09:00")


def told(policy: Policy, *facts: Fact) -> Sequence[Text]:
    return explain(folded(*facts, policy=policy), policy, NOW)


def lasting(value: int, unit: str = "working_day", when: str = "2026-03-02 09:00") -> Fact:
    return received(when, duration={"value": value, "unit": unit})


def test_a_sum_of_working_days_names_days_off_and_days_made_up_and_the_version() -> None:
    lines = told(VIETNAM, lasting(5))
    assert [line.en for line in lines[2:6]] == [
        "Working days after 02/03/2026: 5, until the end of 09/03/2026.",
        "Not counted: days off of the week (1), 04/03/2026 Storm.",
        "Counted: 07/03/2026 Made up for the storm.",
        "By the calendar vn, version 2.",
    ]
    assert [line.vi for line in lines[2:6]] == [
        "5 ngày làm việc sau ngày 02/03/2026: đến hết ngày 09/03/2026.",
        "Không tính: ngày nghỉ hằng tuần (1), 04/03/2026 Nghỉ bão.",
        "Có tính: 07/03/2026 Làm bù.",
        "Theo lịch vn, phiên bản 2.",
    ]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("2026-03-02 15:30", "Received after 15:00: it counts as received on 03/03/2026."),
        ("2026-03-04 09:00", "Received on a day off (Storm): it counts as received on 05/03/2026."),
        ("2026-03-08 09:00", "Received on a day off: it counts as received on 09/03/2026."),
    ],
)
def test_a_sum_says_why_another_day_is_the_day_of_reception(when: str, said: str) -> None:
    assert said in [line.en for line in told(VIETNAM, lasting(1, when=when))]


def test_a_sum_says_that_the_shop_takes_in_on_saturdays() -> None:
    policy = replace(VIETNAM, intake={"ward": [Intake(SATURDAYS)]})
    lines = [line.en for line in told(policy, lasting(1, when="2026-03-14 09:00"))]
    assert (
        "On 14/03/2026, a day off, the one-stop shop takes in dossiers (07:30–11:30): that is the day of reception."
        in lines
    )
    assert "Working days after 14/03/2026: 1, until the end of 16/03/2026." in lines


def test_a_sum_of_working_hours_goes_through_the_windows_of_each_day() -> None:
    lines = [line.en for line in told(VIETNAM, lasting(6, "working_hour", "2026-03-03 15:00"))]
    assert (
        "Working hours from 15:00 03/03/2026: 6, until 11:30 05/03/2026: 03/03 (07:30–11:30, 13:00–17:00) 2 h, "
        "05/03 (07:30–11:30, 13:00–17:00) 4 h." in lines
    )
    assert "Not counted: 04/03/2026 Storm." in lines


def test_calendar_days_need_no_days_off() -> None:
    lines = [line.en for line in told(VIETNAM, lasting(3, "calendar_day"))]
    assert "Days after 02/03/2026, days off included: 3, until the end of 05/03/2026." in lines
    assert not any(line.startswith("Not counted") for line in lines)


def test_pauses_of_parts_of_days_are_added_and_rounded_once() -> None:
    lines = told(
        POLICY,
        received(due_at="2026-03-06"),
        fact("supplement_requested", "2026-03-03 07:30"),
        fact("supplemented", "2026-03-04 11:30"),
    )
    assert "With its pauses (1 1/2 working days, rounded up) it was due: 10/03/2026." in [
        line.en for line in lines
    ]
    assert "Hạn sau khi tính tạm dừng (1 1/2 ngày làm việc, làm tròn lên): 10/03/2026." in [
        line.vi for line in lines
    ]
    assert lines[-2].en == "By the calendar plain, version 1."


def test_a_date_that_was_only_told_has_no_sum_and_no_calendar() -> None:
    lines = [line.en for line in told(POLICY, received(due_at="2026-03-06"))]
    assert not any("calendar" in line or "Working days" in line for line in lines)


def test_a_very_long_list_of_days_off_says_how_many_more_there_are() -> None:
    lines = [line.en for line in told(VIETNAM, lasting(400))]
    (off,) = [line for line in lines if line.startswith("Not counted")]
    assert off.endswith("days more).")
