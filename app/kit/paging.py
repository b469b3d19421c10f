"""Lists in pages: `{"items": [...], "next_cursor": null}` with an opaque cursor.

It knows how a place in a list is written down; what the list holds and how it is ordered is the route's.
"""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from app.kit.problems import Fault, Problem
from app.kit.text import Text

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=1000, description="Items a page.")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next_cursor` of the page before.")]

_UNREADABLE = Text("Con trỏ trang không hợp lệ.", "This is no cursor of this list.")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None = None


def written(place: str) -> str:
    """A place in a list as an opaque cursor."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def read(cursor: str | None) -> str | None:
    """The place that a cursor stands for. Raises Problem invalid for anything that `written` did not make."""
    if cursor is None:
        return None
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise unreadable() from None
    if "\0" in place:
        raise unreadable()
    return place


def read_number(cursor: str | None) -> int | None:
    """The place of a list that is ordered by a whole number of 64 bits. Raises Problem invalid."""
    place = read(cursor)
    if place is None:
        return None
    if not place.isascii() or not place.isdecimal() or int(place) >= 1 << 63:
        raise unreadable()
    return int(place)


def unreadable() -> Problem:
    """The problem of a cursor that belongs to no place of this list."""
    return Problem("invalid", _UNREADABLE, [Fault("query:cursor", _UNREADABLE)])
