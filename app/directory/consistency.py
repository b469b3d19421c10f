"""What would make the units no structure: circles and too many levels on any day, and successions that lead nowhere.

Pure: it finds what does not fit and names the way; where it stands in a payload, `registrar` knows.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from app.directory.periods import Bounds
from app.directory.structure import EVER, OPEN, Structure, UnitPeriod
from app.directory.tree import MAX_LEVELS, chain, circle
from app.kit.text import Text

_CIRCLE: Final = Text("Đơn vị cấp trên tạo thành vòng: {way}.", "The parents form a circle: {way}.")
_DEEP: Final = Text(
    "Cây đơn vị sâu quá {most} cấp: {way}.", "The tree of units is deeper than {most} levels: {way}."
)
_SUCCESSION: Final = Text("Việc kế thừa tạo thành vòng: {way}.", "The successions form a circle: {way}.")


class Broken(NamedTuple):
    """What does not fit about a unit on a day; `day` tells which of its periods is meant."""

    code: str
    day: date
    field: str
    detail: Text


def broken(structure: Structure, written: Collection[str]) -> list[Broken]:
    """What the periods of the written units break; nothing was broken before they were written."""
    return _broken_tree(structure, written) or _broken_succession(structure, written)


def _broken_tree(structure: Structure, written: Collection[str]) -> list[Broken]:
    """Every day on which a parent changes is looked at, but only where it does: elsewhere the tree was one before."""
    parents = dict(structure.then(EVER))
    children: defaultdict[str, set[str]] = defaultdict(set)
    for child, parent in parents.items():
        children[parent].add(child)
    changing = _changes(structure)
    for day in (EVER, *sorted(changing)):
        for period in changing.get(day, ()):
            children[parents.pop(period.code, "")].discard(period.code)
            if period.parent is not None:
                parents[period.code] = period.parent
                children[period.parent].add(period.code)
        touched = written if day == EVER else [period.code for period in changing[day]]
        if any(circle(parents, code) for code in touched):
            return [
                Broken(code, day, "parent", _CIRCLE.filled(way=_told(structure, way, day)))
                for code in written
                if (way := circle(parents, code))
            ]
        for code in touched:
            if way := _too_deep(parents, children, code):
                detail = _DEEP.filled(most=MAX_LEVELS, way=_told(structure, way, day))
                return [Broken(next(one for one in way if one in written), day, "parent", detail)]
    return []


def _changes(structure: Structure) -> dict[date, list[UnitPeriod]]:
    """Day → the periods that begin then and are not their code's first, which holds for the days before as well."""
    found: defaultdict[date, list[UnitPeriod]] = defaultdict(list)
    for code in structure:
        for period in structure.periods(code)[1:]:
            found[period.valid_from].append(period)
    return found


def _too_deep(parents: dict[str, str], children: dict[str, set[str]], code: str) -> list[str] | None:
    """The way up from a unit at or below `code` that lies deeper than it may."""
    levels = len(list(chain(parents, code)))
    level = {code}
    while level:
        if levels > MAX_LEVELS:
            return list(chain(parents, min(level)))
        level = {child for one in level for child in children.get(one, ())}
        levels += 1
    return None


def _broken_succession(structure: Structure, written: Collection[str]) -> list[Broken]:
    """Units that would inherit from themselves by way of others. To name oneself is to go on under the same code."""
    way = _circle_of_heirs(structure, (one for code in written for one in structure.periods(code)))
    if way is None:
        return []
    # What was written closed the circle, and so is part of it.
    first = next(place for place, one in enumerate(way) if one.code in written)
    turned = [*way[first:], *way[: first + 1]]
    detail = _SUCCESSION.filled(way=" → ".join(_named(one) for one in turned))
    return [Broken(turned[0].code, turned[0].valid_from, "successors", detail)]


def _circle_of_heirs(structure: Structure, starts: Iterable[UnitPeriod]) -> list[UnitPeriod] | None:
    """A circle that is met on the way from any of these; every period is gone through once."""
    done: set[UnitPeriod] = set()
    for start in starts:
        way: dict[UnitPeriod, Iterator[UnitPeriod]] = {}
        if start not in done:
            way[start] = iter(_taken_over_by(structure, start))
        while way:
            period, heirs = next(reversed(way.items()))
            heir = next(heirs, None)
            if heir is None:
                del way[period]
                done.add(period)
            elif heir in way and heir != period:
                found = list(way)
                return found[found.index(heir) :]
            elif heir not in way and heir not in done:
                way[heir] = iter(_taken_over_by(structure, heir))
    return None


def _taken_over_by(structure: Structure, period: UnitPeriod) -> Sequence[UnitPeriod]:
    """The heirs' periods: the first that goes on after this one has ended, else the last there is."""
    found: list[UnitPeriod] = []
    for code in period.heirs:
        periods = structure.periods(code)
        later = next((one for one in periods if one.valid_to > period.valid_to), None)
        found += [later or periods[-1]] if periods else []
    return found


def _told(structure: Structure, way: Sequence[str], day: date) -> str:
    standing = ((code, structure.standing(code, day)) for code in way)
    return " → ".join(code if period is None else _named(period) for code, period in standing)


def _named(period: UnitPeriod) -> str:
    """The code, and which of its periods where it does not stand for ever."""
    bounds = Bounds(
        None if period.valid_from == EVER else period.valid_from,
        None if period.valid_to == OPEN else period.valid_to,
    )
    if bounds == (None, None):
        return period.code
    return f"{period.code} ({bounds.valid_from or '…'} – {bounds.valid_to or '…'})"
