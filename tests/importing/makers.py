"""Makers of files that people import, and the import as the command runs it."""

import io
from pathlib import Path
from typing import Any

import openpyxl
import sqlalchemy as sa

from app.importing.importer import Options, import_files
from app.importing.report import Report
from app.kit.deployment import Deployment

EVENTS = "id;source;type;subject;time;unit;procedure;channel;due_at;duration_value;duration_unit;fee_required"
RECEIVED = "e1;/shop;dossier.received;H1;05/01/2026 08:00;U1;P1;online;2026-01-09;10;working_day;có"
PROCESSED = "e2;/shop;dossier.processed;H1;08/01/2026 10:00:30;;;;;;;"


def workbook(path: Path, rows: list[list[Any]], *, title: str = "Sheet1") -> Path:
    """An XLSX file with one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


async def imported(
    here: Deployment, *paths: Path, faults: io.StringIO | None = None, **options: Any
) -> Report:
    """Import files; options by the names of `Options`."""
    if faults is not None:
        faults.name = options.pop("faults_name", "faults.ndjson")
    return await import_files(here, list(paths), Options(**options), faults=faults, progress=lambda _: None)


def counts(report: Report) -> tuple[int, int, int]:
    """Accepted, duplicate, rejected."""
    return report.accepted, report.duplicate, report.rejected


async def log(here: Deployment) -> list[tuple[Any, ...]]:
    """What the log holds, by dossier and time."""
    statement = sa.text("SELECT id, type, subject, time, data FROM event ORDER BY subject, time, id")
    async with here.database.transaction() as connection:
        return [tuple(row) for row in await connection.execute(statement)]
