"""What PostgreSQL itself says of our tables, so that a backup of any release holds all of them.

Statements only. It reads the catalogue and not our own definitions: those are of this release alone.
"""

from graphlib import TopologicalSorter
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_OURS: Final = """
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
"""
_COLUMNS: Final = sa.text(f"""
SELECT CAST(c.relname AS text) AS name,
       ARRAY(SELECT CAST(a.attname AS text) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum) AS columns,
       pg_table_size(c.oid) AS size
{_OURS} ORDER BY 1
""")
_REFERENCES: Final = sa.text(f"""
SELECT CAST(c.relname AS text), CAST(f.relname AS text)
FROM pg_constraint r JOIN pg_class c ON c.oid = r.conrelid JOIN pg_class f ON f.oid = r.confrelid
WHERE r.contype = 'f' AND c.oid <> f.oid AND c.oid IN (SELECT c.oid {_OURS})
""")
_SEQUENCES: Final = sa.text(f"""
SELECT CAST(c.relname AS text), CAST(a.attname AS text),
       pg_get_serial_sequence(quote_ident(CAST(c.relname AS text)), CAST(a.attname AS text))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE a.attidentity <> '' AND c.oid IN (SELECT c.oid {_OURS}) ORDER BY 1, 2
""")
_SET: Final = sa.text(
    "SELECT setval(CAST(pg_get_serial_sequence(quote_ident(:table), :column) AS regclass), :last, :called)"
)


def quoted(name: str) -> str:
    """A name as SQL reads it."""
    return '"' + name.replace('"', '""') + '"'


async def tables(connection: AsyncConnection) -> dict[str, tuple[list[str], int]]:
    """Table → its columns that hold data and its size in bytes; a table stands behind those that it refers to."""
    found = {row.name: (list(row.columns), int(row.size)) for row in await connection.execute(_COLUMNS)}
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(found, ()))
    for table, referred in await connection.execute(_REFERENCES):
        order.add(table, referred)
    return {name: found[name] for name in order.static_order()}


async def sequences(connection: AsyncConnection) -> list[tuple[str, str, int, bool]]:
    """Table, column, last value and whether that was given out, of every identity column."""
    found = []
    for table, column, sequence in (await connection.execute(_SEQUENCES)).all():
        last, called = (
            await connection.execute(sa.text(f"SELECT last_value, is_called FROM {sequence}"))
        ).one()
        found.append((table, column, int(last), bool(called)))
    return found


async def go_on_at(connection: AsyncConnection, table: str, column: str, last: int, called: bool) -> None:  # noqa: FBT001 - setval's own
    """Have an identity column go on behind this value."""
    await connection.execute(_SET, {"table": table, "column": column, "last": last, "called": called})


async def filled(connection: AsyncConnection, names: list[str]) -> list[str]:
    """Those of these tables that hold a row."""
    return [
        name
        for name in names
        if await connection.scalar(sa.text(f"SELECT EXISTS (SELECT FROM {quoted(name)})"))
    ]


async def emptied(connection: AsyncConnection, names: list[str]) -> None:
    """Empty these tables; rolled back, they are as they were."""
    if names:
        await connection.execute(sa.text(f"TRUNCATE {', '.join(quoted(name) for name in names)}"))


async def triggers(connection: AsyncConnection, names: list[str], *, fire: bool) -> None:
    """Have our own triggers on these tables fire, or keep still; those that guard references always fire."""
    for name in names:
        await connection.execute(
            sa.text(f"ALTER TABLE {quoted(name)} {'ENABLE' if fire else 'DISABLE'} TRIGGER USER")
        )
