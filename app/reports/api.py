"""The routes of official forms.

They turn a request into the form's lines and answer them as JSON, as a table, or as the printed form.
"""

from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from app.figures.answer import Present, named
from app.figures.api import CSV, IN_TABLES, JSON, TABLES, Answerable, conditional
from app.figures.asked import media_type, question
from app.figures.parameters import Within
from app.keys.guard import MetricsRead
from app.kit import export
from app.kit.deployment import Here, Snapshot
from app.kit.http import language
from app.kit.text import Language, Text
from app.metrics.queries import tally
from app.metrics.question import Question
from app.reports import ii_06a, printed
from app.reports.schemas import FormAnswer

router: Final = APIRouter(prefix="/v1/reports", tags=["reports"])

_NO_SECTOR: Final = Text("Chưa rõ lĩnh vực", "Sector unknown")


@router.get("/ii-06a", summary="Form II.06a", response_model=FormAnswer, responses=IN_TABLES)
async def form_ii_06a(
    caller: MetricsRead,
    _: Answerable,
    asked: Annotated[Within, Query()],
    request: Request,
    here: Here,
    connection: Snapshot,
) -> Response:
    """Dossiers received, resolved and in progress by sector; as a workbook, laid out as the printed form."""
    wanted = media_type(request, TABLES)
    now, zone, reader = here.clock(), here.settings.zone, language(request)
    put = await question(connection, caller, asked, None, now.astimezone(zone).date())
    document = await form(Present(connection, zone, now), put, reader)
    return written(request, document, wanted, reader)


async def form(present: Present, put: Question, reader: Language) -> dict[str, Any]:
    """The form's document: its columns, a line for each sector, the total, and the notes."""
    return {
        "report": ii_06a.FORM,
        "title": ii_06a.TITLE.said(reader),
        "issued": ii_06a.CIRCULARS.said(reader),
        **await present.dated(put.period),
        "unit": await _unit(present, put, reader),
        "columns": [
            {
                "number": column.number,
                "name": column.name,
                "heading": f"{column.over.said(reader)}: {column.heading.said(reader)}",
                "formula": column.formula or None,
            }
            for column in ii_06a.COLUMNS
        ],
        **await _lines(present, put, reader),
    }


def written(request: Request, document: dict[str, Any], media: str, reader: Language) -> Response:
    """The document in one of the media types of tables: CSV, the workbook laid out as the printed form, or JSON."""
    name = f"II.06a-{document['period']['from']}-{document['period']['to']}"
    if media == CSV:
        return conditional(request, document, media, lambda: _csv(document), f"{name}.csv")
    if media == export.XLSX:
        return conditional(
            request, document, media, lambda: printed.workbook(document, reader), f"{name}.xlsx"
        )
    return conditional(request, document, JSON, lambda: msgspec.json.encode(document))


async def _unit(present: Present, put: Question, reader: Language) -> dict[str, Any] | None:
    if put.root is None:
        return None
    names = await named(present.connection, "unit", {put.root}, reader, present.naming_day(put))
    return {"code": put.root, "name": names.get(put.root, put.root)}


async def _lines(present: Present, put: Question, reader: Language) -> dict[str, Any]:
    """The lines of the sectors by their codes, the total, and the notes."""
    asked = replace(put, counts=ii_06a.NEEDS)
    zone, now = present.zone, present.now
    (whole,) = await tally(present.connection, asked, zone=zone, now=now)
    groups = await tally(present.connection, replace(asked, by=("sector",)), zone=zone, now=now)
    groups.sort(key=lambda group: (group.keys[0] is None, group.keys[0] or ""))
    rows = [
        {
            "number": place,
            "sector": {"code": group.keys[0], "name": group.keys[0] or _NO_SECTOR.said(reader)},
            **_line(group.counts),
        }
        for place, group in enumerate(groups, start=1)
    ]
    total = _line(whole.counts)
    notes = [note.said(reader) for note in ii_06a.notes(whole.counts, total["residual"])]
    return {"rows": rows, "total": total, "notes": notes}


def _line(counts: Any) -> dict[str, int]:
    found = ii_06a.columns(counts)
    return {**found, "residual": ii_06a.residual(found)}


def _csv(document: dict[str, Any]) -> bytes:
    """The lines by sector, and the total as the last."""
    names = [column.name for column in ii_06a.COLUMNS] + ["residual"]
    rows = [[row["sector"]["code"], *(row[name] for name in names)] for row in document["rows"]]
    rows.append(["TOTAL", *(document["total"][name] for name in names)])
    return "".join(export.csv_lines(["sector", *names], rows)).encode()
