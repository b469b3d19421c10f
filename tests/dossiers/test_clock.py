"""Pauses and new appointments, by hand: what moves the due date, and what never cures lateness."""

import pytest

from app.dossiers.facts import Fact
from app.dossiers.row import row
from app.dossiers.views import verdict
from tests.dossiers.makers import at, due_of, fact, folded, kinds, received, slip

FRIDAY = received(due_at="2026-03-06")
FRIDAY_AT_FOUR = received(due_at="2026-03-06T16:00:00+07:00")
PAYING = {"procedure": "1.000003"}
"""Of a procedure whose fee stops the clock."""


def supplement(begin: str, end: str | None = None, **told: str) -> list[Fact]:
    asked = [fact("supplement_requested", begin)]
    return asked if end is None else [*asked, fact("supplemented", end, **told)]


def fee(begin: str, end: str | None = None, how: str = "paid_online") -> list[Fact]:
    asked = [fact("fee_requested", begin, amount=1000)]
    return asked if end is None else [*asked, fact(how, end)]


# --- how far a pause moves


def test_an_instant_moves_by_the_paused_working_time() -> None:
    # 5.5 hours of Tuesday and 2.5 of Wednesday
    assert (
        due_of(FRIDAY_AT_FOUR, *supplement("2026-03-03 10:00", "2026-03-04 10:00")) == "2026-03-09 16:00:00"
    )


def test_a_bare_date_moves_by_whole_working_days_and_stays_a_date() -> None:
    assert due_of(FRIDAY, *supplement("2026-03-03 10:00", "2026-03-03 10:00:00.000001")) == "2026-03-09"
    assert due_of(FRIDAY, *supplement("2026-03-03 10:00", "2026-03-04 10:00")) == "2026-03-09"
    assert due_of(FRIDAY, *supplement("2026-03-03 10:00", "2026-03-04 10:01")) == "2026-03-10"


def test_days_are_rounded_up_once_over_all_pauses() -> None:
    two_hours_each = [
        *supplement("2026-03-03 08:00", "2026-03-03 10:00"),
        *supplement("2026-03-04 08:00", "2026-03-04 10:00"),
    ]
    assert due_of(FRIDAY, *two_hours_each) == "2026-03-09"
    five_hours_each = [
        *supplement("2026-03-03 07:30", "2026-03-03 14:00"),
        *supplement("2026-03-04 07:30", "2026-03-04 14:00"),
    ]
    assert due_of(FRIDAY, *five_hours_each) == "2026-03-10"


def test_a_pause_without_working_time_moves_nothing() -> None:
    weekend = supplement("2026-03-07 08:00", "2026-03-08 20:00")
    assert due_of(received(due_at="2026-03-13"), *weekend) == "2026-03-13"
    assert due_of(received(due_at="2026-03-13T10:00:00+07:00"), *weekend) == "2026-03-13 10:00:00"


def test_a_due_day_off_moves_to_working_days() -> None:
    sunday = received(due_at="2026-03-08")
    assert due_of(sunday, *supplement("2026-03-03 10:00", "2026-03-03 11:00")) == "2026-03-09"


def test_a_second_request_while_waiting_begins_no_second_pause() -> None:
    again = fact("supplement_requested", "2026-03-03 16:00")
    assert (
        due_of(FRIDAY_AT_FOUR, *supplement("2026-03-03 10:00", "2026-03-04 10:00"), again)
        == "2026-03-09 16:00:00"
    )


def test_overlapping_pauses_count_once() -> None:
    slip_at_four = received(due_at="2026-03-06T16:00:00+07:00", **PAYING)
    overlapping = [
        *supplement("2026-03-03 08:00", "2026-03-04 08:00"),
        *fee("2026-03-03 13:00", "2026-03-04 12:00"),
    ]  # Tuesday from 08:00 and Wednesday morning: 11.5 hours
    assert due_of(slip_at_four, *overlapping) == "2026-03-10 10:00:00"
    within = [
        *supplement("2026-03-03 10:00", "2026-03-04 10:00"),
        *fee("2026-03-03 13:00", "2026-03-03 14:00"),
    ]
    assert due_of(slip_at_four, *within) == "2026-03-09 16:00:00"


def test_a_pause_within_a_longer_one_is_none_of_its_own() -> None:
    """Not even if the due date was over when it began: nobody was late while the longer one lasted."""
    slip_at_three = received(due_at="2026-03-03T15:00:00+07:00", **PAYING)
    within = [*fee("2026-03-03 13:00", "2026-03-03 14:00"), *fee("2026-03-04 09:00", "2026-03-04 10:00")]
    told_anew = supplement("2026-03-03 10:00", "2026-03-05 10:00", due_at="2026-03-03")
    dossier = folded(slip_at_three, *within, *told_anew)
    assert "pause_after_due" not in kinds(dossier)
    assert verdict(dossier, at("2026-03-05 10:00")) == "not_due"
    assert verdict(dossier, at("2026-03-05 10:01")) == "overdue"


