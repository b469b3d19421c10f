"""Every statement on the marks of dossiers that are to be folded, but for those that ingest sets with its events.

What a lease and a generation are for is said in the projector.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.events.tables import dossier_mark, event


async def computed_through(connection: AsyncConnection, now: datetime) -> datetime:
    """The instant before which every acknowledged event is in the dossiers: the oldest mark's, else `now`."""
    oldest: datetime | None = await connection.scalar(sa.select(sa.func.min(dossier_mark.c.since)))
    return min(oldest, now) if oldest else now


async def count(connection: AsyncConnection) -> int:
    """How many dossiers are marked."""
    return await connection.scalar(sa.select(sa.func.count()).select_from(dossier_mark)) or 0


async def any_marked(connection: AsyncConnection, until: datetime) -> bool:
    """Whether a dossier is marked for a reason that is as old as `until`."""
    return bool(await connection.scalar(sa.select(sa.exists().where(dossier_mark.c.since <= until))))


async def mark_where(connection: AsyncConnection, subjects: "sa.Select[tuple[str]]", now: datetime) -> int:
    """Mark the dossiers that `subjects` selects, to be folded again; how many."""
    chosen = subjects.subquery()
    source = sa.select(chosen.c[0], sa.literal(1), sa.literal(now, sa.DateTime(timezone=True))).order_by(
        chosen.c[0]
    )
    statement = sa.dialects.postgresql.insert(dossier_mark).from_select(
        ["subject", "generation", "since"], source
    )
    result = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[dossier_mark.c.subject], set_={"generation": dossier_mark.c.generation + 1}
        )
    )
    return result.rowcount


async def mark(connection: AsyncConnection, subjects: Collection[str], now: datetime) -> None:
    """Mark these dossiers, to be folded again."""
    chosen = sa.func.unnest(sa.literal(list(subjects), sa.ARRAY(sa.Text))).column_valued("subject")
    await mark_where(connection, sa.select(chosen), now)


def limited_at(units: Collection[str]) -> "sa.Select[tuple[str]]":
    """The dossiers with an event of a key that is limited to a unit, and with one that names any of these units."""
    limited = sa.select(event.c.subject).where(event.c.unit_limit.is_not(None))
    named = event.c.data["unit"].astext == sa.any_(sa.literal(list(units), sa.ARRAY(sa.Text)))
    return sa.select(event.c.subject).where(named, event.c.subject.in_(limited)).distinct()


def received_at(units: Collection[str]) -> "sa.Select[tuple[str]]":
    """The dossiers with a reception that names any of these units."""
    named = event.c.data["unit"].astext == sa.any_(sa.literal(list(units), sa.ARRAY(sa.Text)))
    return sa.select(event.c.subject).where(event.c.type == "dossier.received", named).distinct()


# SKIP LOCKED: marks that another worker is claiming, or that ingest is growing at this moment, are left for the
# next claim. `leased_until` keeps others away while the owner folds, without a lock that ingest would wait for.
_CLAIM: Final = sa.text("""
WITH free AS (
    SELECT subject FROM dossier_mark
    WHERE leased_until < clock_timestamp()
    ORDER BY since, subject LIMIT :most
    FOR UPDATE SKIP LOCKED
)
UPDATE dossier_mark m
SET lease = :lease, claimed = m.generation, leased_until = clock_timestamp() + CAST(:length AS interval)
FROM free WHERE m.subject = free.subject
RETURNING m.subject
""")


async def claim(connection: AsyncConnection, lease: uuid.UUID, most: int, length: timedelta) -> list[str]:
    """Lease up to `most` marked dossiers, oldest first; their codes, sorted."""
    rows = await connection.scalars(_CLAIM, {"lease": lease, "most": most, "length": length})
    return sorted(rows)


# In the order in which `release` locks them.
_REOPEN: Final = sa.text("""
WITH leased AS (SELECT subject FROM dossier_mark WHERE lease IS NOT NULL ORDER BY subject FOR UPDATE)
UPDATE dossier_mark m SET generation = m.generation + 1 FROM leased WHERE m.subject = leased.subject
""")


async def reopen(connection: AsyncConnection) -> None:
    """Have every dossier that is being folded at this moment folded once more."""
    await connection.execute(_REOPEN)


# By the subjects and not by the lease alone, which no index knows; and without a join, which the planner, who takes the
# marks of one lease for a single row, makes by comparing every mark with every other.
_HELD: Final = "lease = :lease AND subject = ANY(CAST(:subjects AS text[]))"
_LOCK: Final = sa.text(f"""
SELECT count(*) AS held, count(*) FILTER (WHERE generation = claimed) AS done
FROM (SELECT generation, claimed FROM dossier_mark WHERE {_HELD} ORDER BY subject FOR UPDATE) AS locked
""")  # noqa: S608 - a constant of this module
_DONE: Final = sa.text(f"DELETE FROM dossier_mark WHERE {_HELD} AND generation = claimed")  # noqa: S608 - as above
_FREE: Final = sa.text(f"""
UPDATE dossier_mark SET lease = NULL, claimed = NULL, leased_until = '-infinity' WHERE {_HELD}
""")  # noqa: S608 - as above


async def release(connection: AsyncConnection, lease: uuid.UUID, claimed: Collection[str]) -> bool:
    """Let go of claimed marks: what did not change since the claim is done, what grew meanwhile is free for the next.

    False when another worker took some of them over, and nothing may be saved.
    """
    values = {"lease": lease, "subjects": list(claimed)}
    held, done = (await connection.execute(_LOCK, values)).one()
    await connection.execute(_DONE, values)
    if done < held:
        await connection.execute(_FREE, values)
    return bool(held == len(claimed))
