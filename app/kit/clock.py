"""The present instant, and time that only passes, as values that can be handed in.

Whoever needs the time takes a `Clock`; nobody below this module asks the operating system for it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

_PASSING: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present instant in UTC, in microseconds."""
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds since some instant, on a clock that nobody sets; where the system has such a one, it also runs in its sleep."""
    return time.clock_gettime(_PASSING)
