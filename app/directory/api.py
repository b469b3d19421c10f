"""The routes of the directory: units and procedures are described here and read back.

It knows HTTP; what may be written is `registrar`'s to say, and what may be seen is `reach`'s.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query

from app.directory import queries
from app.directory.codes import canonical_procedure
from app.directory.reach import visible_units
from app.directory.registrar import put_procedures, put_units
from app.directory.schemas import (
    MAX_ENTRIES,
    Procedure,
    ProcedureDescription,
    ProcedureEntry,
    Tally,
    Unit,
    UnitDescription,
    UnitNode,
    UnitTree,
)
from app.keys.guard import DirectoryWrite, MetricsRead
from app.kit import paging
from app.kit.codes import Code
from app.kit.deployment import Here, Snapshot, Transaction
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Problem
from app.kit.text import Text

router: Final = APIRouter(prefix="/v1", tags=["directory"])

UnitCode = Annotated[Code, Path(description="Code of the unit.", examples=["H10.25"])]
ProcedureCode = Annotated[
    Code, Path(description="Code of the procedure, as published or canonical.", examples=["1.004946"])
]
Asked = Annotated[
    tuple[Code, ...],
    Query(description="These units with all below them; absent: all that the key may see.", max_length=100),
]
Units = Annotated[list[Unit], Body(max_length=MAX_ENTRIES)]
Procedures = Annotated[list[ProcedureEntry], Body(max_length=MAX_ENTRIES)]

_NO_UNIT: Final = Text("Danh mục chưa có đơn vị {code}.", "The directory has no unit {code} yet.")
_NO_PROCEDURE: Final = Text("Danh mục chưa có thủ tục {code}.", "The directory has no procedure {code} yet.")


@router.put("/units", summary="Describe many units")
async def describe_units(caller: DirectoryWrite, here: Here, connection: Transaction, units: Units) -> Tally:
    """All are written, or none.

    A unit that is already described is described anew; optional fields left out are then empty.
    """
    entries = {f"/{index}": unit for index, unit in enumerate(units)}
    return await put_units(connection, entries, within=caller.unit, now=here.clock())


@router.put("/units/{code:path}", summary="Describe one unit")
async def describe_unit(
    caller: DirectoryWrite, here: Here, connection: Transaction, code: UnitCode, description: UnitDescription
) -> Unit:
    """Anew, if it is already described. Its parent may be described later."""
    unit = Unit(code=code, **description.model_dump())
    await put_units(connection, {"": unit}, within=caller.unit, now=here.clock())
    return unit


@router.get("/units", summary="List the units")
async def list_units(
    caller: MetricsRead,
    connection: Snapshot,
    unit: Asked = (),
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Unit]:
    """By code, page by page."""
    codes = await visible_units(connection, caller, unit)
    rows, next_cursor = await _page(connection, "unit", codes, cursor, limit)
    return Page(items=[Unit(**row) for row in rows], next_cursor=next_cursor)


@router.get("/units/tree", summary="The units as a tree")
async def unit_tree(
    caller: MetricsRead,
    connection: Snapshot,
    unit: Asked = (),
) -> UnitTree:
    """A unit whose parent is not described, or may not be seen, stands at the top."""
    codes = await visible_units(connection, caller, unit)
    rows = await queries.stored(connection, "unit", codes)
    nodes = {code: UnitNode(**row, children=[]) for code, row in rows.items()}
    for node in nodes.values():
        if node.parent in nodes:
            nodes[node.parent].children.append(node)
    return UnitTree(items=[node for node in nodes.values() if node.parent not in nodes])


@router.get("/units/{code:path}", summary="One unit")
async def unit(caller: MetricsRead, connection: Snapshot, code: UnitCode) -> Unit:
    """As it was last described; 403 outside the key's limit."""
    await visible_units(connection, caller, [code])
    found = await queries.stored(connection, "unit", [code])
    if code not in found:
        raise Problem("not-found", _NO_UNIT.filled(code=code))
    return Unit(**found[code])


@router.put("/procedures", summary="Describe many procedures")
async def describe_procedures(
    caller: DirectoryWrite, here: Here, connection: Transaction, procedures: Procedures
) -> Tally:
    """All are written, or none; optional fields left out are then empty."""
    entries = {f"/{index}": procedure for index, procedure in enumerate(procedures)}
    return await put_procedures(connection, entries, within=caller.unit, now=here.clock())


@router.put("/procedures/{code:path}", summary="Describe one procedure")
async def describe_procedure(
    caller: DirectoryWrite,
    here: Here,
    connection: Transaction,
    code: ProcedureCode,
    description: ProcedureDescription,
) -> Procedure:
    """Anew, if it is already described.

    Codes that differ only in the publisher's suffix name the same procedure.
    """
    entry = ProcedureEntry(code=code, **description.model_dump())
    await put_procedures(connection, {"": entry}, within=caller.unit, now=here.clock())
    return Procedure.of(entry.row())


@router.get("/procedures", summary="List the procedures")
async def list_procedures(
    _: MetricsRead, connection: Snapshot, limit: Limit = 100, cursor: Cursor = None
) -> Page[Procedure]:
    """By canonical code, page by page."""
    rows, next_cursor = await _page(connection, "procedure", None, cursor, limit)
    return Page(items=[Procedure.of(row) for row in rows], next_cursor=next_cursor)


@router.get("/procedures/{code:path}", summary="One procedure")
async def procedure(_: MetricsRead, connection: Snapshot, code: ProcedureCode) -> Procedure:
    """As it was last described."""
    canonical = canonical_procedure(code)
    found = await queries.stored(connection, "procedure", [canonical])
    if canonical not in found:
        raise Problem("not-found", _NO_PROCEDURE.filled(code=code))
    return Procedure.of(found[canonical])


async def _page(
    connection: Snapshot, kind: queries.Kind, codes: list[str] | None, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    after = paging.read(cursor)
    if after is not None and "\0" in after:
        raise paging.unreadable()  # PostgreSQL has no text with NUL
    # One row more than asked for tells whether another page follows.
    rows = await queries.page(connection, kind, codes=codes, after=after, limit=limit + 1)
    return rows[:limit], paging.written(rows[limit - 1]["code"]) if len(rows) > limit else None
