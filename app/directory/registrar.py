"""Writes units and procedures, all of one call or none, and notes what dossiers must be folded again for.

It keeps periods apart, the tree a tree and a limited key inside its part of it; it knows no HTTP and no dossier.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory import queries
from app.directory.codes import canonical_procedure
from app.directory.consistency import broken
from app.directory.limits import Within, is_inside
from app.directory.periods import Bounds, meant, overlapping
from app.directory.procedures import ProcedureRule
from app.directory.schemas import ProcedureEntry, Tally, Unit
from app.directory.structure import EVER, OPEN, Structure, UnitPeriod
from app.kit.problems import Fault, Problem
from app.kit.text import Text

_TWICE: Final = Text("Mã {code} có hai lần trong danh sách.", "The code {code} stands in the list twice.")
_TWICE_PERIOD: Final = Text(
    "Mã {code}, thời gian {period}, có hai lần trong danh sách.",
    "The code {code}, {period}, stands in the list twice.",
)
_REVERSED: Final = Text("Thời gian kết thúc trước khi bắt đầu.", "The period ends before it begins.")
_OVERLAP: Final = Text(
    "{code}, thời gian {period}, trùng với thời gian {other} của cùng mã.",
    "{code}, {period}, overlaps another period of the same code, {other}.",
)
_STANDS: Final = Text(
    "Đơn vị kế thừa cần có ngày cuối (valid_to) của đơn vị cũ.", "Successors need a last day, valid_to."
)
_SHARES: Final = Text(
    "Một đơn vị kế thừa: merge, rename hoặc move. Nhiều đơn vị: tất cả là split, mỗi mã một lần.",
    "One successor is a merge, rename or move; several are each a split, each code once.",
)
_FOREIGN_UNIT: Final = Text(
    "Khóa này chỉ được sửa đơn vị {limit} và các đơn vị trực thuộc, không được đưa đơn vị khác vào hay tự đổi cấp trên.",
    "This key may write only unit {limit} and those below it; it may neither take other units in nor change its own parent.",
)
_COMMON_PROCEDURES: Final = Text(
    "Thủ tục dùng chung cho mọi đơn vị; khóa giới hạn theo đơn vị không được sửa.",
    "Procedures are common to all units; a key that is limited to a unit may not write them.",
)

Row = Mapping[str, Any]


class Place(NamedTuple):
    """Where a period stands in the payload (a JSON Pointer), and its bounds as they will be stored."""

    pointer: str
    code: str
    bounds: Bounds


async def put_units(
    connection: AsyncConnection, entries: Mapping[str, Unit], *, within: Within | None, now: datetime
) -> Tally:
    """Describe these periods of units anew; `entries` are keyed by their place in the payload, a JSON Pointer.

    `within` is what the caller's key is limited to. Raises Problem invalid (a period twice or over another one, a circle
    of parents or of successions, a tree too deep) or forbidden, and then writes nothing.
    """
    _refuse(_misdescribed(entries))
    await queries.lock(connection, "unit")
    before = await queries.structure(connection)
    old = await queries.stored(connection, "unit", {entry.code for entry in entries.values()})
    places = _places({place: (entry.code, _told(entry)) for place, entry in entries.items()}, old)
    rows = [
        {**entry.model_dump(), "valid_from": place.bounds.valid_from}
        for place, entry in zip(places, entries.values(), strict=True)
    ]
    after = _after(before, old, rows)
    written = sorted({place.code for place in places})
    if within is not None and not is_inside(before, after, written, within):
        raise Problem("forbidden", _FOREIGN_UNIT.filled(limit=within.unit))
    _refuse_broken(after, places)
    moved = [code for code in written if before.periods(code) != after.periods(code)]
    reset = sorted({row["code"] for row in rows if _intake(_held(old, row)) != _intake(row)})
    await queries.note_changes(connection, "intake", reset, now)
    return await _write(connection, "unit", old, rows, moved, now)


async def put_procedures(
    connection: AsyncConnection,
    entries: Mapping[str, ProcedureEntry],
    *,
    within: Within | None,
    now: datetime,
) -> Tally:
    """Describe these periods of procedures anew, under their canonical codes; otherwise as `put_units`."""
    if within is not None:
        raise Problem("forbidden", _COMMON_PROCEDURES)
    _refuse(_reversed(entries))
    await queries.lock(connection, "procedure")
    codes = {place: canonical_procedure(entry.code) for place, entry in entries.items()}
    old = await queries.stored(connection, "procedure", set(codes.values()))
    places = _places({place: (codes[place], _told(entry)) for place, entry in entries.items()}, old)
    rows = [
        {**entry.row(), "valid_from": place.bounds.valid_from}
        for place, entry in zip(places, entries.values(), strict=True)
    ]
    ruled = [rule.name for rule in fields(ProcedureRule)]
    changed = {
        row["code"]
        for row in rows
        if (held := _held(old, row)) is None or any(row[name] != held[name] for name in ruled)
    }
    return await _write(connection, "procedure", old, rows, sorted(changed), now)


async def _write(
    connection: AsyncConnection,
    kind: queries.Kind,
    old: Mapping[str, Sequence[Row]],
    rows: Sequence[Row],
    felt: list[str],
    now: datetime,
) -> Tally:
    """Save what differs; `felt` are the codes whose dossiers feel it."""
    created = [row for row in rows if _held(old, row) is None]
    changed = [
        row for row in rows if (held := _held(old, row)) is not None and held != {**row, "key": held["key"]}
    ]
    await queries.save(connection, kind, created + changed)
    await queries.note_changes(connection, kind, felt, now)
    return Tally(
        created=len(created), changed=len(changed), unchanged=len(rows) - len(created) - len(changed)
    )


def _intake(row: Row | None) -> tuple[str, date | None] | None:
    """The key of a period's intake calendar and the day until which it holds; None if it has none."""
    key = ((row or {}).get("settings") or {}).get("intake_calendar")
    return (key, row["valid_to"]) if row is not None and key is not None else None


