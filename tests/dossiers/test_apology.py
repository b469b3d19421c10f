"""The duty to apologise, by hand: by when, whether it was met, and how often a date may be told anew."""

from dataclasses import replace

import pytest

from app.dossiers.facts import Fact
from app.dossiers.views import apology
from tests.dossiers.makers import POLICY, at, fact, folded, kinds, received

FRIDAY = received(due_at="2026-03-06")
END = {"in time": "2026-03-06 16:00", "late": "2026-03-09 16:00"}


def letter(when: str, **told: str) -> Fact:
    return fact("apology_issued", when, **told)


@pytest.mark.parametrize(
    ("due", "days_before", "deadline"),
    [
        ("2026-03-06", 1, "2026-03-05 17:00"),
        ("2026-03-06T08:00:00+07:00", 1, "2026-03-05 17:00"),
        ("2026-03-09", 1, "2026-03-06 17:00"),
        ("2026-03-08", 1, "2026-03-06 17:00"),
        ("2026-03-06", 2, "2026-03-04 17:00"),
        ("2026-03-06", 0, "2026-03-06 17:00"),
        ("2026-03-03", 1, "2026-03-02 17:00"),
    ],
)
def test_an_apology_is_owed_by_the_end_of_the_last_working_day_before_the_due_date(
    due: str, days_before: int, deadline: str
) -> None:
    policy = replace(POLICY, apology_days_before=days_before)
    assert folded(received(due_at=due), policy=policy).apology_deadline == at(deadline)


@pytest.mark.parametrize(
    ("due", "days_before", "deadline"),
    [
        ("2026-03-02", 1, "2026-03-02 23:59:59.999999"),
        ("2026-03-02T16:00:00+07:00", 1, "2026-03-02 16:00"),
        ("2026-03-04", 3, "2026-03-04 23:59:59.999999"),
    ],
)
def test_it_is_owed_by_the_due_date_itself_when_that_day_lies_before_the_reception(
    due: str, days_before: int, deadline: str
) -> None:
    policy = replace(POLICY, apology_days_before=days_before)
    assert folded(received(due_at=due), policy=policy).apology_deadline == at(deadline)


def test_the_deadline_moves_with_the_due_date_but_not_with_a_new_appointment() -> None:
    pause = [fact("supplement_requested", "2026-03-03 10:00"), fact("supplemented", "2026-03-03 11:00")]
    assert folded(FRIDAY, *pause).apology_deadline == at("2026-03-06 17:00")
    told = fact("rescheduled", "2026-03-03 10:00", due_at="2026-03-20")
    assert folded(FRIDAY, told).apology_deadline == at("2026-03-05 17:00")


@pytest.mark.parametrize(
    ("facts", "now", "state"),
    [
        ([], "2026-03-03 09:00", "not_owed"),
        ([], "2026-03-06 09:00", "owed"),
        ([], "2026-03-07 00:00", "missing"),
        ([fact("processed", END["in time"])], "2026-04-01 09:00", "not_owed"),
        ([fact("processed", END["in time"]), letter("2026-03-05 09:00")], "2026-04-01 09:00", "not_owed"),
        ([fact("processed", END["late"])], "2026-04-01 09:00", "missing"),
        ([fact("processed", END["late"]), letter("2026-03-05 17:00")], "2026-04-01 09:00", "issued_in_time"),
        (
            [fact("processed", END["late"]), letter("2026-03-05 17:00:00.000001")],
            "2026-04-01 09:00",
            "issued_late",
        ),
        ([letter("2026-03-20 09:00"), letter("2026-03-04 09:00")], "2026-04-01 09:00", "issued_in_time"),
        ([letter("2026-03-20 09:00")], "2026-04-01 09:00", "issued_late"),
        ([letter("2026-03-20 09:00")], "2026-03-19 09:00", "missing"),
        ([fact("supplement_requested", "2026-03-05 10:00")], "2026-04-01 09:00", "not_owed"),
    ],
    ids=[
        "there is time",
        "the day has come",
        "overdue",
        "ended in time",
        "ended in time in spite of a letter",
        "ended late",
        "ended late, letter by the deadline",
        "ended late, letter after the deadline",
        "overdue, the first letter decides",
        "overdue, late letter",
        "before the letter",
        "paused in time",
    ],
)
def test_states_of_the_duty(facts: list[Fact], now: str, state: str) -> None:
    assert apology(folded(FRIDAY, *facts), at(now)) == state


def test_undated_dossiers_owe_none() -> None:
    dossier = folded(received(), letter("2026-03-05 09:00"), fact("processed", END["late"]))
    assert (dossier.apology_deadline, apology(dossier, at("2026-04-01 09:00"))) == (None, "not_owed")


def test_one_new_appointment_is_allowed_and_a_second_is_a_finding() -> None:
    first = letter("2026-03-05 09:00", new_due_at="2026-03-12")
    assert "second_reappointment" not in kinds(folded(FRIDAY, first))
    for second in (
        letter("2026-03-12 09:00", new_due_at="2026-03-20"),
        fact("rescheduled", "2026-03-12 09:00", due_at="2026-03-20"),
    ):
        assert "second_reappointment" in kinds(folded(FRIDAY, first, second))


def test_a_slip_that_ends_a_pause_is_no_new_appointment() -> None:
    pause = [
        fact("supplement_requested", "2026-03-03 10:00"),
        fact("supplemented", "2026-03-03 11:00", due_at="2026-03-10"),
    ]
    assert folded(FRIDAY, *pause).reappointments == 0


def test_days_before_the_oldest_calendar_are_no_error() -> None:
    oldest = received("1900-01-01 09:00", due_at="1900-01-01")
    policy = replace(POLICY, apology_days_before=30)
    assert folded(oldest, policy=policy).apology_deadline == folded(oldest).clock.due.at  # type: ignore[union-attr] # it has one
