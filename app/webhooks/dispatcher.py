"""Sends what the outbox holds: claims due deliveries, signs and sends them outside any transaction, records what came.

It decides who is tried, when, and how many at once; how a request travels is the sender's.
"""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import prometheus_client
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.clock import uptime
from app.kit.db import is_away, retried
from app.kit.deployment import Deployment
from app.webhooks import delivery_queries, retries, signing, vault
from app.webhooks.answer import Answer
from app.webhooks.delivery_queries import Claimed, Outcome
from app.webhooks.sender import Sender

LEASE: Final = timedelta(seconds=60)
"""Its second half outlives the longest attempt (15 s) and its recording, and no attempt begins in that; a killed worker's
deliveries are due again after it."""

GIVEN_UP: Final = timedelta(days=5)
"""An endpoint that answered nothing but failures for this long is disabled."""

POLL_SECONDS: Final = 0.25
SHARE: Final = 16
"""Attempts at once at one endpoint, of one worker; an endpoint whose last attempt failed, or was answered at too great a length,
gets one."""

ROOM: Final = 128
"""Attempts at once, of one worker, at endpoints that answer, and as many again at endpoints that do not: receivers
that hang fill their own room and never that of the others."""

_STOP_SECONDS: Final = 5.0
_AWAY_SECONDS: Final = 1.0
_FIRST: Final = UUID(int=0)

log = structlog.get_logger("webhooks")

_attempts: Final = prometheus_client.Counter(
    "dunghen_webhook_attempts_total", "Attempts to deliver a webhook, by what came of them", ["outcome"]
)
_disabled: Final = prometheus_client.Counter(
    "dunghen_webhook_endpoints_disabled_total", "Endpoints that were disabled by themselves", ["reason"]
)


@dataclass
class _Room:
    """What is under way at one class of endpoints, and where the next look for work begins."""

    failing: bool
    share: int
    after: UUID = _FIRST
    under_way: Counter[UUID] = field(default_factory=Counter)

    async def claim(
        self, connection: AsyncConnection, now: datetime, heavy: Collection[UUID]
    ) -> list[Claimed]:
        """Claim as much as there is room for; `heavy` endpoints are served as if they failed."""
        free = ROOM - self.under_way.total()
        if free <= 0:
            return []
        claimed = await delivery_queries.claim(
            connection,
            now=now,
            until=now + LEASE,
            failing=self.failing,
            heavy=heavy,
            after=self.after,
            under_way=self.under_way,
            share=self.share,
            room=free,
        )
        # Where the room ended the next look goes on; where the endpoints ended it begins again.
        self.after = max(one.endpoint for one in claimed) if len(claimed) == free else _FIRST
        return claimed

    def leave(self, endpoint: UUID) -> None:
        """One attempt at `endpoint` is over."""
        self.under_way[endpoint] -= 1
        if not self.under_way[endpoint]:
            del self.under_way[endpoint]


