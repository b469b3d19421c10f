"""Reception, end of work, unit and order of folding, by hand from the definition of a dossier's life."""

from itertools import permutations
from typing import Any

import pytest

from app.dossiers.facts import Fact
from app.dossiers.fold import fold
from app.dossiers.row import row
from tests.dossiers.makers import POLICY, at, everything, fact, folded, kinds, named, received, slip

# --- one reception, one end


def test_the_earliest_reception_counts_and_a_second_is_a_finding() -> None:
    second = received("2026-03-03 09:00", unit="other", channel="post", due_at="2026-03-20")
    dossier = folded(second, received(due_at="2026-03-06"))
    assert (dossier.received_at, dossier.unit, dossier.channel) == (at("2026-03-02 09:00"), "ward", "counter")
    assert slip(dossier.clock.due) == "2026-03-06"
    assert named(dossier, "second_reception") == [second.id]


def test_processed_is_the_end_of_work_whatever_else_happened_before_it() -> None:
    dossier = folded(
        received(),
        fact("stopped", "2026-03-03 09:00"),
        fact("returned", "2026-03-04 09:00"),
        fact("processed", "2026-03-05 09:00"),
    )
    assert (dossier.end_kind, dossier.ended_at) == ("processed", at("2026-03-05 09:00"))


def test_returned_is_the_end_of_work_when_nothing_says_processed() -> None:
    dossier = folded(received(), fact("withdrawn", "2026-03-03 09:00"), fact("returned", "2026-03-04 09:00"))
    assert (dossier.end_kind, dossier.ended_at) == ("returned", at("2026-03-04 09:00"))


@pytest.mark.parametrize("first", ["stopped", "withdrawn", "intake_refused"])
@pytest.mark.parametrize("second", ["stopped", "withdrawn", "intake_refused"])
def test_without_a_result_the_first_closing_is_the_end(first: str, second: str) -> None:
    dossier = folded(
        received(),
        fact(second, "2026-03-05 09:00", id="later"),
        fact(first, "2026-03-04 09:00", id="sooner"),
    )
    assert (dossier.end_kind, dossier.ended_at) == (first, at("2026-03-04 09:00"))


@pytest.mark.parametrize("kind", ["processed", "returned"])
def test_the_first_of_two_results_is_the_end(kind: str) -> None:
    dossier = folded(received(), fact(kind, "2026-03-09 09:00"), fact(kind, "2026-03-05 09:00"))
    assert dossier.ended_at == at("2026-03-05 09:00")


@pytest.mark.parametrize("kind", ["stopped", "withdrawn", "intake_refused"])
def test_a_closing_before_the_reception_does_not_end_what_is_received_afterwards(kind: str) -> None:
    dossier = folded(fact(kind, "2026-03-02 08:59"), received())
    assert (dossier.ended_at, dossier.end_kind) == (None, None)
    assert "closed_before_reception" in kinds(dossier)


def test_a_closing_after_the_reception_counts_although_there_was_one_before() -> None:
    dossier = folded(fact("withdrawn", "2026-03-02 08:00"), received(), fact("stopped", "2026-03-04 09:00"))
    assert dossier.end_kind == "stopped"


@pytest.mark.parametrize("kind", ["withdrawn", "intake_refused"])
def test_what_closed_before_any_reception_is_judged_in_no_way(kind: str) -> None:
    submitted = fact("submitted", "2026-03-02 09:00", unit="ward", procedure="1.000002")
    dossier = folded(submitted, fact(kind, "2026-03-03 09:00"))
    assert (dossier.received_at, dossier.outcome, dossier.clock.due) == (None, None, None)


def test_a_citizen_who_collects_late_does_not_make_a_dossier_late() -> None:
    dossier = folded(
        received(due_at="2026-03-06"),
        fact("processed", "2026-03-06 16:00"),
        fact("returned", "2026-04-20 09:00"),
    )
    assert (dossier.outcome, dossier.returned_at) == ("on_time", at("2026-04-20 09:00"))


def test_an_end_before_the_reception_is_a_finding_and_counts_at_the_reception() -> None:
    end = fact("processed", "2026-02-27 10:00")
    dossier = folded(end, received(due_at="2026-03-06"))
    assert dossier.ended_at == at("2026-02-27 10:00")
    assert dossier.counted_at == dossier.received_at == at("2026-03-02 09:00")
    assert named(dossier, "end_before_reception") == [end.id]
    assert dossier.outcome == "early"


def test_an_end_at_the_instant_of_the_reception_is_no_finding() -> None:
    dossier = folded(received(due_at="2026-03-06"), fact("processed", "2026-03-02 09:00"))
    assert "end_before_reception" not in kinds(dossier)
    assert dossier.counted_at == at("2026-03-02 09:00")


def test_without_a_reception_a_result_is_a_finding_and_no_verdict() -> None:
    dossier = folded(fact("processed", "2026-03-05 09:00"))
    assert (dossier.received_at, dossier.outcome) == (None, None)
    assert "no_reception" in kinds(dossier)


# --- transfers and units


