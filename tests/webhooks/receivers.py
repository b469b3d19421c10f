"""Receivers on 127.0.0.1 that write raw HTTP, so that they can also misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

Behaviour = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]
"""Writes the answer to the request that was just received; what it leaves open is kept alive."""


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Answers each request as its behaviours say, one after the other; the last goes on for ever."""

    behaviours: list[Behaviour]
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set["asyncio.Task[None] | None"] = field(default_factory=set)

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]

    async def until(self, count: int) -> None:
        """Wait until `count` requests have arrived."""
        while len(self.requests) < count:
            self.arrived.clear()
            await self.arrived.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.serving.add(asyncio.current_task())  # nothing else keeps one that only waits
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                self.requests.append(await _request(reader))
                self.arrived.set()
                step = min(len(self.requests), len(self.behaviours)) - 1
                await self.behaviours[step](self, writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
            await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
    }
    return Received(headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def receiver(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver that answers 204 unless told otherwise."""
    made = Receiver(list(behaviours) or [status(204)])
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    made.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/hook"
    try:
        yield made
    finally:
        server.close()
        if tls:
            await asyncio.sleep(0.05)  # handshakes that failed are cleaned up in later turns of the loop
        made.released.set()
        serving = [task for task in made.serving if task is not None]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await server.wait_closed()


def status(code: int, *headers: str, body: bytes = b"") -> Behaviour:
    """A whole answer."""
    lines = [f"HTTP/1.1 {code} Whatever", *headers]
    if code != 204:
        lines.append(f"Content-Length: {len(body)}")
    answer = "\r\n".join([*lines, "", ""]).encode() + body

    async def behave(_: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


async def hang(at: Receiver, writer: asyncio.StreamWriter) -> None:
    """No answer until the receiver is released, and then a failure."""
    await at.released.wait()
    await status(500)(at, writer)


async def close_early(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """The connection ends without an answer."""
    writer.close()


async def close_inside(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """The connection ends in the middle of the answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    await writer.drain()
    writer.close()


async def trickle(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """200 at once, and then a byte now and then without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """A body without end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def flood_headers(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """Headers without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()
