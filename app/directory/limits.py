"""Whether a key that is limited to a unit may write what it wants to write about units.

Pure: it compares the units before and after, on every day on which they differ; it knows no payload and no key.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from app.directory.structure import Structure, UnitPeriod
from app.directory.tree import chain


class Within(NamedTuple):
    """The unit that a key is limited to, and the local day on which it writes."""

    unit: str
    today: date


def is_inside(before: Structure, after: Structure, written: Sequence[str], within: Within) -> bool:
    """Whether everything written lies inside of the limit, before and after.

    A unit that anybody knew must have been inside, or a key could widen its own limit by naming a foreign unit's parent
    or successor; it must be inside afterwards, today and on every later day; past periods that are touched must lie
    inside on their own days, since figures of then are rolled up along them. The limit's own unit stays where it is,
    for others are judged by that.
    """
    named = {
        above
        for code in before
        for period in before.periods(code)
        for above in (code, period.parent, *period.heirs)
    }
    return all(
        (code not in named or _stays(before, code, within))
        and _stays(after, code, within)
        and _touched_inside(before, after, code, within)
        and (code != within.unit or _places(before, code) == _places(after, code))
        for code in written
    )


def _stays(structure: Structure, code: str, within: Within) -> bool:
    """Whether the unit is inside today and on every day after."""
    days = [within.today, *(day for day in structure.edges if day > within.today)]
    return all(within.unit in chain(structure.now(day), code) for day in days)


def _touched_inside(before: Structure, after: Structure, code: str, within: Within) -> bool:
    """Whether the periods of a unit that were or will be different, and their heirs, lie inside."""
    were, will_be = set(before.periods(code)), set(after.periods(code))
    return all(
        all(within.unit in chain(structure.then(day), code) for day in _days(structure, period))
        for structure, periods in ((before, were - will_be), (after, will_be - were))
        for period in periods
    ) and all(
        within.unit in chain(after.now(within.today), heir)
        for period in will_be - were
        for heir in period.heirs
    )


def _days(structure: Structure, period: UnitPeriod) -> Iterator[date]:
    """The days of a period on which the tree may be another one."""
    yield period.valid_from
    yield from (day for day in structure.edges if period.valid_from < day <= period.valid_to)


def _places(structure: Structure, code: str) -> tuple[UnitPeriod, ...]:
    """Where a unit stands and when; one that nobody described stands at the top for ever."""
    return structure.periods(code) or (UnitPeriod(code),)
