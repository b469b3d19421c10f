"""Every statement on commitments and schemes.

Statements only: what may be written is decided where it is asked, and what holds in `register`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.targets.register import Promise, Register
from app.targets.tables import commitment, scheme

Row = dict[str, Any]

# Pages follow the bytes of an id whatever the database's collation, so that a cursor never skips or repeats.
_ID: Final = commitment.c.id.collate("C")


async def keep_writers_out(connection: AsyncConnection) -> None:
    """Let one writer at a time give the next version and look for overlaps; readers are not held up."""
    await connection.execute(sa.text("LOCK TABLE commitment, scheme IN SHARE ROW EXCLUSIVE MODE"))


async def versions(connection: AsyncConnection, ids: Collection[str]) -> dict[str, list[Row]]:
    """Id → every version of the commitment, first to last; ids that nobody has used are absent."""
    chosen = (
        sa.select(commitment)
        .where(commitment.c.id == sa.any_(sa.literal(list(ids), ARRAY(sa.Text))))
        .order_by(_ID, commitment.c.version)
    )
    found: dict[str, list[Row]] = {}
    for row in (await connection.execute(chosen)).mappings():
        found.setdefault(row["id"], []).append(dict(row))
    return found


async def same_days(connection: AsyncConnection, row: Mapping[str, Any]) -> str | None:
    """The id of another commitment of the same unit, metric and days."""
    same = (commitment.c[name] == row[name] for name in ("unit", "metric", "period_from", "period_to"))
    found: str | None = await connection.scalar(
        sa.select(commitment.c.id).where(*same, commitment.c.id != row["id"]).limit(1)
    )
    return found


async def add_commitment(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Store one version."""
    await connection.execute(sa.insert(commitment).values(**row))


async def page(
    connection: AsyncConnection,
    *,
    units: Sequence[str] | None,
    metric: str | None,
    on: date | None,
    after: str | None,
    limit: int,
) -> list[str]:
    """At most `limit` ids after `after`: of these units, this metric, and a period with this day; None: of all."""
    chosen = sa.select(commitment.c.id).where(commitment.c.version == 1).order_by(_ID).limit(limit)
    if units is not None:
        chosen = chosen.where(commitment.c.unit == sa.any_(sa.literal(list(units), ARRAY(sa.Text))))
    if metric is not None:
        chosen = chosen.where(commitment.c.metric == metric)
    if on is not None:
        chosen = chosen.where(commitment.c.period_from <= on, commitment.c.period_to >= on)
    if after is not None:
        chosen = chosen.where(after < _ID)
    return list(await connection.scalars(chosen))


async def register(
    connection: AsyncConnection, metrics: Collection[str], first: date, last: date
) -> Register:
    """The commitments for these metrics whose period has all the days `first` to `last`."""
    chosen = sa.select(
        commitment.c.id,
        commitment.c.version,
        commitment.c.unit,
        commitment.c.metric,
        commitment.c.period_from,
        commitment.c.period_to,
        commitment.c.target,
        commitment.c.signed_on,
    ).where(
        commitment.c.metric == sa.any_(sa.literal(list(metrics), ARRAY(sa.Text))),
        commitment.c.period_from <= first,
        commitment.c.period_to >= last,
    )
    return Register(Promise(*row) for row in await connection.execute(chosen))


async def schemes(connection: AsyncConnection) -> dict[tuple[str, int], Row]:
    """Key and version → row, of every scheme that an administrator wrote."""
    rows = await connection.execute(sa.select(scheme).order_by(scheme.c.key.collate("C"), scheme.c.version))
    return {(row["key"], row["version"]): dict(row) for row in rows.mappings()}


async def add_scheme(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Store one version."""
    await connection.execute(sa.insert(scheme).values(**row))
