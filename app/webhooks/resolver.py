"""From a host name to the addresses that a webhook may connect to, asked anew for every connection.

It judges nothing itself: every address found goes before the guard.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.kit.text import Text
from app.webhooks.addresses import Address, Network, RefusedAddressError, judge, literal

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Every address of a host name; raises OSError when there is none."""

UNKNOWN_NAME: Final = Text("Không tìm thấy máy chủ này.", "This host cannot be found.")

# The event loop's own threads are few, and a name server that hangs holds one for as long as it likes: with threads of
# their own, look-ups of dead names delay neither live ones nor any file the process reads.
_THREADS: Final = ThreadPoolExecutor(max_workers=64, thread_name_prefix="resolve")


async def resolve(host: str) -> list[Address]:
    """Every address of `host` by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_THREADS, _look_up, host)
    return list(dict.fromkeys(address for address in map(literal, found) if address is not None))


def _look_up(host: str) -> list[str]:
    try:
        return [str(place[0]) for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except UnicodeError as error:  # a label that DNS cannot carry
        raise socket.gaierror(socket.EAI_NONAME, "no such name") from error


async def permitted(
    host: str, *, plain: bool, allow: Sequence[Network], resolve: Resolve = resolve
) -> Sequence[Address]:
    """The addresses of `host`, each of them judged. Raises RefusedAddressError."""
    written = literal(host)
    if written is not None:
        addresses: Sequence[Address] = [written]
    else:
        try:
            addresses = await resolve(host)
        except OSError:
            raise RefusedAddressError(UNKNOWN_NAME) from None
    if not addresses:
        raise RefusedAddressError(UNKNOWN_NAME)
    judge(addresses, plain=plain, allow=allow)
    return addresses
