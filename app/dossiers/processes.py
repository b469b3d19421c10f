"""Folds a long backlog in as many processes as there are cores; a short one in this process alone.

How dossiers are folded is the projector's, of which any number may run; here is only how many, and what they tell.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Final

from app.dossiers.projector import Projector
from app.events import marks
from app.kit import logs
from app.kit.collector import quieten
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings

WORTH: Final = 20_000
"""Dossiers for which one more process is started: it takes a second or two before it folds."""

_SPAWN: Final = multiprocessing.get_context("spawn")

Told = Callable[[int], None]
"""Hears on the way how many dossiers were folded."""


async def run_until_current(here: Deployment, told: Told = lambda _: None) -> int:
    """Fold until the figures include all that is in the log by now; answers how many dossiers were folded.

    A helper that dies leaves marks whose leases end, and this process folds them.
    """
    projector = Projector(here)
    await projector.take_up_changes()
    async with here.database.transaction() as connection:
        backlog = await marks.count(connection)
    with _helpers(here, min(backlog // WORTH, (os.cpu_count() or 1) - 1)) as helpers:

        def everywhere(own: int) -> int:
            return own + sum(helper.done() for helper in helpers)

        return everywhere(await projector.run_until_current(lambda own: told(everywhere(own))))


class _Helper:
    """One more process that folds, and how many dossiers it has told of. A pipe needs no place to write, as memory shared does."""

    def __init__(self, settings: Settings, url: str) -> None:
        self._told, tell = _SPAWN.Pipe(duplex=False)
        self.process = _SPAWN.Process(target=_fold, args=(settings, url, tell), daemon=True)
        self.process.start()
        tell.close()  # so that its end is the helper's
        self._done = 0

    def done(self) -> int:
        with suppress(EOFError):
            while self._told.poll():
                self._done = self._told.recv()
        return self._done


@contextmanager
def _helpers(here: Deployment, many: int) -> Iterator[Sequence[_Helper]]:
    url = here.database.url.render_as_string(hide_password=False)
    helpers = [_Helper(here.settings, url) for _ in range(many)]
    try:
        yield helpers
    except BaseException:
        for helper in helpers:
            helper.process.terminate()
        raise
    finally:
        for helper in helpers:
            helper.process.join()


def _fold(settings: Settings, url: str, tell: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who waits for it hears that too, and ends it
    logs.configure(settings.log_level, settings.log_format)
    quieten()

    async def run() -> None:
        database = Database(url, application_name="dunghen fold", custom_plans=True)
        try:
            await Projector(Deployment(settings, database)).run_until_current(tell.send)
        finally:
            await database.close()

    asyncio.run(run())
