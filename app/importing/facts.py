"""From the rows of a table to facts: straight where its headings are an event's own, else through a mapping.

Pure: it knows rows, mappings and event types; whether a fact is new and what it means it refuses to know.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from app.events import faults
from app.events.envelope import Event, Refused, check, check_members, refused
from app.events.types import TYPES
from app.importing import cells
from app.importing.cells import Cell, CellError, Reading, Schema
from app.importing.mapping import Column, Mapping, Rule, Value
from app.importing.sheets import Row, Sheet, folded
from app.kit.problems import Fault
from app.kit.text import Text

ATTRIBUTES: Final = ("id", "source", "type", "subject", "time")

_FIELDS: Final[Map[str, Map[str, Schema]]] = {
    name: cells.fields(model.model_json_schema()) for name, model in TYPES.items()
}
_UNMAPPED: Final = Text(
    "Giá trị “{value}” chưa có trong bảng giá trị của ánh xạ ({there}).",
    "The value “{value}” is not in the mapping's table of values ({there}).",
)
_UNKNOWN: Final = Text(
    "Giá trị “{value}” không được chờ đợi ở đây ({there}).",
    "The value “{value}” is not expected here ({there}).",
)
_NO_SUBJECT: Final = Text("Dòng không có mã hồ sơ.", "The row has no dossier code.")


class Made(NamedTuple):
    """One checked fact, where it stands in its file, and the columns that it was read from by JSON Pointer."""

    place: int
    event: Event | Refused
    columns: Map[str, str]


def from_line(number: int, line: bytes, now: datetime) -> Made:
    """The fact in a line of NDJSON."""
    return Made(number, check(line, now), {})


class _Draft:
    """An event in the making: its members, what could not be read, and the columns that it comes from."""

    def __init__(self, row: Row) -> None:
        self.members: dict[str, Any] = {"data": {}}
        self.columns: dict[str, str] = {}
        self.faults = [Fault(self._of_column(name), reason) for name, reason in row.faults.items()]

    def _of_column(self, name: str) -> str:
        pointer = faults.pointer([name]) if name else ""
        self.columns[pointer] = name
        return pointer

    def refuse(self, pointer: str, column: str, reason: Text) -> None:
        """Note that a cell cannot be read."""
        self.columns[pointer] = column
        self.faults.append(Fault(pointer, reason))

    def made(self, number: int, now: datetime) -> Made:
        """The checked event, or everything that is wrong with it: what could not be read is not also missing."""
        raw = msgspec.json.encode(self.members)
        event = check_members(self.members, raw, now)
        if self.faults:
            known = {fault.pointer for fault in self.faults}
            found = event.faults if isinstance(event, Refused) else []
            rest = [fault for fault in found if fault.pointer not in known]
            event = refused(self.members, [*self.faults, *rest], raw)
        return Made(number, event, self.columns)


def straight(sheet: Sheet, reading: Reading, source: str | None, now: datetime) -> Iterator[Made]:
    """The facts of a table whose headings are an event's attributes and fields; one row, one event."""
    wanted = [[name] for name in ATTRIBUTES if name != "source" or source is None]
    sheet.require(wanted)
    sheet.refuse_twice(sheet.headings)
    spelled = {folded(name): name for name in sheet.headings}
    for row in sheet.rows:
        draft = _Draft(row)
        fields = _FIELDS.get(cells.text(row.cells.get("type", "")), {})
        if source is not None:
            draft.members["source"] = source
        for heading, cell in row.cells.items():
            name = heading.removeprefix("data.").replace(".", "_")
            pointer = f"/{name}" if name in ATTRIBUTES else faults.pointer(("data", *_path(name, fields)))
            draft.columns[pointer] = spelled[heading]
            try:
                if name == "time":
                    draft.members[name] = cells.happened(cell, reading)
                elif name in ATTRIBUTES:
                    draft.members[name] = cells.text(cell)
                else:
                    schema = fields.get(name, {"type": "string"})
                    _put(draft.members["data"], _path(name, fields), cells.value(cell, schema, reading))
            except CellError as error:
                draft.refuse(pointer, spelled[heading], error.text)
        yield draft.made(row.number, now)


def _path(name: str, fields: Map[str, Schema]) -> list[str]:
    """`duration_value` → duration, value; of an unknown field, its name as it stands."""
    outer = fields.get(name, {}).get("outer")
    return [outer, name.removeprefix(f"{outer}_")] if outer else [name]


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        data = data.setdefault(step, {})
    data[path[-1]] = value


