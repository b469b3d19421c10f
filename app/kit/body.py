"""Reads a request's body within bounds: whole or line by line, gzip or plain, never more than its limit in memory.

It knows bytes and `Content-Encoding`; what the bytes mean is for the route.
"""

import zlib
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from starlette.requests import ClientDisconnect, Request

from app.kit.problems import Problem
from app.kit.text import Text

_STEP: Final = 64 * 1024
"""Decompressed bytes taken at once, so that a small body cannot swell in memory."""

_GZIP: Final = 31  # zlib's window size 15, plus 16 for the gzip container


_BROKEN_GZIP: Final = Text(
    "Nội dung gzip bị hỏng hoặc bị cắt ngang.", "The gzip body is damaged or breaks off."
)
_BROKEN_OFF: Final = Text("Kết nối ngắt giữa chừng.", "The connection broke off.")
_ENCODING: Final = Text("Content-Encoding chỉ nhận gzip.", "Content-Encoding may only be gzip.")
_TOO_LARGE: Final = Text(
    "Nội dung sau khi giải nén vượt quá {limit}.", "The body after decompression is larger than {limit}."
)


class BrokenBodyError(Exception):
    """The body ended or broke off where it must not; what was read before stands."""

    def __init__(self, detail: Text) -> None:
        super().__init__(detail.en)
        self.detail = detail


class Line(NamedTuple):
    """One line without its end; `content` is None when it was longer than the limit."""

    content: bytes | None


async def whole(request: Request, limit: int) -> bytes:
    """The decompressed body. Raises Problem too-large, unreadable or unsupported-media-type."""
    declared = request.headers.get("content-length", "")
    if not _is_gzip(request) and declared.isdecimal():
        if int(declared) > limit:
            raise _too_large(limit)
        return await _as_declared(request)
    try:
        parts: list[bytes] = []
        size = 0
        async for part in _decoded(request):
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except BrokenBodyError as error:
        raise Problem("unreadable", error.detail) from None
    return b"".join(parts)


async def _as_declared(request: Request) -> bytes:
    """A plain body whose length was declared: the server reads no more than that."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem("unreadable", _BROKEN_OFF)
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def lines(request: Request, *, line_limit: int, limit: int) -> AsyncIterator[Line]:
    """The lines of the decompressed body as they arrive; memory stays flat however long the body or a line is.

    Raises BrokenBodyError where the body breaks off or grows beyond `limit` bytes.
    """
    rest = b""
    overlong = False
    size = 0
    async for part in _decoded(request):
        size += len(part)
        if size > limit:
            raise BrokenBodyError(_too_large(limit).detail)
        *ended, rest = (rest + part).split(b"\n")
        for line in ended:
            yield Line(None if overlong or len(line) > line_limit else line)
            overlong = False
        if len(rest) > line_limit:
            rest, overlong = b"", True
    if rest or overlong:
        yield Line(None if overlong else rest)


async def _decoded(request: Request) -> AsyncIterator[bytes]:
    chunks = request.stream()
    try:
        async for part in _unzipped(chunks) if _is_gzip(request) else chunks:
            yield part
    except ClientDisconnect:
        raise BrokenBodyError(_BROKEN_OFF) from None


async def _unzipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    unpacker = None
    async for chunk in chunks:
        waiting, part = chunk, b""
        while waiting or len(part) == _STEP:
            unpacker = unpacker or zlib.decompressobj(_GZIP)
            try:
                part = unpacker.decompress(waiting, _STEP)
            except zlib.error:
                raise BrokenBodyError(_BROKEN_GZIP) from None
            yield part
            waiting = unpacker.unconsumed_tail
            if unpacker.eof:
                # A gzip body may be several members one after the other (RFC 1952 §2.2).
                waiting, part, unpacker = unpacker.unused_data, b"", None
    if unpacker is not None:
        raise BrokenBodyError(_BROKEN_GZIP)


def _is_gzip(request: Request) -> bool:
    announced = request.headers.get("content-encoding")
    if announced is None:
        return False
    encoding = announced.strip().lower()
    if encoding not in {"gzip", "x-gzip", "identity", ""}:
        raise Problem("unsupported-media-type", _ENCODING)
    return encoding in {"gzip", "x-gzip"}


def _too_large(limit: int) -> Problem:
    return Problem("too-large", _TOO_LARGE.filled(limit=f"{limit // 1024} KiB"))
