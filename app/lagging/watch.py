"""Judges every unit by every rule, and records what follows: alerts and their messages, in one transaction.

It knows when to look and what to write; who is behind is decided in `rules`, and what a message says in `notices`.
"""

import time
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars.queries import calendar as current_calendar
from app.directory.queries import structure
from app.events.marks import computed_through
from app.kit.db import retried
from app.kit.deployment import Deployment
from app.lagging import queries
from app.lagging.digests import tell_dossiers, tell_silent
from app.lagging.judgement import Judgement, Known
from app.lagging.rules import Rule
from app.lagging.standing import Present

_LOOK_EVERY: Final = 0.2
"""Seconds between two looks at whether it is time to judge."""

_LEAST_REST: Final = 1.0
"""Seconds from one judgement to the next, however fast figures change."""

_REST_PER_WORK: Final = 4
"""A judgement is followed by at least this many times the time it took, so that it never fills the database's day."""


class Watch:
    """Judges the units of one deployment. Any number may run, in any number of processes; one at a time judges."""

    def __init__(self, here: Deployment) -> None:
        self._here = here
        self._changed = True
        self._rests_until = 0.0
        self._due_at = 0.0

    def figures_changed(self) -> None:
        """Judge soon. Only a hint: without it units are judged by the clock."""
        self._changed = True

    async def run_once(self) -> float:
        """Judge if figures changed, or if it is time because deadlines pass without events; the seconds to rest."""
        begun = time.monotonic()
        if begun >= self._rests_until and (self._changed or begun >= self._due_at):
            self._changed = False
            judged = False
            try:
                judged = await self.judge()
            finally:
                self._changed |= not judged  # what nobody judged is still to be judged
            if judged:
                ended = time.monotonic()
                self._rests_until = ended + max(_LEAST_REST, _REST_PER_WORK * (ended - begun))
                self._due_at = begun + self._here.settings.watch_interval
        return _LOOK_EVERY

    async def judge(self) -> bool:
        """Judge every unit by every rule now; False when another worker is at it."""
        return await retried(self._judge)

    async def _judge(self) -> bool:
        # Taken before anything is read: what is acknowledged before `now` must be in what is read.
        now = self._here.clock()
        async with self._here.database.transaction() as connection:
            if not await queries.judge_alone(connection):
                return False
            await self._judge_all(connection, await queries.rules_to_judge(connection), now)
        return True

    async def _judge_all(self, connection: AsyncConnection, rules: list[Rule], now: datetime) -> None:
        settings = self._here.settings
        through = await computed_through(connection, now)
        calendar = await current_calendar(connection, settings.calendar, settings.zone)
        present = Present(now, through, calendar, await structure(connection))
        await tell_dossiers(connection, present, settings)
        await tell_silent(connection, present, settings)
        if not rules:
            return
        alerts = await queries.open_alerts(connection)
        pending = await queries.pendings(connection)
        for rule in rules:
            levels = {
                wanted: {
                    unit: row
                    for (level, key, unit), row in alerts.items()
                    if (level, key) == (wanted, rule.key)
                }
                for wanted in ("lagging", "at_risk")
            }
            waiting = {unit: found for (key, unit), found in pending.items() if key == rule.key}
            known = Known(levels["lagging"], levels["at_risk"], waiting)
            await Judgement(connection, rule, known, present, settings.language).run()
