"""How far a key reaches: which units a reader may see, given the unit its key is limited to and those it asked for.

It knows the structure and the key; what is read about the units is for the route.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory import queries, regrouping
from app.directory.regrouping import Regrouping, StructureOf
from app.directory.structure import Structure
from app.keys.caller import Caller
from app.kit.problems import Problem
from app.kit.text import Text

_OUTSIDE: Final = Text(
    "Khóa này chỉ dùng cho đơn vị {limit} và các đơn vị trực thuộc; {asked} nằm ngoài phạm vi đó.",
    "This key is limited to unit {limit} and all below it; {asked} lies outside.",
)


class Asked(NamedTuple):
    """What a question says about units: those it names, the one whose children are shown, its keys and its days."""

    units: Sequence[str]
    root: str | None
    keys: Collection[str]
    first: date
    last: date
    structure: StructureOf


async def subtree(connection: AsyncConnection, code: str, today: date) -> list[str]:
    """The unit and every unit below it today, with what they took over whole; an unknown code gives itself alone."""
    structure = await queries.structure(connection)
    return structure.below([code], structure.now(today))


async def visible_units(
    connection: AsyncConnection, caller: Caller, asked: Sequence[str], today: date
) -> list[str] | None:
    """The codes of all units to read, None for every unit there is: those asked for, each with all below it today.

    What a unit took over whole lies below it. A limited key that asks for none gets its own subtree; a unit outside it
    raises Problem forbidden.
    """
    return visible_in(await queries.structure(connection), caller, asked, today)


def visible_in(structure: Structure, caller: Caller, asked: Sequence[str], today: date) -> list[str] | None:
    """As `visible_units`, in a structure that was read already."""
    own = _own(structure, caller, asked, today)
    return structure.below(asked, structure.now(today)) if asked else own


async def visible_then(
    connection: AsyncConnection, caller: Caller, asked: Sequence[str], day: date, today: date
) -> list[str] | None:
    """As `visible_units`, but below the units asked for is what lay there on `day`, as far as the key reaches today."""
    structure = await queries.structure(connection)
    own = _own(structure, caller, asked, today)
    return _within(structure.below(asked, structure.then(day)) if asked else None, own)


async def regrouped(connection: AsyncConnection, caller: Caller, asked: Asked, today: date) -> Regrouping:
    """Which units a question of figures means, as far as the key reaches, and under which each is counted.

    The structure of then is that of the last day asked for, or of `today` while that is to come. Raises Problem
    forbidden for a unit outside of the key's.
    """
    return regrouped_in(await queries.structure(connection), caller, asked, today)


def regrouped_in(structure: Structure, caller: Caller, asked: Asked, today: date) -> Regrouping:
    """As `regrouped`, in a structure that was read already."""
    own = _own(structure, caller, asked.units, today)
    # A limited key that names no unit asks for its own.
    units = asked.units or ([] if caller.unit is None else [caller.unit])
    if asked.structure == "then":
        found = regrouping.as_then(structure, units, asked.root, asked.keys, min(asked.last, today))
    else:
        found = regrouping.as_now(structure, units, asked.root, asked.keys, asked.first, today)
    return replace(found, units=_within(found.units, own))


def _own(structure: Structure, caller: Caller, asked: Sequence[str], today: date) -> list[str] | None:
    """All that a limited key reaches, None for one without limit. Raises Problem forbidden for what is outside."""
    if caller.unit is None:
        return None
    own = structure.below([caller.unit], structure.now(today))
    outside = sorted(set(asked).difference(own))
    if outside:
        raise Problem("forbidden", _OUTSIDE.filled(limit=caller.unit, asked=", ".join(outside)))
    return own


def _within(units: Sequence[str] | None, own: list[str] | None) -> list[str] | None:
    if units is None or own is None:
        return own if units is None else list(units)
    reached = set(own)
    return [code for code in units if code in reached]
