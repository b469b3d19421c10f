"""What does not stand: facts that were taken back, and facts sent by a key that may not act on the dossier."""

from itertools import permutations

import pytest

from app.dossiers.facts import Fact
from app.dossiers.fold import fold
from app.dossiers.row import row
from tests.dossiers.makers import POLICY, everything, fact, folded, kinds, named, received, slip

DONE = fact("processed", "2026-03-05 09:00", id="done")
FRIDAY = received(due_at="2026-03-06")


def taken_back(event_id: str, when: str = "2026-03-10 09:00", **more: str) -> Fact:
    told = {name: more.pop(name) for name in ("event_source",) if name in more}
    return fact("event.retracted", when, event_id=event_id, reason="by mistake", **told, **more)


# --- retraction


@pytest.mark.parametrize("when", ["2026-03-01 09:00", "2026-03-05 09:00", "2026-03-10 09:00"])
def test_a_retraction_equals_never_having_sent_whenever_it_happened_or_arrived(when: str) -> None:
    facts = [FRIDAY, DONE, taken_back("done", when)]
    dossiers = [folded(*order) for order in permutations(facts)]
    assert everything(dossiers) == everything([folded(FRIDAY)])


def test_a_retracted_reception_leaves_the_next_one() -> None:
    second = received("2026-03-03 09:00", unit="other", due_at="2026-03-20")
    dossier = folded(FRIDAY, second, taken_back(FRIDAY.id))
    assert everything([dossier]) == everything([folded(second)])


def test_a_dossier_whose_only_fact_was_taken_back_does_not_exist() -> None:
    assert fold("H10-1", [DONE, taken_back("done")], POLICY) is None


def test_a_voiding_can_be_taken_back() -> None:
    voided = fact("voided", "2026-03-05 09:00", id="v", reason="mistake")
    assert not folded(FRIDAY, voided, taken_back("v")).voided


def test_a_retraction_names_its_own_source_unless_told_another() -> None:
    elsewhere = fact("processed", "2026-03-05 09:00", id="done", source="/portal")
    missed = folded(FRIDAY, elsewhere, taken_back("done"))
    assert missed.end_kind == "processed"
    assert "retraction_without_target" in kinds(missed)
    hit = folded(FRIDAY, elsewhere, taken_back("done", event_source="/portal"))
    assert everything([hit]) == everything([folded(FRIDAY)])


def test_a_retraction_that_hits_nothing_is_a_finding() -> None:
    dossier = folded(FRIDAY, taken_back("unheard of", id="r"))
    assert named(dossier, "retraction_without_target") == ["r"]


def test_a_retraction_cannot_be_retracted() -> None:
    first, second = taken_back("done", id="r1"), taken_back("r1", id="r2")
    for order in permutations([FRIDAY, DONE, first, second]):
        dossier = folded(*order)
        assert dossier.end_kind is None
        assert named(dossier, "retraction_of_retraction") == ["r2"]


def test_a_retraction_cannot_take_itself_back() -> None:
    dossier = folded(FRIDAY, taken_back("r", id="r"))
    assert "retraction_of_retraction" in kinds(dossier)


def test_retracting_twice_is_retracting_once() -> None:
    twice = [taken_back("done", id="r1"), taken_back("done", id="r2")]
    assert everything([folded(FRIDAY, DONE, *twice)]) == everything([folded(FRIDAY)])


# --- keys that are limited to a unit


def test_a_limited_key_acts_inside_its_unit_and_all_below_it() -> None:
    dossier = folded(
        received(due_at="2026-03-06", unit_limit="city"),
        fact("transferred", "2026-03-03 09:00", unit="city", unit_limit="city"),
        fact("processed", "2026-03-05 09:00", unit_limit="city"),
    )
    assert (dossier.unit, dossier.end_kind, kinds(dossier)) == ("city", "processed", set())


def test_a_limit_to_a_unit_that_nobody_described_still_holds_for_that_unit() -> None:
    dossier = folded(
        received(unit="X", unit_limit="X"), fact("processed", "2026-03-05 09:00", unit_limit="X")
    )
    assert dossier.end_kind == "processed"
    assert "foreign_unit" not in kinds(dossier)


