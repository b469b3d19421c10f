"""From what stands in a cell to the JSON value that a field takes: dates as people write them, numbers, yes and no.

Pure: it knows forms and JSON Schema, and neither files nor what a field means.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import cache
from typing import Any, Final

from app.events.instants import due, instant
from app.kit.text import Text

Cell = str | int | float | bool | datetime | date | time
"""What a file holds at one place; a CSV holds text only, a workbook also numbers, dates and yes or no."""

Schema = Mapping[str, Any]

COMMON_DATES: Final = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
)
"""Forms (of `strptime`) that are tried where a mapping names none; ISO 8601 is always understood."""

NOON: Final = time(12)
"""Local time at which a fact happened of which only the day is told."""

_ISO: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_SAMPLE: Final = datetime(2010, 10, 10, 10, 10, 10, tzinfo=UTC)
_GROUPED: Final = re.compile(r"\d{1,3}(?:[., ]\d{3})+")
_YES: Final = frozenset({"true", "1", "yes", "y", "x", "có", "đúng"})
_NO: Final = frozenset({"false", "0", "no", "n", "không", "sai"})

_NO_DATE: Final = Text(
    "Không đọc được ngày giờ “{value}”. Các dạng được thử: 2026-03-20, 2026-03-20T16:30, {forms}.",
    "The date “{value}” cannot be read. Forms that were tried: 2026-03-20, 2026-03-20T16:30, {forms}.",
)
_NO_NUMBER: Final = Text("“{value}” không phải là số.", "“{value}” is not a number.")
_NO_WHOLE_NUMBER: Final = Text("“{value}” không phải là số nguyên.", "“{value}” is not a whole number.")
_NO_ANSWER: Final = Text(
    "“{value}” không phải có/không (true, false, 1, 0, có, không).",
    "“{value}” is neither yes nor no (true, false, 1, 0, yes, no).",
)
_NO_JSON: Final = Text("“{value}” không phải JSON hợp lệ.", "“{value}” is not valid JSON.")
_PARTS: Final = Text(
    "“{value}”: mỗi mục viết theo dạng {parts}, cách nhau bằng dấu chấm phẩy.",
    "“{value}”: each item is written as {parts}, separated by semicolons.",
)


class CellError(ValueError):
    """A cell that cannot be read as what is wanted, and why."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.text = reason


@dataclass(frozen=True)
class Reading:
    """How the cells of a file are read: the forms of its dates and the zone of its local times."""

    zone: tzinfo
    dates: Sequence[str] = COMMON_DATES
    day_at: time = NOON


def text(cell: Cell) -> str:
    """What the cell shows: a workbook's 22945.0 is the code 22945."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell) if isinstance(cell, int | float) else cell.isoformat()


def moment(cell: Cell, reading: Reading) -> datetime | date:
    """An instant with its zone, or a bare date where no time of day is told. Raises CellError.

    A workbook knows no bare dates: midnight to the second means that only the day was told.
    """
    if isinstance(cell, datetime):
        whole_day = cell.timetz() == time(0)
        return cell.date() if whole_day else _placed(cell, reading.zone)
    if isinstance(cell, date):
        return cell
    written = text(cell)
    if _ISO.fullmatch(written):
        try:
            if "T" in written or " " in written:
                return _placed(datetime.fromisoformat(written), reading.zone)
            return date.fromisoformat(written)
        except ValueError:
            pass  # 2026-02-30 looks like a date and is none
    for form in reading.dates:
        if written.isdecimal() and len(written) != _length(form):
            continue  # strptime would cut digits where it likes
        try:
            found = datetime.strptime(written, form)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        return _placed(found, reading.zone) if "%H" in form or "%I" in form else found.date()
    raise CellError(_NO_DATE.filled(value=written, forms=", ".join(reading.dates)))


@cache
def _length(form: str) -> int:
    return len(_SAMPLE.strftime(form))


def happened(cell: Cell, reading: Reading) -> str:
    """The instant of a fact as RFC 3339; of a bare date, the reading's time of that local day. Raises CellError."""
    if isinstance(cell, str) and _is_instant(cell.strip()):
        return cell.strip()
    found = moment(cell, reading)
    if not isinstance(found, datetime):
        found = datetime.combine(found, reading.day_at, reading.zone)
    return found.isoformat()


