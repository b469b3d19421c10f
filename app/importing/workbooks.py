"""Rows of a workbook (XLSX), streamed: values as Excel last computed them, and what is wrong with single cells.

It knows cells, errors and formulas of a workbook; what a column means it refuses to know.
"""

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.importing.cells import Cell
from app.importing.sheets import Numbered, Sheet, table
from app.kit.problems import Problem
from app.kit.text import Text

_STEP: Final = 1024 * 1024

_NOT_ONE: Final = Text(
    "{file}: không đọc được như một tệp XLSX; hãy mở bằng Excel và lưu lại.",
    "{file}: it cannot be read as an XLSX file; open it in Excel and save it again.",
)
_NO_SHEET: Final = Text(
    "{file}: không có trang tính {sheet}. Có: {there}.", "{file}: there is no sheet {sheet}. It has: {there}."
)
_ERROR: Final = Text("Ô {cell} báo lỗi {value}.", "Cell {cell} holds the error {value}.")
_FORMULA: Final = Text(
    "Ô {cell} có công thức chưa được tính; hãy mở bằng Excel và lưu lại, hoặc dán giá trị.",
    "Cell {cell} holds a formula that was never computed; open it in Excel and save it, or paste values.",
)
_DURATION: Final = Text(
    "Ô {cell} là một khoảng thời gian, không phải ngày giờ.", "Cell {cell} is a span of time, not a date."
)


@contextmanager
def from_workbook(path: Path, content: BinaryIO, sheet: str | None) -> Iterator[Sheet]:
    """The table on a sheet (by default the first that is shown). Raises Problem unreadable or invalid."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that a table has no use for
            book = openpyxl.load_workbook(content, read_only=True, data_only=True)
            formulas = openpyxl.load_workbook(path, read_only=True) if _has_formulas(path) else None
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise Problem("unreadable", _NOT_ONE.filled(file=path.name)) from None
    try:
        name = _chosen(path, book, sheet)
        yield table(path.name, _numbered(book[name], formulas and formulas[name]))
    finally:
        book.close()
        if formulas is not None:
            formulas.close()


def _chosen(path: Path, book: Any, sheet: str | None) -> str:
    names = [found.title for found in book.worksheets]
    if sheet is not None and sheet not in names:
        raise Problem("invalid", _NO_SHEET.filled(file=path.name, sheet=sheet, there=", ".join(names)))
    shown = [found.title for found in book.worksheets if found.sheet_state == "visible"]
    if sheet is None and not shown:
        raise Problem("invalid", _NO_SHEET.filled(file=path.name, sheet="1", there=", ".join(names)))
    return sheet or shown[0]


def _has_formulas(path: Path) -> bool:
    """Whether any sheet holds a formula: only then is the second, slower look at each cell worth it."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as content:
                    tail = b""
                    while part := content.read(_STEP):
                        seen = tail + part
                        if b"<f>" in seen or b"<f " in seen:
                            return True
                        tail = part[-2:]
    return False


def _numbered(values: Any, formulas: Any | None) -> Numbered:
    values.reset_dimensions()  # some programs write a size that is not the table's
    if formulas is None:
        for number, cells in enumerate(values.iter_rows(), 1):
            yield number, *_read(cells, cells, number)
        return
    formulas.reset_dimensions()
    for number, (cells, told) in enumerate(zip(values.iter_rows(), formulas.iter_rows(), strict=True), 1):
        yield number, *_read(cells, told, number)


def _read(
    cells: Sequence[Any], told: Sequence[Any], number: int
) -> tuple[list[Cell | None], dict[int, Text]]:
    found: list[Cell | None] = []
    faults: dict[int, Text] = {}
    for place, (cell, as_written) in enumerate(zip(cells, told, strict=True)):
        value = cell.value
        found.append(None)
        if value is None:
            if as_written.data_type == "f":
                faults[place] = _FORMULA.filled(cell=_name(place, number))
        elif cell.data_type == "e":
            faults[place] = _ERROR.filled(cell=_name(place, number), value=value)
        elif isinstance(value, str | int | float | datetime | date | time):
            found[-1] = value
        else:
            faults[place] = _DURATION.filled(cell=_name(place, number))
    return found, faults


def _name(place: int, row: int) -> str:
    from openpyxl.utils import get_column_letter

    return f"{get_column_letter(place + 1)}{row}"
