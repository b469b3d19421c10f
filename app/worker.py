"""The background work: project, roll up, watch, deliver, keep house; each in a loop of its own that outlives its errors.

It knows when work is done; what is done stands in the features. It stops between two pieces of work, never inside one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from app.dossiers.projector import LANES, Projector
from app.events.queries import forget_old
from app.kit.collector import settle
from app.kit.db import is_away
from app.kit.deployment import Deployment
from app.lagging.watch import Watch
from app.metrics.rollup import roll_up
from app.ops.heartbeat import beat
from app.webhooks.delivery_queries import forget
from app.webhooks.dispatcher import Dispatcher
from app.webhooks.sender import HttpSender

log = structlog.get_logger("worker")

_IDLE: Final = 0.05
"""Seconds between two looks for marked dossiers when there were none: half of what freshness may cost."""
_CHANGES_EVERY: Final = 1.0
_ROLL_UP_EVERY: Final = 0.25
"""Seconds in which changes gather before they are summed up: the more, the fewer cells are written."""
_BEAT_EVERY: Final = 5.0
_HOUSEKEEPING_EVERY: Final = 3600.0
_KEPT: Final = timedelta(days=90)
"""How long receipts, rejected events, and messages with their deliveries are kept."""
_FORGOTTEN_AT_ONCE: Final = 1_000
_LONGEST_BACKOFF: Final = 10.0

_failures: Final = Counter("dunghen_worker_failures_total", "Errors that a loop outlived", ["loop"])

Step = Callable[[], Awaitable[float]]
"""One piece of work; answers the seconds to rest before the next."""


class Worker:
    """All loops of one worker process. Any number of processes may run."""

    def __init__(self, here: Deployment) -> None:
        self._here = here
        self._stop = asyncio.Event()
        self._projector = Projector(here)
        self._watch = Watch(here)

    def stop(self) -> None:
        """Ask every loop to end after the piece of work in hand."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`; then everything in hand has been finished."""
        settle()
        sender = HttpSender(allow=self._here.settings.webhook_allow_networks)
        try:
            await self._work(sender)
        finally:
            await sender.close()

    async def _work(self, sender: HttpSender) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._loop("changes", self._take_up_changes))
            for _ in range(LANES):
                loops.create_task(self._loop("project", self._project))
            loops.create_task(self._loop("roll up", self._roll_up))
            loops.create_task(self._loop("watch", self._judge))
            loops.create_task(self._loop("beat", self._beat))
            loops.create_task(self._loop("housekeeping", self._keep_house))
            loops.create_task(Dispatcher(self._here, sender).run(self._stop))

    async def _loop(self, name: str, step: Step) -> None:
        backoff = 0.1
        while not self._stop.is_set():
            try:
                rest = await step()
                backoff = 0.1
            except Exception as error:  # noqa: BLE001 - a loop that ends would look like a slow one for ever
                _failures.labels(name).inc()
                log.warning("loop failed", loop=name, error=type(error).__name__, away=is_away(error))
                rest = backoff = min(backoff * 2, _LONGEST_BACKOFF)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), rest)

    async def _take_up_changes(self) -> float:
        return 0 if await self._projector.take_up_some_changes() else _CHANGES_EVERY

    async def _project(self) -> float:
        if await self._projector.run_once():
            self._watch.figures_changed()
            return 0
        return _IDLE

    async def _roll_up(self) -> float:
        await roll_up(self._here)
        return _ROLL_UP_EVERY

    async def _judge(self) -> float:
        return await self._watch.run_once()

    async def _beat(self) -> float:
        await beat(self._here)
        return _BEAT_EVERY

    async def _keep_house(self) -> float:
        before = self._here.clock() - _KEPT
        async with self._here.database.transaction() as connection:
            await forget_old(connection, before)
            forgotten = await forget(connection, before, _FORGOTTEN_AT_ONCE)
        return 0 if forgotten == _FORGOTTEN_AT_ONCE else _HOUSEKEEPING_EVERY
