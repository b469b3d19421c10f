"""The fold against the model, in memory: very many random dossiers."""

from datetime import UTC, datetime, time
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.directory.procedures import ProcedureRule
from app.directory.structure import Structure
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Fact, Policy
from app.dossiers.fold import fold
from app.dossiers.views import verdict
from app.worktime.calendar import plain
from tests.properties import model
from tests.properties.histories import CODES, PROCEDURES, UNITS, histories, moments
from tests.properties.model import Event

POLICY = Policy(
    calendar=plain(ZoneInfo("Asia/Ho_Chi_Minh")),
    cutoff=time(15),
    apology_days_before=1,
    units=Structure.of(UNITS),
    procedures={
        code: [ProcedureRule(value, unit, fee_stops_clock=rule.fee_stops_clock)]
        for code, rule in PROCEDURES.items()
        for value, unit in [rule.duration or (None, None)]
    },
)


def as_fact(event: Event) -> Fact:
    at = event.time.astimezone(UTC)
    return Fact(event.source, event.id, event.type, at, event.data, at)


def compare(events: list[Event], now: datetime) -> None:
    for code in CODES:
        own = [event for event in events if event.subject == code]
        told = fold(code, [as_fact(event) for event in own], POLICY)
        life = model.live(own, PROCEDURES)
        assert (told is None) == (life is None)
        if told is None or life is None:
            continue
        assert told.voided == life.voided
        assert {found.kind for found in told.findings} & model.FINDINGS == life.findings
        assert (told.ended_at, told.received_at) == (life.ended, life.received and life.received.time)
        if life.received:
            due = told.clock.due
            assert (told.unit, told.procedure) == (life.unit, life.procedure)
            assert (due and due.at) == (life.due and model.limit(life.due))
            assert (due and due.is_date) == (life.due and not isinstance(life.due, datetime))
            assert told.counted_at == life.counted
            assert verdict(told, now.astimezone(UTC)) == life.verdict(now)
            waits = {(wait.kind, wait.begin, wait.end) for wait in told.waits}
            assert waits == set(life.waits)


@settings(deadline=None, max_examples=100)
@given(histories(most=12), moments)
def test_any_dossier_is_folded_as_the_model_tells_it(events: list[Event], now: datetime) -> None:
    compare(events, now)


LIMITS = [None, None, "city", "ward", "other"]


def without_foreign(facts: list[Fact], told: Dossier) -> list[Fact]:
    """The facts but for those that are told to have no effect for want of power."""
    foreign = {(found.source, found.id) for found in told.findings if found.kind == "foreign_unit"}
    return [fact for fact in facts if (fact.source, fact.id) not in foreign]


@settings(deadline=None)
@given(histories(most=12), st.integers(0, 2**32).map(Random))
def test_a_fact_without_effect_for_want_of_power_equals_never_having_sent(
    events: list[Event], random: Random
) -> None:
    for code in CODES:
        own = [as_fact(event) for event in events if event.subject == code]
        facts = [fact._replace(unit_limit=random.choice(LIMITS)) for fact in own]
        told = fold(code, facts, POLICY)
        if told is None:
            continue
        rest = fold(code, without_foreign(facts, told), POLICY) or Dossier(code)
        # Findings name the very facts that are left out here: a retraction of a powerless one, say, loses its target.
        told.findings, rest.findings = [], []
        assert told == rest


@settings(deadline=None)
@given(histories(most=12))
def test_power_over_a_dossier_lies_where_the_fold_places_it_and_above(events: list[Event]) -> None:
    for code in CODES:
        facts = [as_fact(event) for event in events if event.subject == code]
        placed = fold(code, facts, POLICY)
        if placed is None or placed.unit is None:
            continue
        for limit in {*UNITS, placed.unit}:
            afterwards = datetime(2024, 5, 1, tzinfo=UTC)
            letter = Fact("/limited", "letter", "dossier.apology_issued", afterwards, {}, afterwards, limit)
            told = fold(code, [*facts, letter], POLICY)
            foreign = told is not None and any(found.kind == "foreign_unit" for found in told.findings)
            assert foreign is not POLICY.inside(limit, placed.unit, afterwards)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(deadline=None, max_examples=50_000)
@given(histories(most=20), moments)
def test_very_many_dossiers_are_folded_as_the_model_tells_them(events: list[Event], now: datetime) -> None:
    compare(events, now)
