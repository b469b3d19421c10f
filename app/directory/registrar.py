"""Writes units and procedures, all of one call or none, and notes what dossiers must be folded again for.

It keeps the tree a tree and a limited key inside its part of it; it knows no HTTP and no dossier.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory import queries, tree
from app.directory.codes import canonical_procedure
from app.directory.procedures import ProcedureRule
from app.directory.schemas import ProcedureEntry, Tally, Unit
from app.kit.problems import Fault, Problem
from app.kit.text import Text

_TWICE: Final = Text("Mã {code} có hai lần trong danh sách.", "The code {code} stands in the list twice.")
_CIRCLE: Final = Text("Đơn vị cấp trên tạo thành vòng: {way}.", "The parents form a circle: {way}.")
_DEEP: Final = Text(
    "Cây đơn vị sâu quá {most} cấp: {way}.", "The tree of units is deeper than {most} levels: {way}."
)
_FOREIGN_UNIT: Final = Text(
    "Khóa này chỉ được sửa đơn vị {limit} và các đơn vị trực thuộc, không được đưa đơn vị khác vào hay tự đổi cấp trên.",
    "This key may write only unit {limit} and those below it; it may neither take other units in nor change its own parent.",
)
_COMMON_PROCEDURES: Final = Text(
    "Thủ tục dùng chung cho mọi đơn vị; khóa giới hạn theo đơn vị không được sửa.",
    "Procedures are common to all units; a key that is limited to a unit may not write them.",
)


async def put_units(
    connection: AsyncConnection, entries: Mapping[str, Unit], *, within: str | None, now: datetime
) -> Tally:
    """Describe these units anew; `entries` are keyed by their place in the payload, a JSON Pointer.

    `within` is the unit that the caller's key is limited to. Raises Problem invalid (a code twice, a circle of
    parents, a tree too deep) or forbidden, and then writes nothing.
    """
    places = _places({place: entry.code for place, entry in entries.items()})
    await queries.lock(connection, "unit")
    old = await queries.stored(connection, "unit", places)
    before = await queries.parents(connection)
    written = {entry.code: entry.parent for entry in entries.values()}
    after = _after(before, written)
    if within is not None:
        known = {*old, *before.values()}
        _refuse_foreign(before, after, {code: code in known for code in written}, within)
    _refuse_broken_tree(after, places)
    rows = {entry.code: entry.model_dump() for entry in entries.values()}
    moved = [code for code, parent in written.items() if code not in old or old[code]["parent"] != parent]
    return await _write(connection, "unit", old, rows, moved, now)


async def put_procedures(
    connection: AsyncConnection, entries: Mapping[str, ProcedureEntry], *, within: str | None, now: datetime
) -> Tally:
    """Describe these procedures anew, under their canonical codes; otherwise as `put_units`."""
    if within is not None:
        raise Problem("forbidden", _COMMON_PROCEDURES)
    _places({place: canonical_procedure(entry.code) for place, entry in entries.items()})
    rows = {row["code"]: row for row in (entry.row() for entry in entries.values())}
    await queries.lock(connection, "procedure")
    old = await queries.stored(connection, "procedure", rows)
    ruled = [rule.name for rule in fields(ProcedureRule)]
    changed = [
        code
        for code, row in rows.items()
        if code not in old or any(row[name] != old[code][name] for name in ruled)
    ]
    return await _write(connection, "procedure", old, rows, changed, now)


async def _write(
    connection: AsyncConnection,
    kind: queries.Kind,
    old: Mapping[str, Mapping[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
    felt: list[str],
    now: datetime,
) -> Tally:
    """Save what differs; `felt` are the codes whose dossiers feel it."""
    changed = {code: row for code, row in rows.items() if old.get(code) != row}
    created = sum(code not in old for code in changed)
    await queries.save(connection, kind, list(changed.values()))
    await queries.note_changes(connection, kind, felt, now)
    return Tally(created=created, changed=len(changed) - created, unchanged=len(rows) - len(changed))


def _places(codes: Mapping[str, str]) -> dict[str, str]:
    """Code → place; a code that stands at two places is a fault of the second."""
    places: dict[str, str] = {}
    faults: list[Fault] = []
    for place, code in codes.items():
        if places.setdefault(code, place) != place:
            faults.append(Fault(f"{place}/code", _TWICE.filled(code=code)))
    if faults:
        raise Problem("invalid", faults[0].detail, faults)
    return places


def _after(before: Mapping[str, str], written: Mapping[str, str | None]) -> dict[str, str]:
    kept = {code: parent for code, parent in before.items() if code not in written}
    return kept | {code: parent for code, parent in written.items() if parent is not None}


def _refuse_foreign(
    before: Mapping[str, str], after: Mapping[str, str], written: Mapping[str, bool], within: str
) -> None:
    """Refuse units outside the limit. `written` tells of each whether anybody knew its code before.

    A known unit must have been inside before, or a key could widen its own limit by naming a foreign unit's parent;
    it must be inside afterwards; and the limit's own unit stays where it is, for others are judged by that.
    """
    for code, known in written.items():
        was_inside = not known or within in tree.chain(before, code)
        is_inside = within in tree.chain(after, code)
        moves_itself = code == within and before.get(code) != after.get(code)
        if moves_itself or not (was_inside and is_inside):
            raise Problem("forbidden", _FOREIGN_UNIT.filled(limit=within))


def _refuse_broken_tree(after: Mapping[str, str], places: Mapping[str, str]) -> None:
    faults = [
        Fault(f"{place}/parent", _CIRCLE.filled(way=" → ".join(way)))
        for code, place in places.items()
        if (way := tree.circle(after, code))
    ]
    if not faults and (way := tree.too_deep(after)):
        place = next(places[code] for code in way if code in places)
        detail = _DEEP.filled(most=tree.MAX_LEVELS, way=" → ".join(way))
        faults = [Fault(f"{place}/parent", detail)]
    if faults:
        raise Problem("invalid", faults[0].detail, faults)
