"""Every statement on the dossier table and on the rules it was derived under.

Statements only; what is saved, the fold says.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import derivation, dossier

_AHEAD: Final = timedelta(days=1)
"""No stored fact lies further ahead of now: events may be minutes ahead, and clocks of machines differ."""

_COLUMNS: Final = [column.name for column in dossier.columns]

# Rows come as one JSON text and are taken in sorted order, so that two workers cannot deadlock. An unchanged row
# is left alone: folding again what did not change writes nothing.
_SAVE: Final = sa.text(f"""
INSERT INTO dossier ({", ".join(_COLUMNS)})
SELECT {", ".join(_COLUMNS)} FROM json_populate_recordset(NULL::dossier, CAST(:rows AS json)) ORDER BY code
ON CONFLICT (code) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS if name != "code")}
WHERE dossier IS DISTINCT FROM EXCLUDED
""")  # noqa: S608 - the names are this module's own columns


async def save(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Put these dossiers in the place of what the table holds under their codes."""
    await connection.execute(_SAVE, {"rows": msgspec.json.encode(rows).decode()})


async def drop(connection: AsyncConnection, codes: Collection[str]) -> None:
    """Delete the dossiers that no fact speaks of any more."""
    await connection.execute(
        sa.delete(dossier).where(dossier.c.code == sa.any_(sa.literal(list(codes), sa.ARRAY(sa.Text))))
    )


async def derived_under(connection: AsyncConnection) -> str | None:
    """The rules that the table was derived under; None if it never was."""
    rules: str | None = await connection.scalar(sa.select(derivation.c.rules).with_for_update())
    return rules


async def derive_under(connection: AsyncConnection, rules: str) -> None:
    """Note the rules that the table is derived under from now on."""
    statement = insert(derivation).values(single=True, rules=rules)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["single"], set_={"rules": statement.excluded.rules})
    )


def of_units(codes: Collection[str]) -> "sa.Select[tuple[str]]":
    """The dossiers that these units are accountable for, or were when they were submitted."""
    among = sa.literal(list(codes), sa.ARRAY(sa.Text))
    return sa.select(dossier.c.code).where(
        sa.or_(dossier.c.unit == sa.any_(among), dossier.c.submitted_unit == sa.any_(among))
    )


def of_procedures(codes: Collection[str]) -> "sa.Select[tuple[str]]":
    """The dossiers of these procedures, by canonical code."""
    return sa.select(dossier.c.code).where(
        dossier.c.procedure == sa.any_(sa.literal(list(codes), sa.ARRAY(sa.Text)))
    )


async def waiting_for(
    connection: AsyncConnection,
    kind: Literal["unit", "procedure"],
    *,
    units: Collection[str] | None,
    after: str | None,
    limit: int,
) -> list[tuple[str, int]]:
    """Codes that the directory does not have, with their dossiers, at most `limit` that come after `after`.

    Only dossiers of `units` are looked at (None: all); voided ones wait for nothing.
    """
    column = dossier.c[kind]
    code = column.collate("C")  # by its bytes, so that a page never skips or repeats whatever the collation
    statement = (
        sa.select(column, sa.func.count())
        .where(dossier.c.findings.contains([f"unknown_{kind}"]), ~dossier.c.voided)
        .group_by(column)
        .order_by(code)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(code > after)
    if units is not None:
        statement = statement.where(dossier.c.unit == sa.any_(sa.literal(list(units), sa.ARRAY(sa.Text))))
    return [(found, count) for found, count in await connection.execute(statement)]


def feeling(first: datetime, after: datetime, now: datetime) -> sa.ColumnElement[bool]:
    """Whether a dossier can feel that the working time changed from the instant `first` until before `after`.

    Not each of these does, but no other can: all that a row is computed from lies between its reception (or filing)
    and the latest of its due dates, its end and its intake deadline; while it is open, also up to now. A told
    date that pauses moved may lie before the reception, so whoever was waited for is looked at in any case.
    """
    row = dossier.c
    reaches = [row.due_original >= first, row.due_current >= first, row.portal_due >= first]
    reaches.append(row.intake_deadline >= first)
    if first <= now + _AHEAD:
        # Who withdrew in time has no intake deadline, though one was computed.
        withdrawn = sa.and_(row.submitted_at.is_not(None), row.intake_deadline.is_(None))
        reaches += [row.ended_at.is_(None), row.counted_at >= first, withdrawn]
    waited = [row.supplement_waits != sa.text("'{}'"), row.fee_waits != sa.text("'{}'")]
    begun = sa.func.least(row.received_at, row.submitted_at) < after
    return sa.and_(sa.or_(*reaches), sa.or_(begun, *waited))


async def codes_where(
    connection: AsyncConnection, condition: sa.ColumnElement[bool], after: str, limit: int
) -> list[str]:
    """The first codes, in the table's own order, that come after one and fulfil a condition."""
    statement = sa.select(dossier.c.code).where(dossier.c.code > after, condition)
    return list(await connection.scalars(statement.order_by(dossier.c.code).limit(limit)))


_DIFFERING: Final = sa.text("""
WITH expected AS (
    SELECT * FROM json_populate_recordset(NULL::dossier, CAST(:rows AS json))
), held AS (
    SELECT * FROM dossier WHERE code = ANY(CAST(:codes AS text[]))
)
SELECT COALESCE(e.code, h.code) AS code,
       CASE WHEN h.code IS NULL THEN 'row missing'
            WHEN e.code IS NULL THEN 'row without facts'
            ELSE (SELECT string_agg(key, ', ' ORDER BY key)
                  FROM jsonb_each(to_jsonb(e)) AS a JOIN jsonb_each(to_jsonb(h)) AS b USING (key)
                  WHERE a.value IS DISTINCT FROM b.value)
       END AS columns
FROM expected e FULL JOIN held h ON h.code = e.code
WHERE e IS DISTINCT FROM h
ORDER BY 1
""")


async def differing(
    connection: AsyncConnection, codes: Collection[str], expected: Sequence[dict[str, Any]]
) -> list[tuple[str, str]]:
    """Which of these dossiers the table does not hold as expected, and the columns in which it differs."""
    rows = await connection.execute(
        _DIFFERING, {"rows": msgspec.json.encode(expected).decode(), "codes": list(codes)}
    )
    return [(found.code, found.columns) for found in rows]
