"""The routes of the directory: units and procedures are described here and read back.

It knows HTTP; what may be written is `registrar`'s to say, and what may be seen is `reach`'s.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query

from app.directory import queries
from app.directory.codes import canonical_procedure
from app.directory.limits import Within
from app.directory.reach import visible_then, visible_units
from app.directory.registrar import put_procedures, put_units
from app.directory.schemas import (
    MAX_ENTRIES,
    Day,
    Procedure,
    ProcedureDescription,
    ProcedureEntry,
    ProcedurePeriod,
    StoredUnit,
    Tally,
    Unit,
    UnitDescription,
    UnitNode,
    UnitPeriod,
    UnitTree,
)
from app.keys.guard import Caller, DirectoryWrite, MetricsRead
from app.kit import paging
from app.kit.codes import Code
from app.kit.deployment import Deployment, Here, Snapshot, Transaction
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
On = Annotated[Day | None, Query(description="A local day; absent: today.", examples=["2025-06-30"])]
Units = Annotated[list[Unit], Body(max_length=MAX_ENTRIES)]
Procedures = Annotated[list[ProcedureEntry], Body(max_length=MAX_ENTRIES)]

_NO_UNIT: Final = Text("Danh mục chưa có đơn vị {code}.", "The directory has no unit {code} yet.")
_NO_PROCEDURE: Final = Text("Danh mục chưa có thủ tục {code}.", "The directory has no procedure {code} yet.")


@router.put("/units", summary="Describe many units")
async def describe_units(caller: DirectoryWrite, here: Here, connection: Transaction, units: Units) -> Tally:
    """All are written, or none; a code may stand there once for each of its periods.

    A period that is already described is described anew; optional fields left out are then empty.
    """
    entries = {f"/{index}": unit for index, unit in enumerate(units)}
    return await put_units(connection, entries, within=_within(caller, here), now=here.clock())


@router.put("/units/{code:path}", summary="Describe one unit")
async def describe_unit(
    caller: DirectoryWrite, here: Here, connection: Transaction, code: UnitCode, description: UnitDescription
) -> StoredUnit:
    """One of its periods, anew if it is already described. Its parent and its successors may be described later."""
    unit = Unit(code=code, **description.model_dump())
    await put_units(connection, {"": unit}, within=_within(caller, here), now=here.clock())
    periods = (await queries.stored(connection, "unit", [code]))[code]
    return _unit(_written(periods, unit), periods, here.today())


@router.get("/units", summary="List the units")
async def list_units(
    caller: MetricsRead,
    here: Here,
    connection: Snapshot,
    unit: Asked = (),
    on: On = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[StoredUnit]:
    """Those that stand on a day, by code, page by page."""
    today = here.today()
    day = on or today
    codes = await visible_then(connection, caller, unit, day, today)
    found, next_cursor = await _page(connection, "unit", codes, day, cursor, limit)
    stored = await queries.stored(connection, "unit", found)
    items = [_unit(_standing(periods, day), periods, day) for periods in stored.values()]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/units/tree", summary="The units as a tree")
async def unit_tree(
    caller: MetricsRead,
    here: Here,
    connection: Snapshot,
    unit: Asked = (),
    on: On = None,
) -> UnitTree:
    """Those that stand on a day. One whose parent does not stand, or may not be seen, is at the top."""
    today = here.today()
    day = on or today
    codes = await visible_then(connection, caller, unit, day, today)
    stored = await queries.stored(connection, "unit", codes)
    units = (_unit(_standing(periods, day), periods, day) for periods in stored.values())
    nodes = {unit.code: UnitNode(**dict(unit), children=[]) for unit in units if unit.stands}
    for node in nodes.values():
        if node.parent in nodes:
            nodes[node.parent].children.append(node)
    return UnitTree(items=[node for node in nodes.values() if node.parent not in nodes])


@router.get("/units/{code:path}", summary="One unit")
async def unit(
    caller: MetricsRead, here: Here, connection: Snapshot, code: UnitCode, on: On = None
) -> StoredUnit:
    """As it stands on a day, with all its periods; 403 outside the key's limit."""
    today = here.today()
    await visible_units(connection, caller, [code], today)
    found = await queries.stored(connection, "unit", [code])
    if code not in found:
        raise Problem("not-found", _NO_UNIT.filled(code=code))
    day = on or today
    return _unit(_standing(found[code], day), found[code], day)