# --- what is a pause


def test_a_request_before_the_reception_is_no_pause() -> None:
    dossier = folded(FRIDAY, *supplement("2026-03-02 08:59", "2026-03-04 09:00", due_at="2026-03-20"))
    assert slip(dossier.clock.due) == "2026-03-06"
    assert "request_before_reception" in kinds(dossier)
    assert row(folded(FRIDAY, *supplement("2026-03-02 08:59")))["state"] == "in_progress"


@pytest.mark.parametrize("how", ["paid_online", "paid_in_person"])
def test_a_fee_pauses_only_where_the_procedure_says_so(how: str) -> None:
    waiting = fee("2026-03-03 10:00", "2026-03-04 10:00", how)
    assert due_of(FRIDAY, *waiting) == "2026-03-06"
    assert due_of(received(due_at="2026-03-06", **PAYING), *waiting) == "2026-03-09"


def test_a_dossier_that_waits_for_its_fee_says_so_also_where_the_clock_runs_on() -> None:
    dossier = folded(FRIDAY, *fee("2026-03-03 10:00"))
    assert row(dossier)["state"] == "waiting_fee"
    assert verdict(dossier, at("2026-03-07 00:00")) == "overdue"
    assert row(folded(FRIDAY, *fee("2026-03-03 10:00"), *supplement("2026-03-03 11:00")))["state"] == (
        "waiting_supplement"
    )


def test_the_end_of_work_ends_an_open_pause() -> None:
    # from Thursday 10:00 to Monday 10:00: 16 working hours
    dossier = folded(FRIDAY, *supplement("2026-03-05 10:00"), fact("processed", "2026-03-09 10:00"))
    assert slip(dossier.clock.due) == "2026-03-10"
    assert dossier.outcome == "early"


def test_a_request_after_the_end_of_work_is_no_pause() -> None:
    end = fact("processed", "2026-03-03 09:00")
    dossier = folded(FRIDAY, end, *supplement("2026-03-04 10:00", "2026-03-05 10:00", due_at="2026-03-20"))
    assert slip(dossier.clock.due) == "2026-03-06"
    assert "after_end" in kinds(dossier)


def test_supplemented_without_a_request_is_a_finding_and_moves_nothing() -> None:
    dossier = folded(FRIDAY, fact("supplemented", "2026-03-04 10:00", due_at="2026-03-20"))
    assert slip(dossier.clock.due) == "2026-03-06"
    assert "supplemented_without_request" in kinds(dossier)


# --- no pause cures lateness


@pytest.mark.parametrize(
    ("begin", "due"),
    [("2026-03-06 16:00", "2026-03-09 10:00:00"), ("2026-03-06 16:00:00.000001", "2026-03-06 16:00:00")],
    ids=["at the instant", "a microsecond after"],
)
def test_a_pause_counts_when_begun_by_the_due_instant(begin: str, due: str) -> None:
    dossier = folded(FRIDAY_AT_FOUR, *supplement(begin, "2026-03-09 10:00"))
    assert slip(dossier.clock.due) == due
    assert ("pause_after_due" in kinds(dossier)) is (due == "2026-03-06 16:00:00")


@pytest.mark.parametrize(
    ("begin", "due"),
    [("2026-03-06 23:59:59.999999", "2026-03-10"), ("2026-03-07 00:00", "2026-03-06")],
    ids=["at the end of the day", "on the next day"],
)
def test_a_pause_counts_when_begun_on_the_due_day(begin: str, due: str) -> None:
    dossier = folded(FRIDAY, *supplement(begin, "2026-03-10 09:00"))  # 9.5 working hours
    assert slip(dossier.clock.due) == due
    assert ("pause_after_due" in kinds(dossier)) is (due == "2026-03-06")


def test_a_pause_counts_when_begun_by_the_due_date_as_moved_so_far() -> None:
    moved_to_monday = supplement("2026-03-05 10:00", "2026-03-06 10:00")
    again = supplement("2026-03-09 09:00", "2026-03-09 10:00")
    assert due_of(FRIDAY, *moved_to_monday, *again) == "2026-03-10"
    too_late = supplement("2026-03-10 09:00", "2026-03-10 10:00")
    assert due_of(FRIDAY, *moved_to_monday, *too_late) == "2026-03-09"


def test_a_new_date_that_ends_a_late_pause_changes_nothing() -> None:
    late = supplement("2026-03-09 08:00", "2026-03-11 09:00", due_at="2026-03-20")
    dossier = folded(FRIDAY, *late, fact("processed", "2026-03-12 09:00"))
    assert (slip(dossier.clock.due), slip(dossier.due_current)) == ("2026-03-06", "2026-03-20")
    assert dossier.outcome == "late"
    assert "pause_after_due" in kinds(dossier)


