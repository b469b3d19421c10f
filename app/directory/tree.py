"""The tree of units as pure arithmetic over "child → parent": who is above, in which branch, who is in a circle.

It knows codes only, and holds for parents that nobody has described yet.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
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


def below(parents: Mapping[str, str], codes: Collection[str]) -> list[str]:
    """These units and every unit below any of them, each once, level by level."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    for child, parent in parents.items():
        children[parent].append(child)
    return spread(codes, children)


def spread(codes: Collection[str], children: Mapping[str, Collection[str]]) -> list[str]:
    """These units and whatever is reached from them by `children`, each once, level by level."""
    found = dict.fromkeys(codes)
    level = list(found)
    while level:
        level = [child for code in level for child in children.get(code, ()) if child not in found]
        found.update(dict.fromkeys(level))
    return list(found)


def circle(parents: Mapping[str, str], code: str) -> list[str] | None:
    """The way from `code` up to `code` again, both named, if it is its own ancestor."""
    way = list(chain(parents, code))
    return [*way, code] if parents.get(way[-1]) == code else None
