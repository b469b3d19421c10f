"""An answer as a table: its rows, and its total as the last line.

It knows the shape of a document and says which cell is what; how a file is written, `kit.export` knows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.figures.rows import Row
from app.kit import export
from app.kit.export import Column, Form
from app.kit.text import Language, Text
from app.metrics.metric import Balance, Rate, Statistic
from app.metrics.question import Dimension, Question

_NAMED: Final = ("unit", "child", "procedure", "sector")
_KEYS: Final[dict[Dimension, Text]] = {
    "unit": Text("Đơn vị", "Unit"),
    "child": Text("Đơn vị trực thuộc", "Unit below"),
    "procedure": Text("Thủ tục", "Procedure"),
    "sector": Text("Lĩnh vực", "Sector"),
    "channel": Text("Kênh", "Channel"),
    "source": Text("Nguồn", "Source"),
    "day": Text("Ngày", "Day"),
    "month": Text("Tháng", "Month"),
    "quarter": Text("Quý", "Quarter"),
    "year": Text("Năm", "Year"),
}
_CODE: Final = Text("Mã: {of}", "Code: {of}")
_BEFORE: Final = Text("{of}, kỳ so sánh", "{of}, period compared with")
_TOTAL: Final = Text("Tổng", "Total")
_NUMERATOR: Final = Text("Tử số", "Numerator")
_DENOMINATOR: Final = Text("Mẫu số", "Denominator")
_EXCLUDED: Final[dict[str, Text]] = {
    "undated": Text("Không tính: không rõ hạn", "Excluded: undated"),
    "service_level_unknown": Text("Không tính: chưa rõ mức độ", "Excluded: service level unknown"),
    "fee_unknown": Text("Không tính: chưa rõ phí", "Excluded: fee unknown"),
}
_UNITS: Final = {"second": Text("giây", "seconds"), "working_hour": Text("giờ làm việc", "working hours")}


@dataclass(frozen=True)
class _Field:
    """A column: where its cells stand in a row, what it is called, and its form."""

    path: tuple[str, ...]
    heading: Text
    form: Form

    def of(self, row: Row) -> Any:
        found: Any = row
        for name in self.path:
            found = found.get(name) if isinstance(found, dict) else None
        return found


@dataclass(frozen=True)
class Table:
    """A table that can be written as CSV, with the names of the JSON members, and as a workbook for readers."""

    title: str
    names: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]

    def csv(self) -> bytes:
        """UTF-8 with a byte order mark."""
        return "".join(export.csv_lines(self.names, self.rows)).encode()

    def xlsx(self) -> bytes:
        """A workbook with typed cells and a frozen heading."""
        return export.workbook(self.title, self.columns, self.rows)


def table(document: Row, question: Question, metric: Rate | Balance | Statistic, language: Language) -> Table:
    """The rows of an answer and its total, the last line; without keys the total alone."""
    labels = list(_labels(question))
    figures = list(_figures(metric))
    if "compared" in document:
        figures += [
            _Field(("previous", *field.path), _also(_BEFORE, field.heading), field.form)
            for field in figures
            if field.path[0] != "excluded"
        ]
    rows = [[field.of(row) for field in labels + figures] for row in document["rows"]]
    first = [_TOTAL.said(language)] if labels else []
    blank = [None] * max(len(labels) - 1, 0)
    rows.append([*first, *blank, *(field.of(document["total"]) for field in figures)])
    return Table(
        metric.names.said(language),
        [".".join(field.path) for field in labels + figures],
        [Column(field.heading.said(language), field.form) for field in labels + figures],
        rows,
    )


def _also(sentence: Text, of: Text) -> Text:
    return Text(sentence.vi.format(of=of.vi), sentence.en.format(of=of.en))


def _labels(question: Question) -> Iterator[_Field]:
    for by in question.by:
        if by in _NAMED:
            yield _Field((by, "code"), _also(_CODE, _KEYS[by]), "text")
            yield _Field((by, "name"), _KEYS[by], "text")
        else:
            yield _Field((by,), _KEYS[by], "text")


def _figures(metric: Rate | Balance | Statistic) -> Iterator[_Field]:
    if isinstance(metric, Rate):
        yield _Field(("numerator",), _NUMERATOR, "whole")
        yield _Field(("denominator",), _DENOMINATOR, "whole")
        yield _Field(("rate",), metric.names, "percent")
        for reason in metric.excluded:
            yield _Field(("excluded", reason), _EXCLUDED[reason], "whole")
    elif isinstance(metric, Balance):
        for key, says in metric.parts.items():
            yield _Field((key,), says, "whole")
    else:
        unit = _UNITS[metric.unit]
        for name, says in metric.parts.items():
            if name == "count":
                yield _Field((name,), says, "whole")
            else:
                heading = Text(f"{says.vi} ({unit.vi})", f"{says.en} ({unit.en})")
                yield _Field((name,), heading, "decimal")