def _held(old: Mapping[str, Sequence[Row]], row: Row) -> Row | None:
    """The stored period that a row takes the place of."""
    return next((held for held in old.get(row["code"], ()) if held["valid_from"] == row["valid_from"]), None)


def _told(entry: Unit | ProcedureEntry) -> Bounds:
    return Bounds(entry.valid_from, entry.valid_to)


def _places(told: Mapping[str, tuple[str, Bounds]], old: Mapping[str, Sequence[Row]]) -> list[Place]:
    """The period that each entry describes. Raises Problem invalid for one described twice, and for overlaps."""
    held = {code: [Bounds(row["valid_from"], row["valid_to"]) for row in rows] for code, rows in old.items()}
    places = [
        Place(pointer, code, meant(bounds, held.get(code, ()))) for pointer, (code, bounds) in told.items()
    ]
    seen: set[tuple[str, Any]] = set()
    faults: list[Fault] = []
    for place in places:
        begin = place.code, place.bounds.valid_from
        if begin in seen:
            dated = place.bounds != (None, None)
            detail = (
                _said(_TWICE_PERIOD, place.code, place.bounds) if dated else _TWICE.filled(code=place.code)
            )
            faults.append(Fault(f"{place.pointer}/code", detail))
        seen.add(begin)
    _refuse(faults)
    _refuse(_overlaps(places, held))
    return places


def _overlaps(places: Sequence[Place], held: Mapping[str, Sequence[Bounds]]) -> Iterable[Fault]:
    written: defaultdict[str, dict[Any, Place]] = defaultdict(dict)
    for place in places:
        written[place.code][place.bounds.valid_from] = place
    for code, new in written.items():
        kept = [bounds for bounds in held.get(code, ()) if bounds.valid_from not in new]
        for one, other in overlapping([*kept, *(place.bounds for place in new.values())]):
            mine = other if other.valid_from in new else one
            told = _said(_OVERLAP, code, mine, one if mine is other else other)
            yield Fault(f"{new[mine.valid_from].pointer}/valid_from", told)


def _said(text: Text, code: str, period: Bounds, other: Bounds | None = None) -> Text:
    words = (period.said(), other.said() if other is not None else Text("", ""))
    return Text(
        text.vi.format(code=code, period=words[0].vi, other=words[1].vi),
        text.en.format(code=code, period=words[0].en, other=words[1].en),
    )


def _misdescribed(entries: Mapping[str, Unit]) -> Iterable[Fault]:
    """What does not fit within one entry."""
    yield from _reversed(entries)
    for place, entry in entries.items():
        heirs = [heir.code for heir in entry.successors]
        are_splits = {heir.kind == "split" for heir in entry.successors}
        if heirs and entry.valid_to is None:
            yield Fault(f"{place}/successors", _STANDS)
        elif heirs and (are_splits != {len(heirs) > 1} or len(set(heirs)) < len(heirs)):
            yield Fault(f"{place}/successors", _SHARES)


def _reversed(
    entries: Mapping[str, Unit | ProcedureEntry] | Mapping[str, Unit] | Mapping[str, ProcedureEntry],
) -> Iterable[Fault]:
    for place, entry in entries.items():
        bounds = _told(entry)
        if bounds.last < bounds.first:
            yield Fault(f"{place}/valid_to", _REVERSED)


def _after(before: Structure, old: Mapping[str, Sequence[Row]], rows: Sequence[Row]) -> Structure:
    """The structure once these rows are written."""
    written: defaultdict[str, dict[Any, Row]] = defaultdict(dict)
    for row in rows:
        code = row["code"]
        if code not in written:
            written[code] = {held["valid_from"]: held for held in old.get(code, ())}
        written[code][row["valid_from"]] = row
    kept = (period for code in before if code not in written for period in before.periods(code))
    new = (_period(row) for periods in written.values() for row in periods.values())
    return Structure([*kept, *new])


def _period(row: Row) -> UnitPeriod:
    return UnitPeriod(
        row["code"],
        row["parent"],
        row["valid_from"] or EVER,
        row["valid_to"] or OPEN,
        tuple(sorted(heir["code"] for heir in row["successors"])),
    )


def _refuse_broken(after: Structure, places: Sequence[Place]) -> None:
    written: defaultdict[str, list[Place]] = defaultdict(list)
    for place in places:
        written[place.code].append(place)
    faults: list[Fault] = []
    for found in broken(after, list(written)):
        mine = written[found.code]
        standing = after.standing(found.code, found.day)
        meant_here = next(
            (place for place in mine if standing is not None and place.bounds.first == standing.valid_from),
            mine[0],
        )
        faults.append(Fault(f"{meant_here.pointer}/{found.field}", found.detail))
    _refuse(faults)


def _refuse(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise Problem("invalid", found[0].detail, found)
