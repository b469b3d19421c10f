"""One attempt over HTTP: sends what it is given to a guarded address and tells what came back, within bounds.

It knows nothing of signatures, schedules or storage, and never follows, decodes, or trusts what a receiver answers.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import httpcore

from app.webhooks.addresses import Network, RefusedAddressError, destination
from app.webhooks.answer import Answer, Trouble
from app.webhooks.connections import Connections
from app.webhooks.resolver import UNKNOWN_NAME, Resolve, resolve

TIMEOUT: Final = 15.0
"""Seconds for a whole attempt, from the look-up of the name to the end of the answer."""

EXCERPT: Final = 2048
"""Bytes of the answer that are read; the connection of a longer one is closed."""


class Sender(Protocol):
    """Makes one attempt and always answers; only cancellation is raised."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST `body` to `url`."""
        ...


class HttpSender:
    """The sender that goes over the network.

    It stands on httpcore and not on httpx, because what httpx adds is what a webhook must not have: redirects, proxies
    from the environment, cookies and decompression.
    """

    def __init__(
        self,
        *,
        allow: Sequence[Network] = (),
        timeout: float = TIMEOUT,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = timeout
        self._connections = Connections(
            allow=allow, resolve=resolve, ssl_context=ssl_context or httpcore.default_ssl_context()
        )

    async def close(self) -> None:
        """Close every kept connection."""
        await self._connections.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST, all of it within the timeout: a receiver that trickles is as late as one that is silent."""
        began = time.perf_counter()
        seen: dict[str, Any] = {}
        error: Trouble | None = None
        try:
            async with asyncio.timeout(self._timeout):
                await self._exchange(url, headers, body, seen)
        except (TimeoutError, httpcore.TimeoutException):
            error = "timeout"
        except RefusedAddressError as refused:
            error = "name_unknown" if refused.reason is UNKNOWN_NAME else "address_refused"
        except httpcore.ConnectError as failed:
            error = "tls" if any(isinstance(cause, ssl.SSLError) for cause in failed.args) else "connect"
        except (httpcore.NetworkError, httpcore.ProtocolError):
            error = "closed"
        return Answer(duration_ms=round((time.perf_counter() - began) * 1000), error=error, **seen)

    async def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, seen: dict[str, Any]
    ) -> None:
        goal = destination(url)  # again, for the rules may have become stricter since it was registered
        async with (
            self._connections.to(goal) as connection,
            connection.stream("POST", goal.url, headers=list(headers.items()), content=body) as response,
        ):
            seen["status"] = response.status
            seen["retry_after"] = next(
                (
                    value.decode("latin-1")
                    for name, value in response.headers
                    if name.lower() == b"retry-after"
                ),
                None,
            )
            read = b""
            async for chunk in response.aiter_stream():
                read += chunk
                seen["excerpt"] = _text(read[:EXCERPT])
                if len(read) >= EXCERPT:
                    seen["is_cut"] = True
                    break  # leaving the block closes the connection on whatever is still to come


def _text(read: bytes) -> str:
    return read.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
