"""Folds a long backlog in as many processes as there are cores; a short one in this process alone.

How dossiers are folded is the projector's, of which any number may run; here is only how many, and what they tell.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from typing import Final

from app.dossiers.projector import Projector
from app.events import marks
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings

WORTH: Final = 20_000
"""Dossiers for which one more process is started: it takes a second or two before it folds."""

Told = Callable[[int], None]
"""Hears on the way how many dossiers were folded."""


async def run_until_current(here: Deployment, told: Told = lambda _: None) -> int:
    """Fold until the figures include all that is in the log by now; answers how many dossiers were folded.

    A process that dies leaves marks whose leases end, and this one folds them.
    """
    projector = Projector(here)
    await projector.take_up_changes()
    async with here.database.transaction() as connection:
        backlog = await marks.count(connection)
    more = min(backlog // WORTH, (os.cpu_count() or 1) - 1)
    with _processes(here, more) as done:

        def folded(own: int) -> None:
            told(own + sum(done))

        return await projector.run_until_current(folded) + sum(done)


@contextmanager
def _processes(here: Deployment, more: int) -> Iterator[MutableSequence[int]]:
    """So many more processes that fold; how many dossiers each has folded so far."""
    spawn = multiprocessing.get_context("spawn")
    done = spawn.Array("q", max(more, 1), lock=False)
    url = here.database.url.render_as_string(hide_password=False)
    given = (here.settings, url, done)
    started = [spawn.Process(target=_fold, args=(*given, place), daemon=True) for place in range(more)]
    for process in started:
        process.start()
    try:
        yield done
    except BaseException:
        for process in started:
            process.terminate()
        raise
    finally:
        for process in started:
            process.join()


def _fold(settings: Settings, url: str, done: MutableSequence[int], place: int) -> None:
    def told(folded: int) -> None:
        done[place] = folded

    async def run() -> None:
        database = Database(url, application_name="dunghen fold", custom_plans=True)
        try:
            await Projector(Deployment(settings, database)).run_until_current(told)
        finally:
            await database.close()

    asyncio.run(run())
