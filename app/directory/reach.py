"""How far a key reaches: which units a reader may see, given the unit its key is limited to and those it asked for.

It knows the tree and the key; what is read about the units is for the route.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.queries import below, subtree
from app.keys.caller import Caller
from app.kit.problems import Problem
from app.kit.text import Text

_OUTSIDE: Final = Text(
    "Khóa này chỉ dùng cho đơn vị {limit} và các đơn vị trực thuộc; {asked} nằm ngoài phạm vi đó.",
    "This key is limited to unit {limit} and all below it; {asked} lies outside.",
)


async def visible_units(
    connection: AsyncConnection, caller: Caller, asked: Sequence[str]
) -> list[str] | None:
    """The codes of all units to read, None for every unit there is: those asked for, each with all below it.

    A limited key that asks for none gets its own subtree; a unit outside it raises Problem forbidden.
    """
    if caller.unit is None:
        return await below(connection, asked) if asked else None
    own = await subtree(connection, caller.unit)
    outside = sorted(set(asked).difference(own))
    if outside:
        raise Problem("forbidden", _OUTSIDE.filled(limit=caller.unit, asked=", ".join(outside)))
    return await below(connection, asked) if asked else own
