"""Periods of one code beside each other: which one a description means, which overlap, how they are called.

Pure; it is told validity as the wire has it, None for no bound, and knows no field besides.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Final, NamedTuple

from app.directory.structure import EVER, OPEN
from app.kit.text import Text

NO_MATTER_HOW: Final = Text("từ trước đến nay", "always")


class Bounds(NamedTuple):
    """First and last local day, both inclusive; None: no bound."""

    valid_from: date | None
    valid_to: date | None

    @property
    def first(self) -> date:
        """The first day, as days compare."""
        return self.valid_from or EVER

    @property
    def last(self) -> date:
        """The last day, as days compare."""
        return self.valid_to or OPEN

    def said(self) -> Text:
        """The period in words."""
        begin, end = self
        if begin is None:
            return NO_MATTER_HOW if end is None else Text(f"đến hết {end}", f"until {end}")
        return (
            Text(f"từ {begin}", f"since {begin}")
            if end is None
            else Text(f"{begin} – {end}", f"{begin} – {end}")
        )


def meant(told: Bounds, held: Sequence[Bounds]) -> Bounds:
    """The bounds of what a description tells, which need not say where its period begins.

    Without `valid_from` it means the held period in which its last day lies (the open one, where it tells no last
    day); else the only one there is, unless that begins later; else a period since ever.
    """
    if told.valid_from is not None:
        return told
    found = next((one for one in held if one.first <= told.last <= one.last), None)
    if found is None and len(held) == 1 and held[0].first <= told.last:
        found = held[0]
    return told if found is None else Bounds(found.valid_from, told.valid_to)


def overlapping(periods: Iterable[Bounds]) -> list[tuple[Bounds, Bounds]]:
    """Neighbours of which the later begins before the earlier has ended."""
    return [
        (one, other)
        for one, other in pairwise(sorted(periods, key=lambda period: period.first))
        if other.first <= one.last
    ]
