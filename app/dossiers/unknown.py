"""The route of codes that dossiers name and the directory does not have: stubs to complete, with who waits for each.

It stands with the dossiers, which know the codes, since the directory knows no dossier; it reads and describes nothing.
"""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.queries import Kind, names
from app.directory.reach import visible_units
from app.dossiers.queries import waiting_for
from app.keys.guard import MetricsRead
from app.kit import paging
from app.kit.deployment import Here, Snapshot
from app.kit.paging import Cursor, Limit, Page

router: Final = APIRouter(prefix="/v1", tags=["directory"])


class Unknown(BaseModel):
    """A code that dossiers name and the directory does not have, or has for other days only."""

    code: str = Field(examples=["22921"])
    dossiers: int = Field(description="Dossiers that wait for it.", examples=[17])
    described: bool = Field(
        description="true: a procedure that is described, but was not in force on their day of reception."
    )


@router.get("/directory/unknown", summary="Codes that dossiers name and the directory does not have")
async def unknown_codes(
    caller: MetricsRead,
    here: Here,
    connection: Snapshot,
    kind: Annotated[Kind, Query(description="Units, or procedures by their canonical codes.")] = "unit",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Unknown]:
    """By code, page by page; each goes once it is described and its dossiers are folded again.

    A dossier waits for the unit that is accountable for it and for its procedure. A limited key sees what the dossiers
    of its own units name.
    """
    after = paging.read(cursor)
    if after is not None and "\0" in after:
        raise paging.unreadable()  # PostgreSQL has no text with NUL
    units = await visible_units(connection, caller, [], here.today())
    found = await waiting_for(connection, kind, units=units, after=after, limit=limit + 1)
    items = await _told(connection, kind, found[:limit], here.today())
    return Page(items=items, next_cursor=paging.written(items[-1].code) if len(found) > limit else None)


async def _told(
    connection: AsyncConnection, kind: Kind, found: list[tuple[str, int]], today: date
) -> list[Unknown]:
    described = await names(connection, kind, [code for code, _ in found], today)
    return [Unknown(code=code, dossiers=count, described=code in described) for code, count in found]
