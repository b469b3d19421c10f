"""Which dossiers a question about units means, and under which unit each is counted: by the structure of then or of now.

Pure: it knows units and days. What is counted, and how a key limits it, it does not know.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from app.directory.structure import Structure
from app.directory.tree import branches

StructureOf = Literal["then", "now"]


@dataclass(frozen=True)
class Regrouping:
    """Units as a question sees them.

    `units` are the codes whose dossiers are meant (None: all). `groups` says, by key (`unit`, `child`), under which unit a code is
    counted where it is not under its own. `torn` are, by key, the groups that a split without weights left
    incomparable, and `is_torn` says so of the whole; both are for the structure of now only.
    """

    units: Sequence[str] | None
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    torn: Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_torn: bool = False


def as_then(
    structure: Structure, asked: Collection[str], root: str | None, keys: Collection[str], day: date
) -> Regrouping:
    """Dossiers under the very unit they name, rolled up along the parents of `day`, the last day that counts."""
    tree = structure.then(day)
    units = structure.below(asked, tree) if asked else None
    groups = {"child": branches(tree, root)} if root is not None and "child" in keys else {}
    return Regrouping(units, groups)


def as_now(
    structure: Structure,
    asked: Collection[str],
    root: str | None,
    keys: Collection[str],
    since: date,
    today: date,
) -> Regrouping:
    """Dossiers under the unit that holds today what theirs stood for, rolled up along the parents of `today`.

    What was split stays under its old code. `since` is the first day that counts: of a code that meant something else
    before it, that is no concern.
    """
    tree = structure.now(today)
    heirs = {code: structure.heirs(code, since, today) for code in structure}
    split = {code: held for code, held in heirs.items() if len(held) > 1}
    whole = {code: next(iter(held)) for code, held in heirs.items() if len(held) == 1 and code not in held}
    units = structure.below(asked, tree) if asked else None
    groups: dict[str, Mapping[str, str]] = {}
    if "unit" in keys:
        groups["unit"] = whole
    if "child" in keys and root is not None:
        branch = branches(tree, root)
        groups["child"] = {
            code: group for code in structure if (group := _branch(whole.get(code, code), branch)) != code
        }
    meant = None if units is None else set(units)
    return Regrouping(
        units,
        groups,
        {key: _torn(split, groups[key]) for key in groups},
        meant is not None
        and any(len({part in meant for part in (code, *held)}) > 1 for code, held in split.items()),
    )


def _branch(code: str, branch: Mapping[str, str]) -> str:
    return branch.get(code, code)


def _torn(split: Mapping[str, Iterable[str]], groups: Mapping[str, str]) -> frozenset[str]:
    """The groups between which a split unit lies; inside of one group, all its parts are there together."""
    torn: set[str] = set()
    for code, heirs in split.items():
        parts = {groups.get(part, part) for part in (code, *heirs)}
        if len(parts) > 1:
            torn |= parts
    return frozenset(torn)