class Dispatcher:
    """One worker's deliveries. Any number of them may run beside each other, in one process or in many."""

    def __init__(self, deployment: Deployment, sender: Sender, uptime: Callable[[], float] = uptime) -> None:
        self._deployment = deployment
        self._sender = sender
        self._uptime = uptime
        self._cipher = vault.cipher(deployment.settings)
        self._answering = _Room(failing=False, share=SHARE)
        self._failing = _Room(failing=True, share=1)
        self._heavy: set[UUID] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._ended: list[Outcome] = []
        self._awake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, then wait a few seconds for what is under way. Outlives its errors and the database's."""
        waking = asyncio.create_task(self._wake_at(stop))
        failing_looked_at = -math.inf
        try:
            while not stop.is_set():
                self._awake.clear()
                began = time.monotonic()
                rooms = [self._answering]
                if began - failing_looked_at >= POLL_SECONDS:
                    # Endpoints in trouble wait for their next look, so that theirs does not lengthen every turn of the others.
                    rooms.append(self._failing)
                    failing_looked_at = began
                rest = POLL_SECONDS if await self._turned(rooms) else _AWAY_SECONDS
                # A look that takes long, because thousands of endpoints wait for something, is taken less often.
                await self._pause(max(rest, 4 * (time.monotonic() - began)))
        finally:
            waking.cancel()
            await self._finish()

    async def run_once(self) -> int:
        """Claim what is due, send it, record it, and say how many attempts that were."""
        await self._turn([self._answering, self._failing])
        sent = list(self._sending)
        await asyncio.gather(*sent)
        await self._turn([])
        return len(sent)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._awake.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()

    async def _turned(self, rooms: Sequence[_Room]) -> bool:
        """Take a turn; False when it failed, as while the database is away."""
        try:
            await retried(lambda: self._turn(rooms))
        except Exception as error:  # noqa: BLE001 - a loop that ends would look like a slow one for ever
            log.warning("deliveries wait", error=type(error).__name__, away=is_away(error))
            return False
        return True

    async def _turn(self, rooms: Sequence[_Room]) -> None:
        """Record what ended and claim what is due, in one transaction; then begin to send."""
        ended, self._ended = self._ended, []
        try:
            async with self._deployment.database.transaction() as connection:
                disabled = await self._settle(connection, ended) if ended else []
                begin_by = self._uptime() + LEASE.total_seconds() / 2
                now = self._deployment.clock()
                claimed = [
                    (room, one) for room in rooms for one in await room.claim(connection, now, self._heavy)
                ]
        except BaseException:
            self._ended = ended + self._ended  # recorded by the next turn; twice recorded is once
            raise
        for reason in disabled:
            _disabled.labels(reason).inc()
            log.warning("endpoint disabled", reason=reason)
        for room, one in claimed:
            room.under_way[one.endpoint] += 1
            task = asyncio.create_task(self._attempt(room, one, begin_by))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _settle(self, connection: AsyncConnection, ended: Sequence[Outcome]) -> list[str]:
        now = self._deployment.clock()
        return await delivery_queries.settle(connection, ended, now=now, given_up=now - GIVEN_UP)

    async def _attempt(self, room: _Room, claimed: Claimed, begin_by: float) -> None:
        at = self._deployment.clock()
        try:
            answer = await self._answer(claimed, at, begin_by)
        finally:
            room.leave(claimed.endpoint)
        if answer is None:
            return  # nothing was sent: it is due again when the lease ends, if another worker has not sent it already
        # What floods us costs several times what others do, also if it succeeds; each worker finds that out for itself.
        (self._heavy.add if answer.is_cut else self._heavy.discard)(claimed.endpoint)
        outcome = Outcome(claimed, at, answer, self._next_attempt_at(claimed, answer))
        _attempts.labels("success" if answer.is_success else answer.error or "refused").inc()
        self._ended.append(outcome)
        self._awake.set()

    async def _answer(self, claimed: Claimed, at: datetime, begin_by: float) -> Answer | None:
        """What came back, or None where this process stood still for so long that the message may be another worker's by now."""
        try:
            headers = signing.headers(
                message=claimed.message_id,
                body=claimed.body,
                active_secrets=[
                    self._cipher.decrypt(kept).decode()
                    for kept in (claimed.secret, claimed.previous_secret)
                    if kept is not None
                ],
                now=at,
            )
            if self._uptime() > begin_by:  # the last thing before sending, so that a stop before it is seen
                log.warning("a lease ran out before its message was sent")
                return None
            return await self._sender.send(claimed.url, headers, claimed.body.encode())
        except Exception as error:  # noqa: BLE001 - one message that cannot be sent must not stop the others
            # Such as a secret encrypted under another DUNGHEN_SECRET_KEY. It is tried again on schedule.
            log.warning("message cannot be sent", error=type(error).__name__)
            return Answer(duration_ms=0, error="unsendable")

    def _next_attempt_at(self, claimed: Claimed, answer: Answer) -> datetime | None:
        if answer.is_success or answer.is_gone:
            return None
        settings = self._deployment.settings
        return retries.next_attempt(
            failed=claimed.attempts + 1,
            now=self._deployment.clock(),
            schedule=settings.webhook_retry_schedule,
            jitter=settings.webhook_retry_jitter,
            spread=random.uniform(-1, 1),  # noqa: S311 - spreads retries, guards nothing
            retry_after=answer.retry_after,
        )

    async def _finish(self) -> None:
        """Give what is under way a few seconds, and record it; the rest is due again when its lease ends."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=_STOP_SECONDS)
        sending = list(self._sending)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await self._turned([])
