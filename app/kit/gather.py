"""Gathers concurrent calls into one: what arrives while a flush runs becomes the next flush.

No timer and no tuning: alone, a call is flushed at once; under load, batches grow by themselves.
It knows nothing of what is flushed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Gather(Generic[Item, Answer]):
    """Calls `flush` with the items of many callers and gives each its own answer.

    `flush` answers one value an item, in order; an exception it raises reaches every caller of that flush.
    At most `lanes` flushes run at once, of at most `limit` items each.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        lanes: int = 1,
        limit: int = 500,
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._idle = lanes
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, item: Item) -> Answer:
        """The answer to `item`, once the flush that carried it has ended."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._idle:
            self._idle -= 1
            lane = asyncio.create_task(self._lane())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)
        return await future

    async def _lane(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._run(batch)
        finally:
            self._idle += 1

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to every caller, none of whom may wait for ever
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
