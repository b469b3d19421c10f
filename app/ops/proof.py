"""Proves that what is derived equals the log, and derives it anew: `verify` and `rebuild`.

It recounts with the same fold that the worker uses, over everything, and then every cell from the dossiers; the fold
and what a dossier adds to cells are proved by the tests.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers import processes, queries
from app.dossiers.projector import Projector, derivation_rules, fold_stored
from app.dossiers.row import row
from app.dossiers.tables import dossier
from app.events.marks import mark_where
from app.events.tables import dossier_mark, event
from app.kit.db import retried
from app.kit.deployment import Deployment
from app.kit.problems import Problem
from app.kit.text import Text
from app.metrics import rollup
from app.settings import Settings

_PORTION: Final = 2_000
_KEPT: Final = 100

_OTHER_RULES: Final = Text(
    "Bảng hồ sơ được tính theo thiết lập khác ({derived}) với thiết lập của lệnh này ({here}).",
    "The dossiers were derived under other settings ({derived}) than this command has ({here}).",
)

Progress = Callable[[int, int], None]
"""Told how many dossiers are done, and of how many."""


@dataclass
class Verdict:
    """What a recount found. `pending` dossiers were marked for folding, so that a difference there is no fault."""

    checked: int = 0
    pending: int = 0
    different: int = 0
    differences: list[str] = field(default_factory=list)

    def differ(self, difference: str) -> None:
        """Note one dossier that is not what the log says, or a wrong cell; the first hundred are named."""
        self.different += 1
        if len(self.differences) < _KEPT:
            self.differences.append(difference)


async def verify(here: Deployment, progress: Progress) -> Verdict:
    """Fold every dossier of the log again and compare it with the table, both ways; then recount every cell.

    What is marked is folded first. Raises Problem conflict when the table was derived under other settings than these.
    """
    async with here.database.transaction() as connection:
        derived = await queries.derived_under(connection)
    if derived not in {None, derivation_rules(here.settings)}:
        raise Problem("conflict", _OTHER_RULES.filled(derived=derived, here=derivation_rules(here.settings)))
    await processes.run_until_current(here)
    await rollup.roll_up(here)
    verdict = Verdict()
    async with here.database.snapshot() as connection:
        total = await _count(connection)
        async for codes in _portions(connection):
            pending = await _pending(connection, codes)
            await _compare(
                connection, [code for code in codes if code not in pending], here.settings, verdict
            )
            verdict.pending += len(pending)
            progress(verdict.checked + verdict.pending, total)
        for difference in await rollup.differing(connection, here.settings.timezone):
            verdict.differ(difference)
    return verdict


async def _count(connection: AsyncConnection) -> int:
    return int(await connection.scalar(sa.select(sa.func.count(event.c.subject.distinct()))) or 0)


async def _portions(connection: AsyncConnection) -> AsyncIterator[list[str]]:
    """Every dossier code there is, in the log or only in the table, in order."""
    after = ""
    while True:
        logged = sa.select(event.c.subject.label("code")).where(event.c.subject > after).distinct()
        derived = sa.select(dossier.c.code).where(dossier.c.code > after)
        both = sa.union(
            *(
                sa.select(part.order_by(sa.literal_column("1")).limit(_PORTION).subquery())
                for part in (logged, derived)
            )
        )
        portion = list(
            (await connection.scalars(both.order_by(both.selected_columns[0]).limit(_PORTION))).all()
        )
        if not portion:
            return
        yield portion
        after = portion[-1]


async def _pending(connection: AsyncConnection, codes: list[str]) -> set[str]:
    marked = sa.select(dossier_mark.c.subject).where(
        dossier_mark.c.subject == sa.any_(sa.literal(codes, sa.ARRAY(sa.Text)))
    )
    return set((await connection.scalars(marked)).all())


async def _compare(
    connection: AsyncConnection, codes: list[str], settings: Settings, verdict: Verdict
) -> None:
    folded = await fold_stored(connection, codes, settings)
    expected = [row(told) for told in folded.values() if told is not None]
    for code, columns in await queries.differing(connection, codes, expected):
        verdict.differ(f"{code}: {columns}")
    verdict.checked += len(codes)


async def rebuild(here: Deployment, progress: Progress) -> int:
    """Derive every row again from the log, drop those that no fact speaks of, and recount the cells; how many dossiers.

    In place: whoever reads or judges figures meanwhile never sees a table with holes.
    """
    await Projector(here).take_up_changes()
    everything = sa.union(sa.select(event.c.subject), sa.select(dossier.c.code)).subquery()

    async def mark() -> int:
        async with here.database.transaction() as connection:
            await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            return await mark_where(connection, sa.select(everything.c[0]), here.clock())

    total = await retried(mark)
    await processes.run_until_current(here, lambda done: progress(min(done, total), total))
    await rollup.recount(here)
    return total
