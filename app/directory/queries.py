"""Every statement on units, procedures and their changes.

It knows no HTTP and checks nothing: what may be written is decided in `registrar`.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.procedures import ProcedureRule
from app.directory.structure import EVER, OPEN, Structure, UnitPeriod
from app.directory.tables import directory_change, directory_version, procedure, unit

Kind = Literal["unit", "procedure"]
Changed = Literal["unit", "procedure", "intake"]
"""What changed: a unit's place, a procedure, or when a unit takes in dossiers."""

_TABLES: Final[Mapping[Kind, sa.Table]] = {"unit": unit, "procedure": procedure}

# Pages follow the bytes of a code whatever the database's collation, so that a cursor never skips or repeats.
_BYTES: Final = "C"

_codes: Final = sa.bindparam("codes", type_=ARRAY(sa.Text))

_REMEMBERED: Final = 4
_structures: Final[OrderedDict[UUID, Structure]] = OrderedDict()
"""The last structures read, by the version that the database gave them: a version is never given twice, not even by
another database, so that what is remembered under it cannot be wrong."""


class IntakeCalendar(NamedTuple):
    """The key of a unit's intake calendar, and the local days, both inclusive, on which the unit stands with it."""

    key: str
    valid_from: date
    valid_to: date


async def structure(connection: AsyncConnection) -> Structure:
    """All units with their periods; read anew only after they have changed."""
    version = await connection.scalar(sa.select(directory_version.c.units))
    found = _structures.get(version) if version is not None else None
    if found is not None:
        return found
    # One statement, so that periods and version are of one moment also where statements see different ones.
    rows = await connection.execute(
        sa.select(
            sa.select(directory_version.c.units).scalar_subquery().label("version"),
            unit.c.code,
            unit.c.parent,
            unit.c.valid_from,
            unit.c.valid_to,
            unit.c.successors,
        )
    )
    periods: list[UnitPeriod] = []
    for row in rows:
        version = row.version
        heirs = tuple(sorted(heir["code"] for heir in row.successors))
        periods.append(UnitPeriod(row.code, row.parent, row.valid_from or EVER, row.valid_to or OPEN, heirs))
    found = Structure(periods)
    if version is not None and periods:
        _structures[version] = found
        while len(_structures) > _REMEMBERED:
            _structures.popitem(last=False)
    return found


async def intake_calendars(connection: AsyncConnection) -> dict[str, list[IntakeCalendar]]:
    """Code → the keys of its intake calendars with their periods, of every unit whose settings name one."""
    key = unit.c.settings["intake_calendar"].astext
    rows = await connection.execute(
        sa.select(unit.c.code, key, _bound(unit, "valid_from"), _bound(unit, "valid_to"))
        .where(key.is_not(None))
        .order_by(unit.c.code, unit.c.valid_from.nulls_first())
    )
    found: dict[str, list[IntakeCalendar]] = {}
    for code, *period in rows:
        found.setdefault(code, []).append(IntakeCalendar(*period))
    return found


async def names(
    connection: AsyncConnection, kind: Kind, codes: Collection[str], day: date
) -> dict[str, tuple[str, str | None]]:
    """Code → (Vietnamese name, English name if there is one) on a local day, of those codes that are described."""
    standing = _standing(_TABLES[kind], day)
    rows = await connection.execute(
        sa.select(standing.c.code, standing.c.name, standing.c.name_en), {"codes": list(codes)}
    )
    return {code: (name, name_en) for code, name, name_en in rows}


async def procedures_for(
    connection: AsyncConnection, codes: Collection[str]
) -> dict[str, list[ProcedureRule]]:
    """Canonical code → what a dossier needs, a rule for each period, of those procedures that are described."""
    rows = await connection.execute(
        sa.select(
            procedure.c.code,
            *(_bound(procedure, rule.name) for rule in fields(ProcedureRule)),
        )
        .where(procedure.c.code == sa.any_(_codes))
        .order_by(procedure.c.code, procedure.c.valid_from.nulls_first()),
        {"codes": list(codes)},
    )
    found: dict[str, list[ProcedureRule]] = {}
    for code, *rule in rows:
        found.setdefault(code, []).append(ProcedureRule(*rule))
    return found


async def stored(
    connection: AsyncConnection, kind: Kind, codes: Collection[str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Code → its periods, earliest first, of these codes (None: of all), in the order of their codes."""
    table = _TABLES[kind]
    statement = sa.select(table).order_by(table.c.code.collate(_BYTES), table.c.valid_from.nulls_first())
    if codes is not None:
        statement = statement.where(table.c.code == sa.any_(sa.literal(list(codes), ARRAY(sa.Text))))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in (await connection.execute(statement)).mappings():
        found.setdefault(row["code"], []).append(dict(row))
    return found


async def page(
    connection: AsyncConnection,
    kind: Kind,
    *,
    codes: Collection[str] | None,
    day: date,
    after: str | None,
    limit: int,
) -> list[str]:
    """At most `limit` codes that stand on a local day and come after `after`, of these codes (None: of all)."""
    table = _TABLES[kind]
    code = table.c.code.collate(_BYTES)
    statement = (
        sa.select(table.c.code)
        .where(
            sa.func.coalesce(table.c.valid_from, EVER) <= day, sa.func.coalesce(table.c.valid_to, OPEN) >= day
        )
        .order_by(code)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(code > after)
    if codes is not None:
        statement = statement.where(table.c.code == sa.any_(sa.literal(list(codes), ARRAY(sa.Text))))
    return list(await connection.scalars(statement))


def _bound(table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    """A column, as days compare where it is a bound of the validity."""
    unbounded = {"valid_from": EVER, "valid_to": OPEN}.get(name)
    return table.c[name] if unbounded is None else sa.func.coalesce(table.c[name], unbounded)


def _standing(table: sa.Table, day: date) -> sa.Subquery:
    """Of each of `codes` the last period begun by `day`, before its first one the first."""
    begins = sa.func.coalesce(table.c.valid_from, EVER)
    latest_begun = sa.case((begins <= day, begins)).desc().nulls_last()
    return (
        sa.select(table)
        .ext(distinct_on(table.c.code))
        .where(table.c.code == sa.any_(_codes))
        .order_by(table.c.code, latest_begun, begins)
        .subquery()
    )


async def lock(connection: AsyncConnection, kind: Kind) -> None:
    """Keep other writers of this table out until the transaction ends; readers are not held up.

    Without it two writers, each right by what it saw, could close a circle of parents together.
    """
    await connection.execute(sa.text(f'LOCK TABLE "{_TABLES[kind].name}" IN SHARE ROW EXCLUSIVE MODE'))


async def save(connection: AsyncConnection, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert these periods, or put them in the place of those of the same code that begin on the same day."""
    if not rows:
        return
    statement = insert(_TABLES[kind])
    begin = ["code", "valid_from"]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in begin}
    await connection.execute(statement.on_conflict_do_update(index_elements=begin, set_=replaced), rows)


async def note_changes(
    connection: AsyncConnection, kind: Changed, codes: Sequence[str], now: datetime
) -> None:
    """Note that the dossiers of these units or procedures are to be folded again."""
    if codes:
        rows = [{"kind": kind, "code": code, "changed_at": now} for code in codes]
        await connection.execute(sa.insert(directory_change), rows)


async def claim_changes(connection: AsyncConnection, limit: int = 1000) -> list[tuple[Changed, str]]:
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
