"""Identifiers that sort by the time they were made.

It knows RFC 9562 and nothing of what is identified.
"""

import secrets
import uuid
from datetime import datetime


def uuid7(now: datetime) -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7) of this instant, so that an index over it grows at one end."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
