"""Tables for spreadsheets.

It knows how a cell is written so that a spreadsheet neither misreads nor runs it; which table, the route says.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from xlsxwriter import Workbook

_BOM: Final = "\ufeff"
"""Without it Excel reads UTF-8 as an old code page and breaks every Vietnamese letter."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """CSV (RFC 4180) line by line, for Excel and everything else."""
    yield _BOM + _line(header)
    for row in rows:
        yield _line([_cell(value) for value in row])


def _line(cells: Sequence[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: object) -> object:
    """A cell that begins like a formula is text that begins with an apostrophe: nothing sent here is ever run."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


Form = Literal["text", "whole", "decimal", "percent"]
_FORMS: Final[dict[Form, dict[str, object]]] = {
    "text": {"num_format": "@"},
    "whole": {"num_format": "#,##0"},
    "decimal": {"num_format": "#,##0.00"},
    "percent": {"num_format": "0.00%"},
}
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDEST: Final = 60


class Column(NamedTuple):
    """A column of a workbook's sheet: its heading, and what its cells are."""

    heading: str
    form: Form


def workbook(title: str, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> bytes:
    """One sheet with a frozen heading; numbers are numbers, and text is text whatever it begins with."""
    written = io.BytesIO()
    book = Workbook(written, OPTIONS)
    sheet = book.add_worksheet(sheet_name(title))
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    for place, column in enumerate(columns):
        cells = [row[place] for row in rows]
        wide = max([len(str(cell)) for cell in cells if cell is not None], default=0)
        form = book.add_format(_FORMS[column.form])
        sheet.set_column(place, place, min(max(wide, len(column.heading) // 2, 8) + 2, _WIDEST), form)
        sheet.write_string(0, place, column.heading, heading)
        for line, cell in enumerate(cells, start=1):
            if cell is not None:
                sheet.write(line, place, _cell(cell), form)
    sheet.freeze_panes(1, 0)
    book.close()
    return written.getvalue()


OPTIONS: Final = {
    "in_memory": True,  # no temporary files: the container's file system is read-only
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
"""How workbooks are made: what was sent as text stays text."""


def sheet_name(title: str) -> str:
    """The title as a sheet may be named: at most 31 characters, none of those that Excel forbids."""
    return "".join(letter for letter in title if letter not in "[]:*?/\\'")[:31]