@pytest.mark.parametrize("kind", ["processed", "supplement_requested", "withdrawn", "apology_issued"])
def test_a_fact_on_a_foreign_dossier_has_no_effect_and_is_a_finding(kind: str) -> None:
    foreign = fact(kind, "2026-03-05 09:00", id="f", unit_limit="other")
    dossier = folded(FRIDAY, foreign)
    assert named(dossier, "foreign_unit") == ["f"]
    assert row(dossier) == row(folded(FRIDAY)) | {"findings": ["foreign_unit"]}


def test_a_limited_key_does_not_void_what_is_not_its_own() -> None:
    dossier = folded(FRIDAY, fact("voided", "2026-03-01 09:00", reason="x", unit_limit="other"))
    assert not dossier.voided
    assert "foreign_unit" in kinds(dossier)


def test_a_unit_below_has_no_power_over_the_unit_above() -> None:
    above = received(unit="city", due_at="2026-03-06")
    assert folded(above, fact("processed", "2026-03-05 09:00", unit_limit="ward")).end_kind is None


def test_a_limited_key_cannot_receive_or_send_a_dossier_outside_its_limit() -> None:
    dossier = folded(received(unit_limit="other", id="f"))
    assert (dossier.received_at, named(dossier, "foreign_unit")) == (None, ["f"])
    sent_away = fact("transferred", "2026-03-03 09:00", unit="other", unit_limit="city")
    assert folded(FRIDAY, sent_away).unit == "ward"


def test_a_dossier_that_left_the_limit_is_foreign_from_then_on() -> None:
    dossier = folded(
        received(due_at="2026-03-06", unit_limit="ward"),
        fact("transferred", "2026-03-03 09:00", unit="other"),
        fact("processed", "2026-03-04 09:00", id="f", unit_limit="ward"),
    )
    assert (dossier.unit, dossier.end_kind, slip(dossier.clock.due)) == ("other", None, "2026-03-06")
    assert named(dossier, "foreign_unit") == ["f"]


def test_a_dossier_that_came_in_can_be_acted_on() -> None:
    dossier = folded(
        received(unit="other", due_at="2026-03-06"),
        fact("transferred", "2026-03-03 09:00", unit="ward"),
        fact("processed", "2026-03-04 09:00", unit_limit="ward"),
    )
    assert dossier.end_kind == "processed"


def test_a_fact_of_a_limited_key_on_a_dossier_at_no_unit_has_no_effect() -> None:
    dossier = folded(fact("processed", "2026-03-04 09:00", id="f", unit_limit="ward"))
    assert (dossier.ended_at, named(dossier, "foreign_unit")) == (None, ["f"])


def test_a_second_reception_elsewhere_takes_no_power_from_the_unit_that_has_the_dossier() -> None:
    second = received("2026-03-03 09:00", unit="other")
    dossier = folded(FRIDAY, second, fact("processed", "2026-03-04 09:00", unit_limit="ward"))
    assert (dossier.unit, dossier.end_kind) == ("ward", "processed")


def test_a_transfer_after_the_end_takes_no_power_from_the_unit_that_ended_the_work() -> None:
    dossier = folded(
        FRIDAY,
        fact("processed", "2026-03-09 09:00"),
        fact("transferred", "2026-03-10 09:00", unit="other"),
        fact("apology_issued", "2026-03-11 09:00", unit_limit="ward"),
    )
    assert dossier.unit == "ward"
    assert dossier.apology_at is not None


def test_a_withdrawal_before_the_reception_ends_nothing_for_a_limited_key_either() -> None:
    dossier = folded(
        fact("withdrawn", "2026-02-27 09:00"),
        FRIDAY,
        fact("transferred", "2026-03-03 09:00", unit="other"),
        fact("stopped", "2026-03-04 09:00", unit_limit="other"),
    )
    assert (dossier.unit, dossier.end_kind) == ("other", "stopped")


@pytest.mark.parametrize("kind", ["returned", "stopped", "withdrawn"])
def test_what_only_looked_like_the_end_takes_no_power_from_the_unit_that_got_the_dossier_then(
    kind: str,
) -> None:
    dossier = folded(
        FRIDAY,
        fact(kind, "2026-03-03 09:00"),
        fact("transferred", "2026-03-04 09:00", unit="other"),
        fact("processed", "2026-03-09 09:00"),
        fact("apology_issued", "2026-03-10 09:00", unit_limit="other"),
    )
    assert (dossier.unit, dossier.end_kind) == ("other", "processed")
    assert dossier.apology_at is not None
    assert "foreign_unit" not in kinds(dossier)


