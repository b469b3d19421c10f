"""The leanest HTTP client that keeps a connection alive: what is measured is the server, on the cores that both share.

It reads answers with Content-Length only, and knows no redirect, no retry and no pool.
"""

import asyncio
from typing import Self


class Connection:
    """One connection to a port of this machine, with a key."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        self._reader, self._writer = reader, writer
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n".encode()

    @classmethod
    async def open(cls, port: int, key: str) -> Self:
        """Connect."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        return cls(reader, writer, key)

    def close(self) -> None:
        """Let go."""
        self._writer.close()

    async def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body."""
        self._writer.write(f"GET {path} HTTP/1.1\r\n".encode() + self._head + b"\r\n")
        return await self._answer()

    async def post(self, path: str, body: bytes, media: str) -> tuple[int, bytes]:
        """The status and the body."""
        length = f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(f"POST {path} HTTP/1.1\r\n".encode() + self._head + length.encode() + body)
        return await self._answer()

    async def _answer(self) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return int(head[9:12]), await self._reader.readexactly(int(fields.get(b"content-length", b"0")))
