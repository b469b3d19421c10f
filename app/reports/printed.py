"""Form II.06a as a workbook that prints like the form: titles, numbered columns, notes, signatures.

It knows the sheet's layout; what stands in the columns it is handed.
"""

import io
from typing import Any, Final

from xlsxwriter import Workbook

from app.kit.export import OPTIONS
from app.kit.text import Language, Text
from app.reports.ii_06a import CIRCULARS, COLUMNS, FORM, TITLE

_NUMBER: Final = Text("STT", "No.")
_SECTOR: Final = Text("Lĩnh vực giải quyết", "Sector")
_FORM_NUMBER: Final = Text("Biểu số {form}", "Form {form}")
_PERIOD: Final = Text("Kỳ báo cáo: từ ngày {begin} đến ngày {end}", "Period: {begin} to {end}")
_REPORTING: Final = Text("Đơn vị báo cáo: {unit}", "Reporting unit: {unit}")
_RECEIVING: Final = Text("Đơn vị nhận báo cáo: ………………………", "Receiving unit: ………………………")
_ALL: Final = Text("tất cả đơn vị", "all units")
_UNIT_OF_COUNT: Final = Text("Đơn vị tính: số hồ sơ TTHC", "Unit: dossiers")
_TOTAL: Final = Text("TỔNG CỘNG", "TOTAL")
_NOTES: Final = Text("Ghi chú:", "Notes:")
_PLACE: Final = Text("………, ngày …… tháng …… năm ……", "………, date ………………")
_DRAFTED: Final = Text("NGƯỜI LẬP BIỂU", "DRAWN UP BY")
_HEAD: Final = Text("THỦ TRƯỞNG ĐƠN VỊ", "HEAD OF THE UNIT")
_SIGNED: Final = Text("(Ký, ghi rõ họ tên)", "(Signature, full name)")
_SEALED: Final = Text("(Ký, đóng dấu, ghi rõ họ tên)", "(Signature, seal, full name)")

_LAST: Final = len(COLUMNS) + 1
"""The last column of the sheet: a number and a sector stand before the numbered ones."""
_NAME_LETTERS: Final = 28
_LINE_POINTS: Final = 15
_HEADINGS: Final = 6
"""The line of the common headings; the column's own, and its number, stand in the next two."""


def workbook(document: dict[str, Any], language: Language) -> bytes:
    """The form as an XLSX file, landscape A4, one page wide."""
    written = io.BytesIO()
    book = Workbook(written, OPTIONS)
    sheet = book.add_worksheet("II.06a")
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEADINGS, _HEADINGS + 2)
    sheet.set_column(0, 0, 5)
    sheet.set_column(1, 1, _NAME_LETTERS + 2)
    sheet.set_column(2, _LAST, 10.5)
    _titles(book, sheet, document, language)
    _headings(book, sheet, language)
    line = _lines(book, sheet, document, language)
    _feet(book, sheet, document, line + 1, language)
    sheet.freeze_panes(_HEADINGS + 3, 2)
    book.close()
    return written.getvalue()


def _format(book: Workbook, **more: Any) -> Any:
    return book.add_format({"font_name": "Times New Roman", "font_size": 11, **more})


def _titles(book: Workbook, sheet: Any, document: dict[str, Any], language: Language) -> None:
    bold = _format(book, bold=True)
    plain = _format(book)
    small = _format(book, italic=True, font_size=9, text_wrap=True, valign="top")
    title = _format(book, bold=True, font_size=13, align="center", valign="vcenter", text_wrap=True)
    centred = _format(book, align="center")
    period = document["period"]
    unit = (document["unit"] or {}).get("name") or _ALL.said(language)
    dates = [
        day.strftime("%d/%m/%Y") if language == "vi" else str(day) for day in (period["from"], period["to"])
    ]
    sheet.set_row(1, 38)
    sheet.merge_range(0, 0, 0, 3, _FORM_NUMBER.filled(form=FORM).said(language), bold)
    sheet.merge_range(1, 0, 1, 3, CIRCULARS.said(language), small)
    sheet.merge_range(0, 4, 1, 8, TITLE.said(language).upper(), title)
    sheet.merge_range(2, 4, 2, 8, _PERIOD.filled(begin=dates[0], end=dates[1]).said(language), centred)
    # Written as texts: a unit's name may begin like a formula.
    sheet.merge_range(0, 9, 0, _LAST, "", plain)
    sheet.write_string(0, 9, _REPORTING.filled(unit=unit).said(language), plain)
    sheet.merge_range(1, 9, 1, _LAST, _RECEIVING.said(language), _format(book, valign="top"))
    right = _format(book, italic=True, align="right")
    sheet.merge_range(4, 9, 4, _LAST, _UNIT_OF_COUNT.said(language), right)


