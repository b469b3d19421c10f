"""The page of official forms: II.06a of a period and a unit as a table, and the same as files.

It shows the very document that the API answers; each number leads to the dossiers that its column counts.
"""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard.figures import asked
from app.dashboard.frame import Chosen, Frame, UnitCode, framed
from app.dashboard.reader import FiguresReader, Reader
from app.dashboard.render import PageRoute, page
from app.directory.called import called_by
from app.directory.reach import visible_in
from app.figures.answer import Present
from app.figures.api import CSV, JSON
from app.kit import export
from app.kit.deployment import Here, Snapshot
from app.kit.text import Text
from app.metrics import periods
from app.reports import ii_06a
from app.reports.api import form, written

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_MEDIA: Final = {"csv": CSV, "xlsx": export.XLSX, "json": JSON}


@router.get("/reports")
async def ii_06a_page(
    request: Request,
    reader: FiguresReader,
    here: Here,
    connection: Snapshot,
    unit: UnitCode = None,
    period: Chosen = None,
    as_: Annotated[Literal["csv", "xlsx", "json"] | None, Query(alias="as")] = None,
) -> Response:
    """Form II.06a of a unit with all below it (without one: of all that the key reaches); `as` a file."""
    frame = await framed(connection, reader, here, period)
    put = asked(frame, frame.period, unit or None)
    document = await form(Present(connection, reader.zone, reader.now), put, reader.language)
    if as_ is not None:
        return written(request, document, _MEDIA[as_], reader.language)
    return page(
        request,
        reader,
        "reports.html",
        **frame.values,
        report_choices=report_choices(reader),
        unit=unit or reader.caller.unit or "",
        units=await offered(connection, frame),
        document=document,
        heads=heads(reader),
        columns=[(column, column.heading.said(reader.language)) for column in ii_06a.COLUMNS],
        files=tuple(_MEDIA),
    )


def report_choices(reader: Reader) -> list[tuple[str, str]]:
    """The reporting periods of this year and the last quarter of the one before: their names, and how they are shown."""
    parts = ("", "H1", "9M", "Q1", "Q2", "Q3", "Q4")
    named = [(reader.today.year, part) for part in parts] + [(reader.today.year - 1, "Q4")]
    found = []
    for year, part in named:
        name = f"report:{year}" + (f"-{part}" if part else "")
        if periods.parse(name).from_ <= reader.today:
            found.append((name, f"{part} {year}".strip()))
    return found


def heads(reader: Reader) -> list[tuple[str, int]]:
    """The common headings in their order, each with how many columns stand under it."""
    found: list[tuple[Text, int]] = []
    for column in ii_06a.COLUMNS:
        if found and found[-1][0] == column.over:
            found[-1] = (column.over, found[-1][1] + 1)
        else:
            found.append((column.over, 1))
    return [(over.said(reader.language), many) for over, many in found]


async def offered(connection: AsyncConnection, frame: Frame) -> list[tuple[str, str]]:
    """Code and name of the units that may be chosen: those that stand on the period's last day, as far as the key reaches."""
    reader, structure = frame.reader, frame.structure
    day = min(frame.period.to, reader.today)
    reached = visible_in(structure, reader.caller, [], reader.today)
    codes = {
        code
        for code in (structure if reached is None else reached)
        if (standing := structure.standing(code, day)) is not None and standing.holds(day)
    }
    names = await called_by(connection, "unit", codes, reader.language, day)
    return sorted(names.items(), key=lambda one: (one[1], one[0]))
