"""From the rows of a table to entries of the directory, by the fields that the directory itself takes.

It knows how columns make fields, whatever the fields are; what may be written is the directory's to say.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from pydantic import ValidationError

from app.directory.schemas import MAX_ENTRIES, ProcedureEntry, Unit
from app.importing import cells
from app.importing.cells import CellError, Reading
from app.importing.sheets import Sheet, folded
from app.kit.problems import Problem
from app.kit.text import Text

Kind = Literal["units", "procedures"]

Entry = Unit | ProcedureEntry

MODELS: Final[Mapping[Kind, type[Entry]]] = {"units": Unit, "procedures": ProcedureEntry}

_UNKNOWN: Final = Text(
    "{file}: danh mục không có cột {unknown}. Các cột: {there}.",
    "{file}: the directory has no columns {unknown}. It has: {there}.",
)
_MANY: Final = Text(
    "{file}: quá {most} dòng; hãy chia tệp.", "{file}: there are more than {most} rows; split the file."
)


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with one row: its column, and why."""

    row: int
    column: str
    reason: Text


def read(sheet: Sheet, kind: Kind, reading: Reading) -> tuple[dict[str, Entry], list[Wrong]]:
    """The entries by the number of their row, and everything that is wrong with others.

    Raises Problem invalid for a table with a column that is none of the directory's, or without one that it needs.
    """
    model = MODELS[kind]
    schema = model.model_json_schema()
    fields = cells.fields(schema)
    spelled = {folded(name): name for field in fields for name in (field, _dotted(field, fields))}
    unknown = [name for name in sheet.headings if folded(name) not in spelled]
    if unknown:
        values = {"file": sheet.file, "unknown": ", ".join(unknown), "there": ", ".join(fields)}
        raise Problem("invalid", _UNKNOWN.filled(**values))
    sheet.require([[name] for name in schema.get("required", ()) if name in fields])
    sheet.refuse_twice(sheet.headings)
    entries: dict[str, Entry] = {}
    wrong: list[Wrong] = []
    for row in sheet.rows:
        if len(entries) == MAX_ENTRIES:
            raise Problem("invalid", _MANY.filled(file=sheet.file, most=MAX_ENTRIES))
        told: dict[str, Any] = {}
        faults = [Wrong(row.number, name, reason) for name, reason in row.faults.items()]
        for heading, cell in row.cells.items():
            field = spelled[heading].replace(".", "_")
            outer = fields[field].get("outer")
            try:
                value = cells.value(cell, fields[field], reading)
            except CellError as error:
                faults.append(Wrong(row.number, spelled[heading], error.text))
                continue
            if outer:
                told.setdefault(outer, {})[field.removeprefix(f"{outer}_")] = value
            else:
                told[field] = value
        if not faults:
            try:
                entries[str(row.number)] = model.model_validate_json(msgspec.json.encode(told))
            except ValidationError as error:
                faults = [
                    _told(row.number, dict(found))
                    for found in error.errors(include_url=False, include_input=False)
                ]
        wrong.extend(faults)
    return entries, wrong


def _dotted(field: str, fields: Mapping[str, cells.Schema]) -> str:
    outer = fields[field].get("outer")
    return f"{outer}.{field.removeprefix(f'{outer}_')}" if outer else field


def _told(row: int, found: dict[str, Any]) -> Wrong:
    return Wrong(row, "_".join(str(step) for step in found["loc"]), Text(found["msg"], found["msg"]))
