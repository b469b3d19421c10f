"""The due date before any pause, and the judgement by it, by hand from the definition."""

from dataclasses import replace
from typing import Any

import pytest

from tests.dossiers.makers import POLICY, at, due_of, fact, folded, kinds, received, slip

DURATION = {"value": 3, "unit": "working_day"}


@pytest.mark.parametrize(
    ("told", "due"),
    [
        ({"due_at": "2026-03-12", "duration": DURATION, "procedure": "1.000002"}, "2026-03-12"),
        ({"duration": DURATION, "procedure": "1.000002"}, "2026-03-05"),
        ({"procedure": "1.000002"}, "2026-03-09"),
        ({"procedure": "1.000002.000.00.00.H61"}, "2026-03-09"),
        ({}, "2026-03-04"),
    ],
    ids=["the slip", "the event's duration", "the procedure's", "its published code", "a late event"],
)
def test_the_due_date_is_the_best_that_is_known(told: dict[str, Any], due: str) -> None:
    assert due_of(received(**told), fact("late", "2026-03-05 09:00", due_at="2026-03-04")) == due


def test_without_any_due_date_a_dossier_is_undated() -> None:
    dossier = folded(
        received(procedure="nobody knows it"),
        fact("late", "2026-03-05 09:00"),
        fact("rescheduled", "2026-03-05 10:00", due_at="2026-03-20"),
        fact("processed", "2026-03-06 09:00"),
    )
    assert (dossier.clock.due, dossier.outcome, dossier.apology_deadline) == (None, "undated", None)
    assert slip(dossier.due_current) == "2026-03-20"


@pytest.mark.parametrize(
    ("when", "value", "unit", "due"),
    [
        ("2026-03-02 09:00", 3, "working_day", "2026-03-05"),
        ("2026-03-02 15:00", 3, "working_day", "2026-03-05"),
        ("2026-03-02 15:00:00.000001", 3, "working_day", "2026-03-06"),
        ("2026-03-06 15:30", 1, "working_day", "2026-03-10"),
        ("2026-03-07 09:00", 1, "working_day", "2026-03-10"),
        ("2026-03-06 09:00", 1, "working_day", "2026-03-09"),
        ("2026-03-06 09:00", 3, "calendar_day", "2026-03-09"),
        ("2026-03-06 15:30", 3, "calendar_day", "2026-03-12"),
        ("2026-03-06 16:00", 8, "working_hour", "2026-03-09 16:00:00"),
        ("2026-03-07 09:00", 8, "working_hour", "2026-03-09 17:00:00"),
        ("2026-03-02 07:30", 4, "working_hour", "2026-03-02 11:30:00"),
        ("2026-03-02 12:00", 1, "working_hour", "2026-03-02 14:00:00"),
    ],
)
def test_durations_count_from_the_day_or_the_moment_of_reception(
    when: str, value: int, unit: str, due: str
) -> None:
    assert due_of(received(when, duration={"value": value, "unit": unit})) == due


def test_the_cut_off_is_a_setting() -> None:
    early = replace(POLICY, cutoff=at("2026-03-02 10:00").time())
    late = received("2026-03-02 10:30", duration=DURATION)
    assert due_of(late, policy=early) == "2026-03-06"


# --- judgement


@pytest.mark.parametrize(
    ("due", "end", "outcome"),
    [
        ("2026-03-06", "2026-03-05 23:59:59.999999", "early"),
        ("2026-03-06", "2026-03-06 00:00", "on_time"),
        ("2026-03-06", "2026-03-06 23:59:59.999999", "on_time"),
        ("2026-03-06", "2026-03-07 00:00", "late"),
        ("2026-03-06T10:00:00+07:00", "2026-03-06 00:30", "on_time"),
        ("2026-03-06T10:00:00+07:00", "2026-03-06 10:00", "on_time"),
        ("2026-03-06T10:00:00+07:00", "2026-03-06 10:00:00.000001", "late"),
        ("2026-03-06T03:00:00Z", "2026-03-06 10:00", "on_time"),
        ("2026-03-06T00:00:00+07:00", "2026-03-05 23:59:59.999999", "early"),
        ("2026-03-06T00:00:00+07:00", "2026-03-06 00:00", "on_time"),
        ("2026-03-05T23:30:00Z", "2026-03-05 23:00", "early"),
    ],
)
def test_the_end_of_work_is_judged_by_instant_and_early_by_local_date(
    due: str, end: str, outcome: str
) -> None:
    assert folded(received(due_at=due), fact("processed", end)).outcome == outcome


@pytest.mark.parametrize("kind", ["returned", "withdrawn", "stopped", "intake_refused"])
def test_every_end_is_judged_alike(kind: str) -> None:
    assert folded(received(due_at="2026-03-06"), fact(kind, "2026-03-07 00:00")).outcome == "late"


@pytest.mark.parametrize(
    ("end", "recorded", "only_in_data"),
    [
        ("2026-03-06 16:00", "2026-03-07 00:00", True),
        ("2026-03-06 16:00", "2026-03-06 23:59:59.999999", False),
        ("2026-03-09 16:00", "2026-03-10 00:00", False),
    ],
    ids=["told after the due date", "told by the due date", "late in fact"],
)
def test_late_only_in_the_data_is_in_time_but_told_late(
    end: str, recorded: str, *, only_in_data: bool
) -> None:
    dossier = folded(received(due_at="2026-03-06"), fact("processed", end, recorded=recorded))
    assert dossier.late_in_data_only is only_in_data


def test_undated_and_open_dossiers_are_never_late_in_data() -> None:
    undated = folded(received(), fact("processed", "2026-03-06 16:00", recorded="2026-06-01 09:00"))
    running = folded(received(due_at="2026-03-06", recorded="2026-06-01 09:00"))
    assert not undated.late_in_data_only
    assert not running.late_in_data_only


def test_the_sources_own_verdict_is_a_finding_where_ours_differs() -> None:
    base = received(due_at="2026-03-06")
    late = fact("late", "2026-03-09 09:00")
    assert "source_verdict_differs" in kinds(folded(base, fact("processed", "2026-03-06 09:00"), late))
    assert "source_verdict_differs" not in kinds(folded(base, fact("processed", "2026-03-09 08:00"), late))
    other = fact("late", "2026-03-09 09:00", due_at="2026-03-05")
    assert "source_verdict_differs" in kinds(folded(base, fact("processed", "2026-03-09 08:00"), other))