def test_rescheduling_never_cures_lateness() -> None:
    for told in (
        fact("rescheduled", "2026-03-05 09:00", due_at="2026-03-20"),
        fact("apology_issued", "2026-03-05 09:00", new_due_at="2026-03-20"),
    ):
        dossier = folded(FRIDAY, told, fact("processed", "2026-03-09 09:00"))
        assert (slip(dossier.clock.due), slip(dossier.due_current)) == ("2026-03-06", "2026-03-20")
        assert dossier.outcome == "late"
        assert verdict(folded(FRIDAY, told), at("2026-03-07 00:00")) == "overdue"


def test_a_pause_after_the_due_date_does_not_count_although_a_new_date_was_told() -> None:
    told = fact("rescheduled", "2026-03-05 09:00", due_at="2026-03-20")
    dossier = folded(FRIDAY, told, *supplement("2026-03-09 09:00"))
    assert verdict(dossier, at("2026-03-10 09:00")) == "overdue"


def test_what_the_citizen_was_last_told_follows_the_order_of_facts() -> None:
    told = [
        fact("apology_issued", "2026-03-04 09:00", new_due_at="2026-03-18"),
        fact("rescheduled", "2026-03-03 09:00", due_at="2026-03-20"),
        fact("apology_issued", "2026-03-05 09:00"),
    ]
    assert slip(folded(FRIDAY, *told).due_current) == "2026-03-18"
    assert slip(folded(FRIDAY).due_current) == "2026-03-06"


# --- a new slip when the supplement came


def test_a_date_told_at_the_end_of_a_pause_replaces_the_moved_one() -> None:
    assert due_of(FRIDAY, *supplement("2026-03-04 10:00", "2026-03-06 10:00", due_at="2026-03-11")) == (
        "2026-03-11"
    )
    sooner = supplement("2026-03-03 10:00", "2026-03-04 10:00", due_at="2026-03-05T09:00:00+07:00")
    assert due_of(FRIDAY, *sooner) == "2026-03-05 09:00:00"


def test_pauses_before_a_new_slip_are_in_it_and_those_after_move_it() -> None:
    before = supplement("2026-03-03 08:00", "2026-03-03 17:00")
    slipped = supplement("2026-03-04 10:00", "2026-03-06 10:00", due_at="2026-03-11")
    after = supplement("2026-03-09 10:00", "2026-03-09 10:30")
    assert due_of(FRIDAY, *before, *slipped) == "2026-03-11"
    assert due_of(FRIDAY, *before, *slipped, *after) == "2026-03-12"


# --- overdue


def test_due_friday_asked_on_thursday_and_waiting_on_monday_is_not_overdue() -> None:
    dossier = folded(FRIDAY, *supplement("2026-03-05 10:00"))
    for now in ("2026-03-09 09:00", "2026-12-31 09:00"):
        assert verdict(dossier, at(now)) == "not_due"


def test_due_friday_and_asked_on_the_following_monday_is_overdue() -> None:
    dossier = folded(FRIDAY, *supplement("2026-03-09 08:00"))
    assert verdict(dossier, at("2026-03-09 09:00")) == "overdue"


def test_after_the_pause_a_dossier_is_overdue_from_the_moved_date_on() -> None:
    dossier = folded(FRIDAY, *supplement("2026-03-05 10:00", "2026-03-09 10:00"))
    assert slip(dossier.clock.due) == "2026-03-10"
    assert verdict(dossier, at("2026-03-10 23:59:59.999999")) == "not_due"
    assert verdict(dossier, at("2026-03-11 00:00")) == "overdue"


def test_equality_with_the_due_instant_is_not_overdue() -> None:
    dossier = folded(FRIDAY_AT_FOUR)
    assert verdict(dossier, at("2026-03-06 16:00")) == "not_due"
    assert verdict(dossier, at("2026-03-06 16:00:00.000001")) == "overdue"


def test_a_pause_that_moves_nothing_still_keeps_a_dossier_from_being_overdue_while_it_lasts() -> None:
    due_on_saturday = received(due_at="2026-03-07T10:00:00+07:00")
    weekend = supplement("2026-03-07 09:00", "2026-03-08 20:00")
    dossier = folded(due_on_saturday, *weekend)
    assert slip(dossier.clock.due) == "2026-03-07 10:00:00"
    assert verdict(dossier, at("2026-03-08 12:00")) == "not_due"
    assert verdict(dossier, at("2026-03-08 20:01")) == "overdue"
    assert folded(due_on_saturday, *weekend, fact("processed", "2026-03-08 12:00")).outcome == "late"


def test_an_open_undated_dossier_is_undated_and_one_without_reception_has_no_verdict() -> None:
    assert verdict(folded(received()), at("2030-01-01 00:00")) == "undated"
    submitted = fact("submitted", "2026-03-02 09:00", unit="ward", procedure="1.000002")
    assert verdict(folded(submitted), at("2030-01-01 00:00")) is None
