from dataclasses import replace

import pytest

from app.directory.procedures import ProcedureRule
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Fact
from app.dossiers.row import row
from tests.dossiers.makers import POLICY, at, fact, folded, received, slip

FRIDAY = received(due_at="2026-03-06")
DESCRIBED = replace(
    POLICY,
    procedures={
        "1.000001": [
            ProcedureRule(
                sector="land",
                service_level="partial",
                fee_required=True,
                full_eligible=True,
                document_result=False,
            )
        ]
    },
)


def hours(dossier: Dossier) -> float:
    assert dossier.processing is not None
    return dossier.processing.total_seconds() / 3600


def test_what_the_events_do_not_say_the_procedure_says_and_without_one_it_is_unknown() -> None:
    told = folded(received(service_level="full", fee_required=False), policy=DESCRIBED)
    assert (told.service_level, told.fee_bearing) == ("full", False)
    silent = folded(received(), policy=DESCRIBED)
    assert (silent.service_level, silent.fee_bearing, silent.sector) == ("partial", True, "land")
    assert (silent.full_eligible, silent.document_result) == (True, False)
    unknown = folded(received(procedure="1.999999"), policy=DESCRIBED)
    assert (unknown.service_level, unknown.fee_bearing, unknown.sector) == (None, None, None)


@pytest.mark.parametrize(
    ("facts", "bears"),
    [
        ([fact("fee_requested", "2026-03-03 09:00", amount=0)], False),
        ([fact("fee_requested", "2026-03-03 09:00", amount=0), fact("paid_online", "2026-03-03 10:00", amount=1)], True),
        ([fact("paid_in_person", "2026-03-03 10:00")], True),
    ],
    ids=["every amount is 0", "an amount was paid", "no amount is told: as the procedure"],
)  # fmt: skip
def test_amounts_say_whether_a_dossier_bears_a_fee(facts: list[Fact], *, bears: bool) -> None:
    assert folded(FRIDAY, *facts, policy=DESCRIBED).fee_bearing is bears


def test_every_online_payment_is_kept_and_the_first_is_told() -> None:
    dossier = folded(FRIDAY, fact("paid_online", "2026-03-04 09:00"), fact("paid_online", "2026-03-03 09:00"))
    assert dossier.online_payments == [at("2026-03-03 09:00"), at("2026-03-04 09:00")]
    assert row(dossier)["paid_online_at"] == at("2026-03-03 09:00")


SUBMITTED = fact("submitted", "2026-03-02 14:00", unit="ward", procedure="1.000001")


def test_an_online_submission_must_be_answered_within_eight_working_hours() -> None:
    dossier = folded(SUBMITTED, received("2026-03-03 14:00"))
    assert (dossier.intake_deadline, dossier.intake_answered_at) == (
        at("2026-03-03 14:00"),
        at("2026-03-03 14:00"),
    )
    assert folded(FRIDAY).intake_deadline is None


@pytest.mark.parametrize(
    ("left", "owed"),
    [("2026-03-03 14:00", False), ("2026-03-03 14:01", True)],
    ids=["within the limit", "after it"],
)
def test_nothing_is_owed_to_who_withdrew_within_the_limit(left: str, *, owed: bool) -> None:
    assert (folded(SUBMITTED, fact("withdrawn", left)).intake_deadline is not None) is owed


def test_who_was_answered_before_withdrawing_stays_in_the_figure() -> None:
    dossier = folded(SUBMITTED, received("2026-03-02 15:00"), fact("withdrawn", "2026-03-02 16:00"))
    assert dossier.intake_deadline == at("2026-03-03 14:00")


def test_the_portal_moves_the_due_date_by_supplement_pauses_only() -> None:
    fee = received(procedure="1.000003", due_at="2026-03-06")
    waits = [fact("fee_requested", "2026-03-03 07:30"), fact("paid_online", "2026-03-04 07:30")]
    asked = [fact("supplement_requested", "2026-03-04 07:30"), fact("supplemented", "2026-03-05 07:30")]
    dossier = folded(fee, *waits, *asked)
    assert (slip(dossier.clock.due), slip(dossier.portal_clock.due)) == ("2026-03-10", "2026-03-09")


def test_waits_since_the_second_request_are_told_apart_for_the_portal() -> None:
    first = [fact("supplement_requested", "2026-03-03 09:00"), fact("supplemented", "2026-03-03 10:00")]
    assert folded(FRIDAY, *first).repeat_waits == []
    second = fact("supplement_requested", "2026-03-04 09:00")
    (wait,) = folded(FRIDAY, *first, second).repeat_waits
    assert (wait.begin, wait.end) == (at("2026-03-04 09:00"), None)


def test_a_second_request_inside_a_wait_begins_the_repeated_one_there() -> None:
    asked = [
        fact("supplement_requested", "2026-03-03 09:00"),
        fact("supplement_requested", "2026-03-03 11:00"),
    ]
    (wait,) = folded(FRIDAY, *asked, fact("supplemented", "2026-03-04 09:00")).repeat_waits
    assert (wait.begin, wait.end) == (at("2026-03-03 11:00"), at("2026-03-04 09:00"))


def test_requests_before_the_reception_are_not_counted_by_the_portal() -> None:
    asked = [
        fact("supplement_requested", "2026-03-02 08:00"),
        fact("supplement_requested", "2026-03-03 09:00"),
    ]
    assert folded(FRIDAY, *asked).repeat_waits == []


def test_the_time_a_dossier_took_is_working_time_net_of_pauses_that_count() -> None:
    end = fact("processed", "2026-03-04 09:00")
    assert hours(folded(FRIDAY, end)) == 16
    pause = [fact("supplement_requested", "2026-03-02 13:00"), fact("supplemented", "2026-03-03 07:30")]
    assert hours(folded(FRIDAY, *pause, end)) == 12
    assert hours(folded(FRIDAY, pause[0], end)) == 2.5  # the end of work ends the pause
    late = received(due_at="2026-03-02T10:00:00+07:00")
    assert hours(folded(late, *pause, end)) == 16  # a pause begun after the due date changes nothing


def test_no_time_is_told_for_what_was_stopped_or_withdrawn_or_is_open() -> None:
    assert folded(FRIDAY, fact("withdrawn", "2026-03-04 09:00")).processing is None
    assert folded(FRIDAY).processing is None