def _headings(book: Workbook, sheet: Any, language: Language) -> None:
    heading = _format(book, bold=True, border=1, align="center", valign="vcenter", text_wrap=True)
    numbered = _format(
        book, italic=True, border=1, align="center", font_size=8, text_wrap=True, valign="vcenter"
    )
    sheet.set_row(_HEADINGS + 1, 48)
    sheet.set_row(_HEADINGS + 2, 24)
    for place, name in enumerate((_NUMBER, _SECTOR)):
        sheet.merge_range(_HEADINGS, place, _HEADINGS + 1, place, name.said(language), heading)
        sheet.write_string(_HEADINGS + 2, place, f"({place + 1})", numbered)
    first = 0
    for place, column in enumerate(COLUMNS):
        if place + 1 == len(COLUMNS) or COLUMNS[place + 1].over != column.over:
            sheet.merge_range(_HEADINGS, first + 2, _HEADINGS, place + 2, column.over.said(language), heading)
            first = place + 1
        sheet.write_string(_HEADINGS + 1, place + 2, column.heading.said(language), heading)
        sheet.write_string(_HEADINGS + 2, place + 2, column.formula or f"({column.number})", numbered)


def _lines(book: Workbook, sheet: Any, document: dict[str, Any], language: Language) -> int:
    """Writes the lines of the sectors and their total; the line after them."""
    text = _format(book, border=1, text_wrap=True, valign="vcenter")
    centred = _format(book, border=1, align="center", valign="vcenter")
    number = _format(book, border=1, num_format="#,##0", valign="vcenter")
    line = _HEADINGS + 3
    for row in document["rows"]:
        # A wrapped name needs its height said: not every program finds it when it opens the file.
        sheet.set_row(line, _LINE_POINTS * -(-len(row["sector"]["name"]) // _NAME_LETTERS))
        sheet.write_number(line, 0, row["number"], centred)
        sheet.write_string(line, 1, row["sector"]["name"], text)
        for place, column in enumerate(COLUMNS):
            sheet.write_number(line, place + 2, row[column.name], number)
        line += 1
    strong = _format(book, border=1, bold=True, align="center")
    sheet.merge_range(line, 0, line, 1, _TOTAL.said(language), strong)
    bold = _format(book, border=1, bold=True, num_format="#,##0")
    for place, column in enumerate(COLUMNS):
        sheet.write_number(line, place + 2, document["total"][column.name], bold)
    return line + 1


def _feet(book: Workbook, sheet: Any, document: dict[str, Any], line: int, language: Language) -> None:
    note = _format(book, italic=True, font_size=10)
    sheet.write_string(line, 0, _NOTES.said(language), _format(book, bold=True, italic=True, font_size=10))
    for place, said in enumerate(document["notes"], start=1):
        sheet.write_string(line + place, 0, f"({place}) {said}", note)
    line += len(document["notes"]) + 2
    centred = _format(book, align="center", italic=True)
    strong = _format(book, align="center", bold=True)
    sheet.merge_range(line, 8, line, _LAST, _PLACE.said(language), centred)
    for first, last, who, how in ((0, 3, _DRAFTED, _SIGNED), (8, _LAST, _HEAD, _SEALED)):
        sheet.merge_range(line + 1, first, line + 1, last, who.said(language), strong)
        sheet.merge_range(line + 2, first, line + 2, last, how.said(language), centred)
