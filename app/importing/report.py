"""What became of an import, or would become of it: counts that add up, and every fault with its row and column.

It knows how results are told to people and written to a file; it decides nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from app.events.ingest import Result
from app.importing.entries import Wrong
from app.importing.facts import Made
from app.kit.export import csv_lines
from app.kit.text import Text

_SHOWN: Final = 20
_MANY_CODES: Final = 20_000
"""Distinct codes that are kept in mind; a directory has fewer, and memory stays flat."""


@dataclass
class Described:
    """What writing a table of the directory did, or would do."""

    file: str
    kind: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass
class Report:
    """What became of the events and entries of all files; in a dry run `accepted` counts the events that are valid."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    dry_run: bool = False
    types: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, Text]] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    procedures: Counter[str] = field(default_factory=Counter)
    directory: list[Described] = field(default_factory=list)
    resumed: dict[str, int] = field(default_factory=dict)

    def named(self, which: Counter[str], code: str | None) -> None:
        """Note that an event names a unit or a procedure."""
        if code is not None and (code in which or len(which) < _MANY_CODES):
            which[code] += 1

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "dry_run": self.dry_run,
            "types": dict(sorted(self.types.items())),
            "unknown_units": dict(self.units.most_common()),
            "unknown_procedures": dict(self.procedures.most_common()),
            "directory": [vars(described) for described in self.directory],
            "resumed": self.resumed,
        }

    def told(self, language: str) -> Iterator[str]:
        """The report in words, line by line; the last line has the exact counts."""
        for file, events in self.resumed.items():
            yield _RESUMED.filled(file=file, events=events).said(language)
        for name, count in sorted(self.types.items()):
            yield f"  {name:<32}{count:>9}"
        for which, sentence in ((self.units, _UNITS), (self.procedures, _PROCEDURES)):
            if which:
                codes = ", ".join(f"{code} ({count})" for code, count in which.most_common(_SHOWN))
                yield sentence.filled(count=len(which), codes=codes).said(language)
        for (column, reason), count in self.faults.most_common(_SHOWN):
            yield f"  {count} × {column or '-'}: {reason.said(language)}"
        for described in self.directory:
            yield _DESCRIBED.filled(**vars(described)).said(language)
        if self.dry_run:
            yield _DRY.said(language)
        if not self.directory or self.accepted + self.duplicate + self.rejected:
            values = {"accepted": self.accepted, "duplicate": self.duplicate, "rejected": self.rejected}
            yield _COUNTS.filled(**values).said(language)


_RESUMED: Final = Text(
    "{file}: tiếp tục sau {events} sự việc đã nhập ở lần trước.",
    "{file}: went on after {events} events that an earlier run had stored.",
)
_UNITS: Final = Text(
    "{count} đơn vị chưa có trong danh mục: {codes}", "{count} units are not in the directory yet: {codes}"
)
_PROCEDURES: Final = Text(
    "{count} thủ tục chưa có trong danh mục: {codes}",
    "{count} procedures are not in the directory yet: {codes}",
)
_DESCRIBED: Final = Text(
    "{file} ({kind}): {created} mới, {changed} thay đổi, {unchanged} giữ nguyên, {rejected} bị từ chối",
    "{file} ({kind}): {created} new, {changed} changed, {unchanged} unchanged, {rejected} rejected",
)
_DRY: Final = Text("Chạy thử: chưa lưu gì.", "Dry run: nothing was stored.")
_COUNTS: Final = Text(
    "{accepted} đã nhận, {duplicate} trùng, {rejected} bị từ chối",
    "{accepted} accepted, {duplicate} duplicate, {rejected} rejected",
)


class Faults:
    """Tells every fault: counted in the report, and written to a file where one is wanted; never the data.

    The file is NDJSON, or a table for Excel where its name ends in `.csv`.
    """

    def __init__(self, report: Report, language: str, file: TextIO | None) -> None:
        self._report, self._language, self._file = report, language, file
        self._as_table = file is not None and Path(file.name).suffix.lower() == ".csv"
        if self._as_table:
            self._write_row(["file", "row", "column", "id", "status", "detail"], heading=True)

    def of_event(self, file: str, made: Made, result: Result) -> None:
        """An event that was not stored."""
        found = [
            (fault.pointer, made.columns.get(fault.pointer) or fault.pointer, fault.detail)
            for fault in result.errors
        ]
        self._tell(file, made.place, result.id, result.status, found)

    def of_entry(self, file: str, wrong: Wrong) -> None:
        """A row of a directory table."""
        self._tell(file, wrong.row, None, "invalid", [(f"/{wrong.column}", wrong.column, wrong.reason)])

    def _tell(
        self, file: str, place: int, named: str | None, status: str, found: list[tuple[str, str, Text]]
    ) -> None:
        for _, column, reason in found:
            key = (column, reason)
            if key in self._report.faults or len(self._report.faults) < _MANY_CODES:
                self._report.faults[key] += 1
        if self._file is None:
            return
        if self._as_table:
            for _, column, reason in found:
                self._write_row([file, place, column, named, status, reason.said(self._language)])
            return
        errors = [
            {"pointer": pointer, "column": column, "detail": reason.said(self._language)}
            for pointer, column, reason in found
        ]
        told = {"file": file, "line": place, "id": named, "status": status, "errors": errors}
        self._file.write(json.dumps(told, ensure_ascii=False) + "\n")

    def _write_row(self, cells: list[object], *, heading: bool = False) -> None:
        assert self._file is not None  # noqa: S101 - only called where there is one
        first, *rest = csv_lines([str(cell) for cell in cells], []) if heading else csv_lines([], [cells])
        self._file.write(first if heading else rest[0])