def test_a_foreign_end_without_effect_does_not_move_the_end_for_others() -> None:
    dossier = folded(
        FRIDAY,
        fact("processed", "2026-03-04 09:00", unit_limit="other"),
        fact("returned", "2026-03-09 09:00"),
        fact("transferred", "2026-03-10 09:00", unit="other"),
        fact("apology_issued", "2026-03-11 09:00", unit_limit="ward"),
    )
    assert (dossier.unit, dossier.end_kind) == ("ward", "returned")
    assert dossier.apology_at is not None


def test_a_later_foreign_end_without_effect_takes_no_power_from_who_acted_before_it() -> None:
    dossier = folded(
        FRIDAY,
        fact("returned", "2026-03-03 09:00"),
        fact("transferred", "2026-03-04 09:00", unit="other"),
        fact("apology_issued", "2026-03-05 09:00", unit_limit="ward"),
        fact("processed", "2026-03-09 09:00", id="f", unit_limit="office"),
    )
    assert (dossier.unit, dossier.end_kind, named(dossier, "foreign_unit")) == ("ward", "returned", ["f"])
    assert dossier.apology_at is not None


def test_an_end_that_would_take_its_own_power_away_has_no_effect() -> None:
    dossier = folded(
        FRIDAY,
        fact("returned", "2026-03-03 09:00"),
        fact("transferred", "2026-03-04 09:00", unit="other"),
        fact("processed", "2026-03-09 09:00", id="f", unit_limit="ward"),
    )
    assert (dossier.unit, dossier.end_kind, named(dossier, "foreign_unit")) == ("ward", "returned", ["f"])


def test_without_a_reception_power_lies_where_the_dossier_was_submitted_until_it_ended() -> None:
    dossier = folded(
        fact("submitted", "2026-03-02 09:00", unit="ward", procedure="1.000001"),
        fact("withdrawn", "2026-03-03 09:00"),
        fact("transferred", "2026-03-04 09:00", unit="other"),
        fact("apology_issued", "2026-03-05 09:00", unit_limit="ward"),
    )
    assert dossier.unit == "ward"
    assert dossier.apology_at is not None


def test_a_dossier_known_only_by_its_moves_is_where_the_last_one_took_it() -> None:
    dossier = folded(
        fact("transferred", "2026-03-02 09:00", unit="ward"),
        fact("transferred", "2026-03-03 09:00", unit="other"),
        fact("apology_issued", "2026-03-05 09:00", unit_limit="other"),
    )
    assert dossier.unit == "other"
    assert dossier.apology_at is not None


def test_a_limited_key_does_not_take_a_foreign_dossier_over_by_an_earlier_reception() -> None:
    seized = received("2026-03-01 09:00", unit="other", due_at="2099-01-01", id="f", unit_limit="other")
    dossier = folded(FRIDAY, seized)
    assert (dossier.unit, slip(dossier.clock.due)) == ("ward", "2026-03-06")
    assert named(dossier, "foreign_unit") == ["f"]


def test_a_limited_key_takes_back_its_own_facts_on_its_own_dossiers_only() -> None:
    own = [
        received(due_at="2026-03-06", unit_limit="ward"),
        fact("processed", "2026-03-05 09:00", id="done", unit_limit="ward"),
    ]
    assert folded(*own, taken_back("done", unit_limit="ward")).end_kind is None
    foreign = folded(*own, taken_back("done", id="r", unit_limit="other"))
    assert (foreign.end_kind, named(foreign, "foreign_unit")) == ("processed", ["r"])


def test_a_foreign_fact_without_effect_keeps_nobody_from_taking_back_their_own() -> None:
    own = [
        received(due_at="2026-03-06", unit_limit="ward"),
        fact("processed", "2026-03-05 09:00", id="done", unit_limit="ward"),
    ]
    foreign = fact("transferred", "2026-03-03 09:00", unit="other", unit_limit="other")
    dossier = folded(*own, foreign, taken_back("done", unit_limit="ward"))
    assert dossier.end_kind is None
