"""Keeps the cells: sums up what changed, counts them all anew when the rules change, and tells where they are wrong.

Triggers note every change of a dossier in its own transaction, so that figures never wait for this; it only makes them
cheap to read. What a dossier adds to which cell the database's `dossier_flows` and `cell_grains` say.
"""

from pathlib import Path
from string import Template
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.kit.db import retried
from app.kit.deployment import Deployment
from app.metrics.cells import FLOWS, VERSION
from app.metrics.tables import cell_delta, cell_rules

BATCH: Final = 50_000
"""Changes summed up in one transaction: many of one cell are written once."""

_LOCK: Final = 0x63656C6C
"""Advisory lock: one sums up at a time, so that nobody waits for a cell."""

_SQL: Final = Path(__file__).parent / "sql"
_LISTS: Final = {
    "flows": ", ".join(FLOWS),
    "flow_columns": ", ".join(f"flow.{flow}" for flow in FLOWS),
    "zeros": ", ".join("0" for _ in FLOWS),
    "negated": ", ".join(f"-{flow}" for flow in FLOWS),
    "sums": ", ".join(f"sum({flow})::int AS {flow}" for flow in FLOWS),
    "some": " OR ".join(f"{flow} <> 0" for flow in FLOWS),
    "some_sums": " OR ".join(f"sum({flow}) <> 0" for flow in FLOWS),
    "adds": ", ".join(f"{flow} = held.{flow} + excluded.{flow}" for flow in FLOWS),
    "puts": ", ".join(f"{flow} = excluded.{flow}" for flow in FLOWS),
}


def _read(name: str, **more: str) -> str:
    return Template((_SQL / name).read_text(encoding="utf-8")).substitute(_LISTS, **more)


_RECOUNT: Final = _read("recount.sql")
_FOLD: Final = sa.text(_read("fold.sql"))
_MEND: Final = sa.text(_read("mend.sql", recount=_RECOUNT))
_DIFFERING: Final = sa.text(_read("differing.sql", recount=_RECOUNT))


async def roll_up(here: Deployment, most: int = BATCH) -> int:
    """Sum up some changes; how many. 0 also when another process is at it.

    Counts every cell first, if the cells there are follow other rules, or there never were any.
    """
    if not await _kept(here):
        await recount(here)
    async with here.database.transaction() as connection:
        if not await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        return int(await connection.scalar(_FOLD, {"most": most}) or 0)


async def recount(here: Deployment) -> None:
    """Count every cell anew from the dossiers, which nobody can change meanwhile; figures are answered all the time."""
    await retried(lambda: _recount(here))


async def _recount(here: Deployment) -> None:
    async with here.database.transaction() as connection:
        await _at_length(connection)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        # Whoever changes dossiers has noted it, or waits: what is counted now is neither noted twice nor left out.
        await connection.execute(sa.text(f"LOCK TABLE {dossier.name} IN SHARE ROW EXCLUSIVE MODE"))
        await connection.execute(sa.delete(cell_delta))
        await connection.execute(_MEND, {"zone": here.settings.timezone})
        rules = {"single": True, "version": VERSION, "timezone": here.settings.timezone}
        await connection.execute(
            insert(cell_rules).values(rules).on_conflict_do_update(index_elements=["single"], set_=rules)
        )


async def differing(connection: AsyncConnection, zone: str) -> list[str]:
    """Where the cells, with what is not summed up yet, are not what a recount of the dossiers finds, in words."""
    await _at_length(connection)
    found = []
    for row in await connection.execute(_DIFFERING, {"zone": zone}):
        keys = " ".join(str(key) for key in row[:6] if key is not None)
        flows = ", ".join(f"{flow} {n:+}" for flow, n in zip(FLOWS, row[6:], strict=True) if n)
        found.append(f"cell {keys}: {flows}")
    return found


async def _at_length(connection: AsyncConnection) -> None:
    """For what goes through all dossiers: as long as it takes, and with room for its groups."""
    await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
    await connection.execute(sa.text("SET LOCAL work_mem = '128MB'"))


async def _kept(here: Deployment) -> bool:
    async with here.database.snapshot() as connection:
        rules = (await connection.execute(sa.select(cell_rules.c.version, cell_rules.c.timezone))).first()
    return rules is not None and tuple(rules) == (VERSION, here.settings.timezone)
