from fractions import Fraction

from app.metrics.balances import percent, residuals

BALANCED = {
    "received": 30,
    "carried_over": 5,
    "resolved": 20,
    "resolved_early": 12,
    "resolved_on_time": 5,
    "resolved_late": 3,
    "in_progress": 15,
    "in_progress_not_due": 11,
    "in_progress_overdue": 4,
}


def test_a_table_that_balances_is_accepted() -> None:
    found = residuals(BALANCED)
    assert list(found) == [
        "received + carried_over = resolved + in_progress",
        "resolved = resolved_early + resolved_on_time + resolved_late + resolved_undated",
        "in_progress = in_progress_not_due + in_progress_overdue",
    ]
    assert set(found.values()) == {0}


def test_what_does_not_balance_is_named_with_its_residual() -> None:
    found = residuals(BALANCED | {"in_progress": 14, "resolved_undated": 2})
    assert found == {
        "received + carried_over = resolved + in_progress": 1,
        "resolved = resolved_early + resolved_on_time + resolved_late + resolved_undated": -2,
        "in_progress = in_progress_not_due + in_progress_overdue": -1,
    }


def test_what_a_table_does_not_tell_is_not_held_against_it() -> None:
    assert residuals({"received": 7, "resolved": 5}) == {}
    assert residuals({"due": 10, "due_kept": 9, "due_missed": 1}) == {"due = due_kept + due_missed": 0}


def test_percents_are_rounded_half_up_once() -> None:
    assert percent(1, 8, 1) == Fraction(125, 10)
    assert percent(1, 16, 1) == Fraction(63, 10)
    assert percent(0, 0, 2) is None