class Mapped:
    """Reads the rows of one table through a mapping."""

    def __init__(self, mapping: Mapping, sheet: Sheet, reading: Reading, source: str) -> None:
        """Raises Problem invalid when the table lacks a column that the mapping names."""
        sheet.require(mapping.columns())
        self._mapping, self._sheet, self._reading, self._source = mapping, sheet, reading, source
        there = {folded(name): name for name in sheet.headings}
        self._there = there
        self._found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._rules = [
            rule
            for rule in mapping.event
            if not rule.optional
            or all(any(folded(name) in there for name in mapping.spelled(names)) for names in rule.columns())
        ]
        used = [mapping.subject.column, *(names for rule in self._rules for names in rule.columns())]
        sheet.refuse_twice(name for names in used for name in mapping.spelled(names))

    def facts(self, now: datetime) -> Iterator[Made]:
        """What the rows tell, row by row; a row that tells nothing yields nothing."""
        for row in self._sheet.rows:
            if self._holds(row, self._mapping.only):
                yield from self._told(row, now)

    def _told(self, row: Row, now: datetime) -> Iterator[Made]:
        whole = self._judged(row)
        if whole.faults:
            yield whole.made(row.number, now)
            return
        for rule in self._rules:
            found = self._cell(row, rule.time.column)
            if found is None or not self._holds(row, rule.when) or self._is_out(row, rule.unless):
                continue
            yield self._fact(row, rule, *found).made(row.number, now)

    def _judged(self, row: Row) -> _Draft:
        """What is wrong with the row as a whole, so that it tells no fact."""
        draft = _Draft(row)
        draft.members["source"] = self._source
        subject = self._cell(row, self._mapping.subject.column)
        if subject is None:
            draft.refuse("/subject", self._mapping.subject.column[0], _NO_SUBJECT)
        else:
            draft.members["subject"] = cells.text(subject[1])
        for name, choices in self._mapping.known.items():
            shown = self._shown(row, name)
            if shown not in choices:
                draft.refuse(
                    faults.pointer([name]), name, _UNKNOWN.filled(value=shown, there=", ".join(choices))
                )
        return draft

    def _fact(self, row: Row, rule: Rule, time_column: str, time_cell: Cell) -> _Draft:
        draft = _Draft(row)
        subject = self._cell(row, self._mapping.subject.column)
        code = cells.text(subject[1]) if subject else ""
        draft.members |= {"source": self._source, "type": rule.type, "subject": code}
        draft.columns |= {"/subject": subject[0] if subject else "", "/time": time_column}
        reading = self._reading if rule.day_at is None else replace(self._reading, day_at=rule.day_at)
        try:
            draft.members["time"] = cells.happened(time_cell, reading)
        except CellError as error:
            draft.refuse("/time", time_column, error.text)
        draft.members["id"] = rule.id.format(
            subject=code, kind=rule.kind, time=draft.members.get("time", cells.text(time_cell))
        )
        for name, value in rule.data.items():
            self._fill(draft, row, rule.type, [name], value)
        return draft

    def _fill(self, draft: _Draft, row: Row, kind: str, path: list[str], value: Value) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                self._fill(draft, row, kind, [*path, name], part)
            return
        if not isinstance(value, Column):
            _put(draft.members["data"], path, value)
            return
        found = self._cell(row, value.column)
        pointer = faults.pointer(("data", *path))
        draft.columns[pointer] = self._named(value)
        if found is None:
            if value.blank is not None:
                _put(draft.members["data"], path, value.blank)
            return
        draft.columns[pointer] = found[0]
        try:
            _put(draft.members["data"], path, self._meant(found[1], value, kind, path))
        except CellError as error:
            draft.refuse(pointer, found[0], error.text)

    def _meant(self, cell: Cell, column: Column, kind: str, path: list[str]) -> Any:
        table = self._mapping.table(column)
        if table is None:
            schema = _FIELDS[kind].get("_".join(path), {"type": "string"})
            return cells.value(cell, schema, self._reading)
        shown = cells.text(cell)
        if shown not in table:
            raise CellError(_UNMAPPED.filled(value=shown, there=", ".join(table)))
        return table[shown]

    def _places(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """Where these columns stand in this table: their headings as compared and as written."""
        if names not in self._found:
            compared = [folded(heading) for heading in self._mapping.spelled(names)]
            self._found[names] = [(name, self._there[name]) for name in compared if name in self._there]
        return self._found[names]

    def _cell(self, row: Row, names: tuple[str, ...]) -> tuple[str, Cell] | None:
        """The heading and the cell of the first of these columns that is there and not blank."""
        for compared, heading in self._places(names):
            cell = row.cells.get(compared)
            if cell is not None and cells.text(cell) not in self._mapping.none:
                return heading, cell
        return None

    def _named(self, column: Column) -> str:
        return next((heading for _, heading in self._places(column.column)), column.column[0])

    def _shown(self, row: Row, name: str) -> str:
        found = self._cell(row, (name,))
        return cells.text(found[1]) if found else ""

    def _holds(self, row: Row, conditions: Map[str, Sequence[str]]) -> bool:
        return all(self._shown(row, name) in choices for name, choices in conditions.items())

    def _is_out(self, row: Row, conditions: Map[str, Sequence[str]]) -> bool:
        return any(self._shown(row, name) in choices for name, choices in conditions.items())


def reading_of(mapping: Mapping | None, zone: ZoneInfo) -> Reading:
    """How cells are read: as the mapping says, else in the deployment's zone and in the common forms."""
    if mapping is None:
        return Reading(zone)
    return Reading(ZoneInfo(mapping.zone) if mapping.zone else zone, mapping.dates or cells.COMMON_DATES)
