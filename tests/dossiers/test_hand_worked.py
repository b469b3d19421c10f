"""Due dates of whole dossiers worked out by hand, each with its reason: slips, pauses and dates told anew, on Vietnam's days.

Local times; the working day is 07:30 to 11:30 and 13:00 to 17:00. Tết 2026 is off from Monday 16 to Friday 20 February.
"""

from dataclasses import replace
from typing import Any

import pytest

from app.dossiers.facts import Fact
from app.worktime.vietnam import national
from tests.dossiers.makers import POLICY, ZONE, fact, folded, received, slip

VIETNAM = replace(POLICY, calendar=national(ZONE))


def lasting(when: str, days: int) -> Fact:
    return received(when, duration={"value": days, "unit": "working_day"})


def told(when: str, due: str) -> Fact:
    return received(when, due_at=due)


def asked(begin: str, end: str, **more: Any) -> list[Fact]:
    return [fact("supplement_requested", begin), fact("supplemented", end, **more)]


@pytest.mark.parametrize(
    ("facts", "original", "current", "reason"),
    [
        (
            [
                told("2026-03-02 09:00", "2026-03-06"),
                *asked("2026-03-04 07:30", "2026-03-09 07:30", due_at="2026-03-13"),
            ],
            "2026-03-13",
            "2026-03-13",
            "the date on the slip that ends the supplement replaces the sum of three days",
        ),
        (
            [
                told("2026-03-02 09:00", "2026-03-06"),
                *asked("2026-03-04 07:30", "2026-03-05 07:30", due_at="2026-03-11"),
                *asked("2026-03-10 07:30", "2026-03-12 07:30"),
            ],
            "2026-03-13",
            "2026-03-13",
            "two more days of waiting move the date told anew: Wednesday to Friday",
        ),
        (
            [
                told("2026-03-02 09:00", "2026-03-06"),
                *asked("2026-03-09 07:30", "2026-03-10 07:30", due_at="2026-03-20"),
            ],
            "2026-03-06",
            "2026-03-20",
            "asked after the date: it judges as it was, though the citizen was told another",
        ),
        (
            [
                told("2026-03-02 09:00", "2026-03-06"),
                fact("rescheduled", "2026-03-05 09:00", due_at="2026-03-12"),
            ],
            "2026-03-06",
            "2026-03-12",
            "rescheduling cures nothing",
        ),
        (
            [
                told("2026-03-02 09:00", "2026-03-06"),
                fact("rescheduled", "2026-03-03 09:00", due_at="2026-03-12"),
                *asked("2026-03-04 07:30", "2026-03-05 07:30"),
            ],
            "2026-03-09",
            "2026-03-13",
            "a day of waiting moves both what judges and what was told last",
        ),
        (
            [
                told("2026-03-02 09:00", "2026-03-06"),
                fact("apology_issued", "2026-03-05 09:00", new_due_at="2026-03-11"),
            ],
            "2026-03-06",
            "2026-03-11",
            "the apology's new date is told, and judges nothing",
        ),
        (
            [told("2026-02-10 09:00", "2026-02-13"), *asked("2026-02-12 13:00", "2026-02-23 11:30")],
            "2026-02-24",
            "2026-02-24",
            "half of Thursday, Friday, half of Monday after Tết: two days after Friday the 13th are Monday and Tuesday",
        ),
        (
            [lasting("2026-02-12 16:00", 3), *asked("2026-02-24 07:30", "2026-02-25 07:30")],
            "2026-02-26",
            "2026-02-26",
            "after the cut-off counts as Friday; 23, 24, 25 February after Tết, and a day of waiting",
        ),
        (
            [
                told("2026-03-02 09:00", "2026-03-06T16:00:00+07:00"),
                *asked("2026-03-06 15:00", "2026-03-09 08:30"),
            ],
            "2026-03-09 09:30:00",
            "2026-03-09 09:30:00",
            "two hours on Friday and one on Monday: from Friday 16:00 an hour to 17:00, two on Monday to 09:30",
        ),
        (
            [lasting("2026-01-08 09:00", 2), *asked("2026-01-09 13:00", "2026-01-10 11:30")],
            "2026-01-12",
            "2026-01-12",
            "the make-up Saturday is a day of the sum and of the pause: half a day and half a day",
        ),
    ],
)
def test_the_due_date_of_a_dossier_is_the_one_worked_out_by_hand(
    facts: list[Fact], original: str, current: str, reason: str
) -> None:
    dossier = folded(*facts, policy=VIETNAM)
    assert (slip(dossier.clock.due), slip(dossier.due_current)) == (original, current), reason
