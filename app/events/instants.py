"""Instants and days as people write them in JSON: RFC 3339 with an offset, or a bare local date.

Pure: it knows the forms and the years that are accepted, and no present time.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

EARLIEST: Final = 1900
LATEST: Final = 2200

_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def instant(text: str) -> datetime:
    """An RFC 3339 instant in UTC, to the microsecond (finer digits are cut off).

    Raises ValueError for another form, for a time without an offset, and outside of 1900 to 2200.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper() if text[-1] == "z" else text)
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(text)
    return moment.astimezone(UTC)


def due(text: str) -> datetime | date:
    """A due date: an RFC 3339 instant in UTC, or a bare date that means the end of that local day.

    Raises ValueError for anything else, and outside of 1900 to 2200.
    """
    if not _DAY.fullmatch(text):
        return instant(text)
    day = date.fromisoformat(text)
    if not EARLIEST <= day.year <= LATEST:
        raise ValueError(text)
    return day


def _day(text: Any) -> date:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("a date such as 2026-03-20")
    day = due(text)
    assert not isinstance(day, datetime)  # noqa: S101 - tells mypy what the form says
    return day


def _instant(text: Any) -> datetime:
    try:
        return instant(text)
    except (TypeError, ValueError):
        raise ValueError("an RFC 3339 instant with offset, such as 2026-03-20T16:30:00+07:00") from None


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A parameter that is a local date; a number is none."""

Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A parameter that is an instant with an offset; a number is none."""
