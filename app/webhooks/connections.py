"""Connections to receivers: opened to judged addresses alone, kept for a while, and closed whatever happens.

It knows addresses, TLS and sockets; what is sent over a connection is not its business.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpcore

from app.webhooks.addresses import Destination, Network
from app.webhooks.resolver import Resolve, permitted

_CONNECT_SECONDS: Final = 5.0
_TRIED_ADDRESSES: Final = 4
_DROPS: Final = 4
_DROP: Final = 1024
_GULP_SECONDS: Final = 0.25
"""After so many reads of an answer that brought less than so many bytes, each further one waits for so long: a receiver that
trickles byte by byte costs a few reads a second."""

_BUFFER: Final = (socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
"""The system takes not much more of an answer than we read. With half of this a longer one already waits for the window to open."""

_KEPT: Final = 64
_KEPT_SECONDS: Final = 15.0


class Connections:
    """Connections by scheme, host name and port.

    Never by address, for no request may travel over one whose certificate was checked for another name. And not in
    httpcore's pool, whose work for each request grows with the connections of all others.
    """

    def __init__(self, *, allow: Sequence[Network], resolve: Resolve, ssl_context: ssl.SSLContext) -> None:
        self._allow = allow
        self._resolve = resolve
        self._ssl_context = ssl_context
        self._kept: deque[_Connection] = deque()

    @asynccontextmanager
    async def to(self, goal: Destination) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """A connection for one request; it is kept for the next when its answer was read to the end, else closed."""
        connection = await self._take(goal) or self._new(goal)
        try:
            yield connection.http
        finally:
            if connection.http.is_available():
                self._kept.append(connection)
                if len(self._kept) > _KEPT:
                    await self._kept.popleft().close()
            else:
                await connection.close()

    async def close(self) -> None:
        """Close every kept connection."""
        while self._kept:
            await self._kept.pop().close()

    def _new(self, goal: Destination) -> "_Connection":
        network = _GuardedNetwork(plain=goal.plain, allow=self._allow, resolve=self._resolve)
        return _Connection(goal, network, self._ssl_context)

    async def _take(self, goal: Destination) -> "_Connection | None":
        origin = (goal.plain, goal.host, goal.port)
        # Looked for anew after every wait: others take and leave connections while one is being closed.
        while connection := next((kept for kept in reversed(self._kept) if kept.origin == origin), None):
            self._kept.remove(connection)
            if not connection.http.has_expired():
                return connection
            await connection.close()
        return None


class _Connection:
    """One HTTP/1.1 connection and the socket below it."""

    def __init__(self, goal: Destination, network: "_GuardedNetwork", ssl_context: ssl.SSLContext) -> None:
        self.origin = (goal.plain, goal.host, goal.port)
        self.http = httpcore.AsyncHTTPConnection(
            httpcore.URL(goal.url).origin,
            ssl_context=ssl_context,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=network,
        )
        self._network = network

    async def close(self) -> None:
        await self.http.aclose()
        await self._network.close()


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Opens one socket to a judged address, by address, so that nothing resolves the name again."""

    def __init__(self, *, plain: bool, allow: Sequence[Network], resolve: Resolve) -> None:
        self._plain = plain
        self._allow = allow
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()
        self._opened: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, judge every address, and connect to the first that answers."""
        addresses = await permitted(
            host.strip("[]"), plain=self._plain, allow=self._allow, resolve=self._resolve
        )
        failed: Exception = httpcore.ConnectError()
        for address in addresses[:_TRIED_ADDRESSES]:
            try:
                options = [*(socket_options or ()), _BUFFER]
                opened = await self._network.connect_tcp(
                    str(address), port, timeout or _CONNECT_SECONDS, local_address, options
                )
                self._opened = _Gulping(opened)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return self._opened
        raise failed

    async def close(self) -> None:
        """Close the socket. A handshake that was given up leaves it open, and the receiver could hold it for ever."""
        if self._opened is not None:
            await self._opened.aclose()


class _Gulping(httpcore.AsyncNetworkStream):
    """A stream whose answers are read at once where they come at once, and in gulps where they trickle."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._drops = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        if self._drops >= _DROPS:
            await asyncio.sleep(_GULP_SECONDS)
        found = await self._stream.read(max_bytes, timeout)
        self._drops += len(found) < _DROP
        return found

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        self._drops = 0  # a request begins, or goes on
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        return _Gulping(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