@router.put("/procedures", summary="Describe many procedures")
async def describe_procedures(
    caller: DirectoryWrite, here: Here, connection: Transaction, procedures: Procedures
) -> Tally:
    """All are written, or none; optional fields left out are then empty."""
    entries = {f"/{index}": procedure for index, procedure in enumerate(procedures)}
    return await put_procedures(connection, entries, within=_within(caller, here), now=here.clock())


@router.put("/procedures/{code:path}", summary="Describe one procedure")
async def describe_procedure(
    caller: DirectoryWrite,
    here: Here,
    connection: Transaction,
    code: ProcedureCode,
    description: ProcedureDescription,
) -> Procedure:
    """One of its periods, anew if it is already described.

    Codes that differ only in the publisher's suffix name the same procedure.
    """
    entry = ProcedureEntry(code=code, **description.model_dump())
    await put_procedures(connection, {"": entry}, within=_within(caller, here), now=here.clock())
    canonical = canonical_procedure(code)
    periods = (await queries.stored(connection, "procedure", [canonical]))[canonical]
    return _procedure(_written(periods, entry), periods, here.today())


@router.get("/procedures", summary="List the procedures")
async def list_procedures(
    _: MetricsRead,
    here: Here,
    connection: Snapshot,
    on: On = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Procedure]:
    """Those that are in force on a day, by canonical code, page by page."""
    day = on or here.today()
    found, next_cursor = await _page(connection, "procedure", None, day, cursor, limit)
    stored = await queries.stored(connection, "procedure", found)
    items = [_procedure(_standing(periods, day), periods, day) for periods in stored.values()]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/procedures/{code:path}", summary="One procedure")
async def procedure(
    _: MetricsRead, here: Here, connection: Snapshot, code: ProcedureCode, on: On = None
) -> Procedure:
    """As it is in force on a day, with all its periods."""
    canonical = canonical_procedure(code)
    found = await queries.stored(connection, "procedure", [canonical])
    if canonical not in found:
        raise Problem("not-found", _NO_PROCEDURE.filled(code=code))
    day = on or here.today()
    return _procedure(_standing(found[canonical], day), found[canonical], day)


Row = dict[str, Any]


def _within(caller: Caller, here: Deployment) -> Within | None:
    return None if caller.unit is None else Within(caller.unit, here.today())


def _standing(periods: Sequence[Row], day: date) -> Row:
    """The last period begun by `day`, before the first one the first."""
    begun = [row for row in periods if row["valid_from"] is None or row["valid_from"] <= day]
    return begun[-1] if begun else periods[0]


def _written(periods: Sequence[Row], entry: Unit | ProcedureEntry) -> Row:
    """The period that was just described: the one that ends when it was told to."""
    return next(row for row in periods if row["valid_to"] == entry.valid_to)


def _unit(row: Row, periods: Sequence[Row], day: date) -> StoredUnit:
    told = {name: value for name, value in row.items() if name != "key"}
    shown = [UnitPeriod(**{name: value for name, value in one.items() if name != "code"}) for one in periods]
    return StoredUnit(**told, stands=_holds(row, day), periods=shown)


def _procedure(row: Row, periods: Sequence[Row], day: date) -> Procedure:
    shown = ProcedurePeriod.of(row)
    told = {name: getattr(shown, name) for name in ProcedureDescription.model_fields}
    return Procedure(
        **told,
        code=row["code"],
        raw_code=shown.raw_code,
        stands=_holds(row, day),
        periods=[ProcedurePeriod.of(one) for one in periods],
    )


def _holds(row: Row, day: date) -> bool:
    return (row["valid_from"] is None or row["valid_from"] <= day) and (
        row["valid_to"] is None or row["valid_to"] >= day
    )


async def _page(
    connection: Snapshot,
    kind: queries.Kind,
    codes: list[str] | None,
    day: date,
    cursor: str | None,
    limit: int,
) -> tuple[list[str], str | None]:
    after = paging.read(cursor)
    if after is not None and "\0" in after:
        raise paging.unreadable()  # PostgreSQL has no text with NUL
    # One more than asked for tells whether another page follows.
    found = await queries.page(connection, kind, codes=codes, day=day, after=after, limit=limit + 1)
    return found[:limit], paging.written(found[limit - 1]) if len(found) > limit else None
