"""When a delivery that failed is tried again: the schedule, its jitter, and what the receiver asked for.

Pure; what counts as a failure, and when an endpoint is given up, is not its business.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_RETRY_AFTER: Final = timedelta(days=1)
"""A receiver may put an attempt off by at most this, so that a wrong header does not silence an endpoint."""

_MAX_DIGITS: Final = 9


def next_attempt(
    *,
    failed: int,
    now: datetime,
    schedule: Sequence[float],
    jitter: float,
    spread: float,
    retry_after: str | None,
) -> datetime | None:
    """The instant of the attempt that follows `failed` failed ones, or None when the schedule is used up.

    `schedule` is in seconds; the wait varies by the share `jitter`, and `spread` in [-1, 1] says where in that range it
    falls. `Retry-After` (RFC 9110 §10.2.3: seconds or a date) can only put the attempt off, by a day at most.
    """
    if failed > len(schedule):
        return None
    scheduled = now + timedelta(seconds=schedule[failed - 1] * (1 + jitter * spread))
    asked = _asked(retry_after, now)
    return scheduled if asked is None else max(scheduled, min(asked, now + LONGEST_RETRY_AFTER))


def _asked(retry_after: str | None, now: datetime) -> datetime | None:
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return now + timedelta(seconds=int(text[:_MAX_DIGITS]))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
