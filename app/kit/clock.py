"""The present instant, as a value that can be handed in.

Whoever needs the time takes a `Clock`; nobody below this module asks the operating system for it.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present instant in UTC, in microseconds."""
    return datetime.now(UTC)
