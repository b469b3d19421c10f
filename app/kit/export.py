"""Tables for spreadsheets.

It knows how a cell is written so that a spreadsheet neither misreads nor runs it; which table, the route says.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

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