def value(cell: Cell, schema: Schema, reading: Reading) -> Any:
    """The JSON value that a field of this schema takes. Raises CellError.

    What the schema allows beyond its type (lengths, choices) is not judged here.
    """
    kinds = _kinds(schema)
    formats = {kind.get("format") for kind in kinds}
    types = {kind.get("type") for kind in kinds}
    if formats & {"date", "date-time"}:
        return _dated(cell, formats, reading)
    if "string" in types:
        return text(cell)
    for name, read in (("boolean", _answer), ("integer", _whole), ("number", _number)):
        if name in types:
            return read(cell)
    return _structured(cell, kinds, schema, reading)


def fields(schema: Schema) -> dict[str, Schema]:
    """The columns that an object's schema makes: its properties, those of an object inside it as `outer_inner`.

    Each column's schema carries the whole document's definitions, so that references can be followed.
    """
    found: dict[str, Schema] = {}
    for name, part in schema.get("properties", {}).items():
        inner = {**part, "$defs": schema.get("$defs", {})}
        nested = next((kind for kind in _kinds(inner) if kind.get("properties")), None)
        if nested is None:
            found[name] = inner
        else:
            nested = {**nested, "$defs": schema.get("$defs", {})}
            found |= {f"{name}_{below}": {**kind, "outer": name} for below, kind in fields(nested).items()}
    return found


def _kinds(schema: Schema) -> list[Schema]:
    """The alternatives of a schema, references followed, null left out."""
    definitions = schema.get("$defs", {})
    if "$ref" in schema:
        return _kinds({**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions})
    if "anyOf" in schema:
        return [kind for part in schema["anyOf"] for kind in _kinds({**part, "$defs": definitions})]
    return [] if schema.get("type") == "null" else [schema]


def _placed(found: datetime, zone: tzinfo) -> datetime:
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def _is_instant(written: str) -> bool:
    try:
        instant(written)
    except (ValueError, OverflowError):
        return False
    return True


def _dated(cell: Cell, formats: set[str | None], reading: Reading) -> str:
    if isinstance(cell, str):
        written = cell.strip()
        try:
            due(written)
        except (ValueError, OverflowError):
            pass
        else:
            if "date-time" in formats:
                return written  # in the contract's own form: not a digit is changed
    if "date" not in formats:
        return happened(cell, reading)
    found = moment(cell, reading)
    if "date-time" not in formats and isinstance(found, datetime):
        found = found.date()
    return found.isoformat()


def _answer(cell: Cell) -> bool:
    written = text(cell).casefold()
    if written not in _YES | _NO:
        raise CellError(_NO_ANSWER.filled(value=written))
    return written in _YES


def _whole(cell: Cell) -> int:
    written = text(cell)
    try:
        return int(written)
    except ValueError:
        raise CellError(_NO_WHOLE_NUMBER.filled(value=written)) from None


def _number(cell: Cell) -> int | float:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell
    written = text(cell)
    plain = re.sub(r"[., ]", "", written) if _GROUPED.fullmatch(written) else written
    try:
        return int(plain) if plain.isdecimal() else float(plain)
    except ValueError:
        raise CellError(_NO_NUMBER.filled(value=written)) from None


def _structured(cell: Cell, kinds: list[Schema], schema: Schema, reading: Reading) -> Any:
    """A list as `a; b`, a list of objects as `a:b; c:d` in the order of their fields, anything as JSON."""
    written = text(cell)
    if written.startswith(("[", "{")):
        try:
            return json.loads(written)
        except ValueError:
            raise CellError(_NO_JSON.filled(value=written)) from None
    array = next((kind for kind in kinds if kind.get("type") == "array"), None)
    if array is None:
        raise CellError(_NO_JSON.filled(value=written))
    inside = {**array.get("items", {}), "$defs": schema.get("$defs", {})}
    parts = fields(_kinds(inside)[0]) if _kinds(inside) else {}
    items = [item.strip() for item in written.split(";") if item.strip()]
    if not parts:
        return [value(item, inside, reading) for item in items]
    return [_parted(item, parts, reading) for item in items]


def _parted(item: str, parts: Mapping[str, Schema], reading: Reading) -> dict[str, Any]:
    given = [part.strip() for part in item.split(":")]
    if len(given) > len(parts):
        raise CellError(_PARTS.filled(value=item, parts=":".join(parts)))
    return {
        name: value(part, schema, reading)
        for (name, schema), part in zip(parts.items(), given, strict=False)
        if part
    }
