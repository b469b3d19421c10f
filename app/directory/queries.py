"""Every statement on units, procedures and their changes.

It knows no HTTP and checks nothing: what may be written is decided in `registrar`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.procedures import ProcedureRule
from app.directory.tables import directory_change, procedure, unit
from app.directory.tree import MAX_LEVELS

Kind = Literal["unit", "procedure"]

_TABLES: Final[Mapping[Kind, sa.Table]] = {"unit": unit, "procedure": procedure}

# Pages follow the bytes of a code whatever the database's collation, so that a cursor never skips or repeats.
_BYTES: Final = "C"

_codes: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))
_below: Final = sa.select(sa.func.unnest(_codes).label("code")).cte("below", recursive=True)
_BELOW: Final = sa.select(
    # UNION, not UNION ALL: overlapping branches come once, and even a circle would end.
    _below.union(sa.select(unit.c.code).join(_below, unit.c.parent == _below.c.code)).c.code
)

_LINEAGE: Final = sa.text(
    """
    WITH RECURSIVE above (code, level) AS (
        SELECT CAST(:code AS text), 1
        UNION ALL
        SELECT unit.parent, above.level + 1
        FROM above JOIN unit ON unit.code = above.code
        WHERE unit.parent IS NOT NULL AND above.level < :most
    )
    SELECT code FROM above ORDER BY level
    """
)


async def below(connection: AsyncConnection, codes: Collection[str]) -> list[str]:
    """These units and every unit below any of them, each once."""
    return list(await connection.scalars(_BELOW, {"codes": list(codes)}))


async def subtree(connection: AsyncConnection, code: str) -> list[str]:
    """The unit and every unit below it; an unknown code gives itself alone."""
    return await below(connection, [code])


async def lineage(connection: AsyncConnection, code: str) -> list[str]:
    """The unit, its parent, and so on up to the root; an unknown code gives itself alone."""
    return list(await connection.scalars(_LINEAGE, {"code": code, "most": MAX_LEVELS}))


async def parents(connection: AsyncConnection) -> dict[str, str]:
    """Child code → parent code, of every unit that has a parent."""
    rows = await connection.execute(sa.select(unit.c.code, unit.c.parent).where(unit.c.parent.is_not(None)))
    return {row.code: row.parent for row in rows}


async def units(connection: AsyncConnection) -> dict[str, str | None]:
    """Code → parent code, of every described unit."""
    return {row.code: row.parent for row in await connection.execute(sa.select(unit.c.code, unit.c.parent))}


async def names(
    connection: AsyncConnection, kind: Kind, codes: Collection[str]
) -> dict[str, tuple[str, str | None]]:
    """Code → (Vietnamese name, English name if there is one), of those codes that are described."""
    table = _TABLES[kind]
    rows = await connection.execute(
        sa.select(table.c.code, table.c.name, table.c.name_en).where(table.c.code == sa.any_(_codes)),
        {"codes": list(codes)},
    )
    return {code: (name, name_en) for code, name, name_en in rows}


async def procedures_for(connection: AsyncConnection, codes: Collection[str]) -> dict[str, ProcedureRule]:
    """Canonical code → what a dossier needs, of those procedures that are described."""
    rows = await connection.execute(
        sa.select(
            procedure.c.code,
            *(procedure.c[rule.name] for rule in fields(ProcedureRule)),
        ).where(procedure.c.code == sa.any_(_codes)),
        {"codes": list(codes)},
    )
    return {code: ProcedureRule(*rule) for code, *rule in rows}


async def stored(
    connection: AsyncConnection, kind: Kind, codes: Collection[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Code → row, of these codes (None: of all), in the order of their codes."""
    table = _TABLES[kind]
    statement = sa.select(table).order_by(table.c.code.collate(_BYTES))
    if codes is None:
        rows = await connection.execute(statement)
    else:
        rows = await connection.execute(
            statement.where(table.c.code == sa.any_(_codes)), {"codes": list(codes)}
        )
    return {row["code"]: dict(row) for row in rows.mappings()}


async def page(
    connection: AsyncConnection, kind: Kind, *, codes: Collection[str] | None, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """At most `limit` rows whose codes come after `after`, of these codes (None: of all)."""
    table = _TABLES[kind]
    code = table.c.code.collate(_BYTES)
    statement = sa.select(table).order_by(code).limit(limit)
    if after is not None:
        statement = statement.where(code > after)
    if codes is not None:
        statement = statement.where(table.c.code == sa.any_(sa.literal(list(codes), ARRAY(sa.Text))))
    return [dict(row) for row in (await connection.execute(statement)).mappings()]


async def lock(connection: AsyncConnection, kind: Kind) -> None:
    """Keep other writers of this table out until the transaction ends; readers are not held up.

    Without it two writers, each right by what it saw, could close a circle of parents together.
    """
    await connection.execute(sa.text(f'LOCK TABLE "{_TABLES[kind].name}" IN SHARE ROW EXCLUSIVE MODE'))


async def save(connection: AsyncConnection, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert these rows, or put them in the place of those that have the same code."""
    if not rows:
        return
    statement = insert(_TABLES[kind])
    replaced = {name: statement.excluded[name] for name in rows[0] if name != "code"}
    await connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=replaced), rows)


async def note_changes(connection: AsyncConnection, kind: Kind, codes: Sequence[str], now: datetime) -> None:
    """Note that the dossiers of these units or procedures are to be folded again."""
    if codes:
        rows = [{"kind": kind, "code": code, "changed_at": now} for code in codes]
        await connection.execute(sa.insert(directory_change), rows)


async def claim_changes(connection: AsyncConnection, limit: int = 1000) -> list[tuple[Kind, str]]:
    """Take the oldest changes off the list, for a transaction that also marks their dossiers; each is named once.

    Rolled back, they are on the list again; changes that another transaction holds are skipped.
    """
    oldest = (
        sa.select(directory_change.c.seq)
        .order_by(directory_change.c.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("oldest")
        .prefix_with("MATERIALIZED")
    )
    rows = await connection.execute(
        sa.delete(directory_change)
        .where(directory_change.c.seq.in_(sa.select(oldest.c.seq)))
        .returning(directory_change.c.kind, directory_change.c.code)
    )
    return sorted({(kind, code) for kind, code in rows})
