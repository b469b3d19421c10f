"""Keeps the cells: sums up what changed, counts them all anew when the rules change, and tells where they are wrong.

Triggers note every change of a dossier in its own transaction, so that figures never wait for this; it only makes them
cheap to read. What a dossier adds to the cells the database's `dossier_flows` says.
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
from app.metrics.cells import FLOWS, HANDLING, INPUTS, VERSION
from app.metrics.tables import cell_delta, cell_rules

BATCH: Final = 50_000
"""Changes summed up in one transaction: many of one cell are written once."""

_LOCK: Final = 0x63656C6C
"""Advisory lock: one sums up at a time, so that nobody waits for a cell."""

_UNCOUNTED: Final = 0
"""The version of cells that are about to be counted: changes are noted, and nobody asks."""

_KEYS: Final = ("grain", "day", "since", "unit", "channel", "sector", "procedure")
_SQL: Final = Path(__file__).parent / "sql"
_LISTS: Final = {
    "keys": ", ".join(_KEYS),
    "inputs": ", ".join(f"{dossier.name}.{column}" for column in INPUTS),
    "flows": ", ".join(FLOWS),
    "flow_columns": ", ".join(f"flow.{flow}" for flow in FLOWS),
    "negated": ", ".join(f"-{flow} AS {flow}" for flow in FLOWS),
    "sums": ", ".join(f"sum({flow})::int AS {flow}" for flow in FLOWS),
    "handling": ", ".join(
        f"sum({flow})::int AS {flow}" if flow in HANDLING else f"0 AS {flow}" for flow in FLOWS
    ),
    "handled": " OR ".join(f"{flow} <> 0" for flow in HANDLING),
    "some": " OR ".join(f"{flow} <> 0" for flow in FLOWS),
    "some_sums": " OR ".join(f"sum({flow}) <> 0" for flow in FLOWS),
    "adds": ", ".join(f"{flow} = held.{flow} + excluded.{flow}" for flow in FLOWS),
}


def _read(name: str, **more: str) -> str:
    return Template((_SQL / name).read_text(encoding="utf-8")).substitute(_LISTS, **more)


_RECOUNT: Final = _read("grains.sql", changes=f"({_read('flows.sql')})")
_FOLD: Final = sa.text(_read("fold.sql", grains=_read("grains.sql", changes="taken")))
_MEND: Final = sa.text(_read("mend.sql", recount=_RECOUNT))
_DIFFERING: Final = sa.text(
    _read("differing.sql", recount=_RECOUNT, pending=_read("grains.sql", changes=cell_delta.name))
)


async def roll_up(here: Deployment, most: int = BATCH) -> int:
    """Sum up some changes; how many. 0 also when another process is at it.

    Counts every cell first, if the cells there are follow other rules, or there never were any.
    """
    if await _rules(here) != (VERSION, here.settings.timezone):
        await recount(here)
    async with here.database.transaction() as connection:
        if not await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        await connection.execute(sa.text("SET LOCAL work_mem = '64MB'"))
        return int(await connection.scalar(_FOLD, {"most": most}) or 0)


async def recount(here: Deployment) -> None:
    """Count every cell anew from the dossiers; these can be changed, and figures are answered, all the time.

    Cells by other rules answer nothing from here on until they are counted; dossiers do.
    """
    rules = await _rules(here)
    if rules is None or rules[1] != here.settings.timezone:
        await retried(lambda: _begin_noting(here))
    await retried(lambda: _recount(here))


async def _begin_noting(here: Deployment) -> None:
    """Let triggers note every change from now on, by the days of this zone."""
    async with here.database.transaction() as connection:
        # Whoever is changing dossiers by the rules of before is waited for, and nobody begins to; but for a moment only.
        await connection.execute(sa.text(f"LOCK TABLE {dossier.name} IN SHARE ROW EXCLUSIVE MODE"))
        await connection.execute(sa.delete(cell_delta))
        await _put_rules(connection, _UNCOUNTED, here.settings.timezone)


async def _recount(here: Deployment) -> None:
    """Dossiers, cells and what is noted are read in one snapshot.

    So what is noted of the dossiers in it is forgotten, being counted, and what is noted meanwhile stays, not being so.
    """
    async with here.database.transaction() as connection:
        await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await _at_length(connection)
        # Should one that sums up end between this snapshot and the lock, the database lets nobody write over it: retried.
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        await connection.execute(sa.delete(cell_delta))
        await connection.execute(_MEND, {"zone": here.settings.timezone})
        await _put_rules(connection, VERSION, here.settings.timezone)


async def _put_rules(connection: AsyncConnection, version: int, zone: str) -> None:
    rules = {"single": True, "version": version, "timezone": zone}
    await connection.execute(
        insert(cell_rules).values(rules).on_conflict_do_update(index_elements=["single"], set_=rules)
    )


async def differing(connection: AsyncConnection, zone: str) -> list[str]:
    """Where the cells, with what is not summed up yet, are not what a recount of the dossiers finds, in words."""
    await _at_length(connection)
    found = []
    for row in await connection.execute(_DIFFERING, {"zone": zone}):
        keys = " ".join(str(key) for key in row[: len(_KEYS)] if key is not None)
        flows = ", ".join(f"{flow} {n:+}" for flow, n in zip(FLOWS, row[len(_KEYS) :], strict=True) if n)
        found.append(f"cell {keys}: {flows}")
    return found


async def _at_length(connection: AsyncConnection) -> None:
    """For what goes through all dossiers: as long as it takes, and with room for its groups."""
    await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
    await connection.execute(sa.text("SET LOCAL work_mem = '256MB'"))
    await connection.execute(sa.text("SET LOCAL hash_mem_multiplier = 4"))
    # The planner takes a dossier for hundreds of flows, and would rather sort them than spill a few groups.
    await connection.execute(sa.text("SET LOCAL enable_sort = off"))


async def _rules(here: Deployment) -> tuple[int, str] | None:
    async with here.database.snapshot() as connection:
        rules = (await connection.execute(sa.select(cell_rules.c.version, cell_rules.c.timezone))).first()
    return None if rules is None else (rules.version, rules.timezone)