def test_a_dossier_belongs_to_the_unit_accountable_at_its_end_of_work() -> None:
    moves = [
        fact("transferred", "2026-03-03 09:00", unit="city"),
        fact("transferred", "2026-03-04 09:00", unit="other"),
    ]
    assert folded(received(), *moves).unit == "other"
    end = fact("processed", "2026-03-03 10:00")
    dossier = folded(received(), end, *moves, fact("returned", "2026-03-05 09:00"))
    assert dossier.unit == "city"
    assert named(dossier, "after_end") == [moves[1].id]
    assert [(stay.unit, stay.since, stay.until) for stay in dossier.stays] == [
        ("ward", at("2026-03-02 09:00"), at("2026-03-03 09:00")),
        ("city", at("2026-03-03 09:00"), at("2026-03-03 10:00")),
    ]


def test_a_transfer_at_the_very_instant_of_the_end_still_counts() -> None:
    end, move = fact("processed", "2026-03-04 09:00"), fact("transferred", "2026-03-04 09:00", unit="other")
    assert folded(received(), end, move).unit == "other"


def test_intake_belongs_to_the_unit_it_was_submitted_to_and_the_work_to_the_one_that_received_it() -> None:
    submitted = fact("submitted", "2026-02-27 09:00", unit="city", procedure="1.000001")
    early = fact("transferred", "2026-03-01 09:00", unit="other")
    dossier = folded(received(), submitted, early)
    assert (dossier.submitted_unit, dossier.unit) == ("city", "ward")
    assert dossier.submitted_at == at("2026-02-27 09:00")
    assert folded(submitted).submitted_unit == "city"


def test_units_and_procedures_that_nobody_described_are_findings_not_errors() -> None:
    dossier = folded(received(unit="X", procedure="Y"))
    assert {"unknown_unit", "unknown_procedure"} <= kinds(dossier)
    assert (dossier.unit, dossier.procedure) == ("X", "Y")
    assert not kinds(folded(received()))


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("received", "2026-03-02 09:00"), ("intake_refused", None), ("supplement_requested", None)],
)
def test_an_online_submission_is_answered_by_reception_refusal_or_a_request(
    kind: str, answer: str | None
) -> None:
    submitted = fact("submitted", "2026-02-27 09:00", unit="ward", procedure="1.000001")
    when = answer or "2026-02-27 15:00"
    made = received() if kind == "received" else fact(kind, when)
    dossier = folded(submitted, made, fact("withdrawn", "2026-02-27 10:00"))
    assert dossier.intake_answered_at == at(when)


@pytest.mark.parametrize(
    ("told", "amounts", "bears"),
    [
        ({}, [], None),
        ({"fee_required": True}, [], True),
        ({"fee_required": True}, [0], True),
        ({"fee_required": False}, [], False),
        ({"fee_required": False}, [0, 10_000], True),
        ({}, [0], False),
        ({}, [0, 0.5], True),
        ({}, [None], None),
    ],
)
def test_a_dossier_bears_a_fee_as_its_events_say(
    told: dict[str, Any],
    amounts: list[float | None],
    bears: bool | None,  # noqa: FBT001 - an expected value
) -> None:
    asked = [
        fact("fee_requested", f"2026-03-03 09:0{n}", **({} if amount is None else {"amount": amount}))
        for n, amount in enumerate(amounts)
    ]
    assert folded(received(procedure="unknown", **told), *asked).fee_bearing is bears


# --- leaving every figure


def test_a_voided_dossier_is_marked_whenever_that_was_told() -> None:
    for when in ("2026-02-01 09:00", "2026-03-20 09:00"):
        dossier = folded(
            received(), fact("processed", "2026-03-05 09:00"), fact("voided", when, reason="mistake")
        )
        assert dossier.voided
        assert row(dossier)["state"] == "voided"


# --- order of folding


def test_any_order_of_arrival_gives_the_same_dossier() -> None:
    facts = [
        received(due_at="2026-03-06T10:00:00+07:00", procedure="1.000003"),
        fact("supplement_requested", "2026-03-03 09:00"),
        fact("fee_requested", "2026-03-03 10:00"),
        fact("paid_online", "2026-03-03 14:00"),
        fact("supplemented", "2026-03-04 09:00"),
        fact("transferred", "2026-03-04 09:00", unit="other"),
        fact("processed", "2026-03-09 09:00"),
    ]
    assert len(everything(folded(*order) for order in permutations(facts))) == 1


def test_facts_of_one_instant_fold_by_the_place_of_their_type_then_source_then_id() -> None:
    def moved(unit: str, source: str, id_: str) -> Fact:
        return fact("transferred", "2026-03-03 09:00", unit=unit, source=source, id=id_)

    by_source = [moved("first", "/a", "9"), moved("last", "/b", "1")]
    by_id = [moved("first", "/a", "1"), moved("last", "/a", "2")]
    for moves in (by_source, by_id):
        for order in permutations([received(), *moves]):
            assert folded(*order).unit == "last"
    twins = [received(source="/b", unit="other", id="1"), received(source="/a", unit="city", id="2")]
    assert folded(*twins).unit == folded(*reversed(twins)).unit == "city"


def test_a_request_and_its_answer_at_one_instant_pause_nothing() -> None:
    pair = [fact("supplemented", "2026-03-03 09:00"), fact("supplement_requested", "2026-03-03 09:00")]
    dossier = folded(received(due_at="2026-03-06"), *pair)
    assert slip(dossier.clock.due) == "2026-03-06"
    assert row(dossier)["state"] == "in_progress"


def test_no_fact_makes_no_dossier() -> None:
    assert fold("H10-1", [], POLICY) is None
