"""The tree of units as pure arithmetic over "child → parent": who is above, in which branch, who is in a circle.

It knows codes only, and holds for parents that nobody has described yet.
"""

from collections.abc import Iterator, Mapping
from typing import Final

MAX_LEVELS: Final = 16
"""Vietnam has had four; the bound keeps every walk up or down the tree short."""


def chain(parents: Mapping[str, str], code: str) -> Iterator[str]:
    """The unit, its parent, and so on up to the root; stops before it would come to a unit twice."""
    seen: set[str] = set()
    above: str | None = code
    while above is not None and above not in seen:
        yield above
        seen.add(above)
        above = parents.get(above)


def branches(parents: Mapping[str, str], root: str) -> dict[str, str]:
    """Every unit below `root` → the direct child of `root` that it lies in."""
    found: dict[str, str] = {}
    for code in parents:
        way: list[str] = []
        for above in chain(parents, code):
            if above == root:
                found.update(dict.fromkeys(way, way[-1]) if way else {})
                break
            way.append(above)
    return found


def circle(parents: Mapping[str, str], code: str) -> list[str] | None:
    """The way from `code` up to `code` again, both named, if it is its own ancestor."""
    way = list(chain(parents, code))
    return [*way, code] if parents.get(way[-1]) == code else None
