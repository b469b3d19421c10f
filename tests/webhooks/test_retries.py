"""The schedule of the contract, its jitter, and what a receiver may ask for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Settings
from app.webhooks.retries import LONGEST_RETRY_AFTER, next_attempt

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SCHEDULE = [5.0, 300.0, 1800.0]


def _wait(
    failed: int, *, spread: float = 0, jitter: float = 0.2, retry_after: str | None = None
) -> float | None:
    at = next_attempt(
        failed=failed, now=NOW, schedule=SCHEDULE, jitter=jitter, spread=spread, retry_after=retry_after
    )
    return None if at is None else (at - NOW).total_seconds()


def test_the_default_schedule_is_the_one_of_the_contract() -> None:
    settings = Settings(_env_file=None)
    hours = [round(wait / 3600, 4) for wait in settings.webhook_retry_schedule]
    assert hours == [0.0014, 0.0833, 0.5, 2, 5, 10, 14, 20, 24]
    assert settings.webhook_retry_jitter == 0.2


def test_waits_follow_the_schedule_and_end_with_it() -> None:
    assert [_wait(failed) for failed in (1, 2, 3, 4, 99)] == [5, 300, 1800, None, None]


def test_no_schedule_means_one_attempt() -> None:
    only = next_attempt(failed=1, now=NOW, schedule=[], jitter=0, spread=0, retry_after="9")
    assert only is None


@hypothesis.settings(deadline=None)  # of the machine's load, not of the rule
@given(st.floats(-1, 1), st.integers(1, 3))
def test_jitter_stays_within_its_share(spread: float, failed: int) -> None:
    wait = _wait(failed, spread=spread)
    assert wait is not None
    assert abs(wait / SCHEDULE[failed - 1] - 1) <= 0.2 + 1e-6


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("60", 60),
        (" 60 ", 60),
        ("1", 5),  # never earlier than the schedule
        ("0", 5),
        ("86400", 86400),
        ("86401", 86400),  # never later than a day
        ("9" * 400, 86400),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Mon, 02 Mar 2026 08:02:00 -0000", 120),
        (format_datetime(NOW - timedelta(days=9), usegmt=True), 5),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("", 5),
        ("soon", 5),
        ("-5", 5),
        ("1.5", 5),
        ("٦٠", 5),
        ("Mon, 99 Mar 2026 08:02:00 GMT", 5),
        (None, 5),
    ],
)
def test_retry_after_puts_the_attempt_off_by_a_day_at_most(asked: str | None, wait: float) -> None:
    assert _wait(1, retry_after=asked) == wait


@hypothesis.settings(deadline=None)  # of the machine's load, not of the rule
@given(st.text())
def test_no_header_breaks_the_schedule(asked: str) -> None:
    wait = _wait(1, retry_after=asked)
    assert wait is not None
    assert 5 <= wait <= LONGEST_RETRY_AFTER.total_seconds()
