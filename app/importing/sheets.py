"""Rows of a table with headings, from a CSV file or a workbook, one at a time.

It knows separators, headings and blank rows; what a column means it refuses to know.
"""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Final, NamedTuple

from app.importing.cells import Cell
from app.kit.problems import Problem
from app.kit.text import Text

DELIMITERS: Final = {",": "“,”", ";": "“;”", "\t": "tab", "|": "“|”"}

_NO_HEADINGS: Final = Text("{file}: không có dòng tiêu đề.", "{file}: there is no row of headings.")
_BROKEN: Final = Text(
    "{file}: không đọc được từ dòng {row} ({reason}); thường là dấu nháy kép mở mà không đóng.",
    "{file}: it cannot be read from row {row} on ({reason}); mostly a quotation mark that is opened and never closed.",
)
_WIDE: Final = Text(
    "Dòng có nhiều ô hơn dòng tiêu đề; có lẽ một ô chứa dấu phân cách mà không nằm trong dấu nháy kép.",
    "The row has more cells than there are headings; probably a cell holds the separator without quotation marks.",
)
_MISSING: Final = Text(
    "{file}: thiếu cột {missing}. Các cột trong tệp: {there}.{hint}",
    "{file}: the columns {missing} are missing. The file has: {there}.{hint}",
)
_ONE_COLUMN: Final = Text(
    " Tệp chỉ có một cột: có lẽ dấu phân cách không phải {delimiter}; dùng --delimiter.",
    " The file has a single column: its separator is probably not {delimiter}; use --delimiter.",
)
_TWICE: Final = Text("{file}: cột {name} có hai lần.", "{file}: the column {name} stands twice.")


Numbered = Iterator[tuple[int, Sequence[Cell | None], dict[int, Text]]]
"""Rows as they lie in a file: number from 1, cells by place, and the faults of single cells by place."""


class Row(NamedTuple):
    """One row: its number as a spreadsheet shows it, its cells by heading (blank ones left out), and its faults."""

    number: int
    cells: dict[str, Cell]
    faults: dict[str, Text]


@dataclass
class Sheet:
    """A table: its headings as written, and its rows, which can be read once."""

    file: str
    headings: list[str]
    rows: Iterator[Row]
    delimiter: str | None = None
    twice: set[str] = field(default_factory=set)

    def require(self, wanted: Iterable[Sequence[str]]) -> None:
        """Refuse a table in which, of some group of headings, none stands. Raises Problem invalid."""
        there = {folded(name) for name in self.headings}
        missing = [names for names in wanted if not any(folded(name) in there for name in names)]
        if missing:
            told = ", ".join(f"“{' / '.join(names)}”" for names in missing)
            hint = Text("", "")
            if self.delimiter is not None and len(self.headings) == 1:
                hint = _ONE_COLUMN.filled(delimiter=DELIMITERS.get(self.delimiter, self.delimiter))
            columns = ", ".join(f"“{name}”" for name in self.headings)
            values = {"file": self.file, "missing": told, "there": columns}
            raise Problem(
                "invalid",
                Text(_MISSING.vi.format(**values, hint=hint.vi), _MISSING.en.format(**values, hint=hint.en)),
            )

    def refuse_twice(self, used: Iterable[str]) -> None:
        """Refuse a table in which a heading that is used stands twice. Raises Problem invalid."""
        for name in used:
            if folded(name) in self.twice:
                raise Problem("invalid", _TWICE.filled(file=self.file, name=name))


def folded(heading: str) -> str:
    """The form in which headings are compared: case, spaces and the way of composing letters do not matter."""
    return " ".join(unicodedata.normalize("NFC", heading).split()).casefold()


def table(file: str, numbered: Numbered, *, delimiter: str | None = None) -> Sheet:
    """The table whose first row that is not blank holds the headings. Raises Problem invalid without one.

    A row comes with its number and with the faults of single cells by their place.
    """
    for _, cells, _ in numbered:
        if any(not _is_blank(cell) for cell in cells):
            headings = ["" if cell is None else " ".join(str(cell).split()) for cell in cells]
            break
    else:
        raise Problem("invalid", _NO_HEADINGS.filled(file=file))
    names = [folded(name) for name in headings]
    sheet = Sheet(file, [name for name in headings if name], iter(()), delimiter)
    sheet.twice = {name for name in names if name and names.count(name) > 1}
    sheet.rows = _rows(names, numbered)
    return sheet


def _rows(names: list[str], numbered: Numbered) -> Iterator[Row]:
    for number, cells, faults in numbered:
        found = {
            name: cell
            for name, cell in zip(names, cells, strict=False)
            if name and cell is not None and not _is_blank(cell)
        }
        told = {names[place] if place < len(names) else "": reason for place, reason in faults.items()}
        if any(not _is_blank(cell) for cell in cells[len(names) :]):
            told[""] = _WIDE
        if found or told:
            yield Row(number, found, told)


def _is_blank(cell: Cell | None) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def from_csv(file: str, lines: Iterator[str], delimiter: str | None) -> Sheet:
    """The table in the lines of a CSV file; without a delimiter, the one that stands most often in its headings."""
    skipped, first = next(((number, line) for number, line in enumerate(lines) if line.strip()), (0, ""))
    chosen = delimiter or max(DELIMITERS, key=first.count)
    return table(file, _numbered(file, skipped, chain((first,), lines), chosen), delimiter=chosen)


def _numbered(file: str, skipped: int, lines: Iterator[str], delimiter: str) -> Numbered:
    rows = csv.reader(lines, delimiter=delimiter)
    for number in count(skipped + 1):
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise Problem("unreadable", _BROKEN.filled(file=file, row=number, reason=error)) from None
        yield number, cells, {}
