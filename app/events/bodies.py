"""The forms in which events come over HTTP: one CloudEvent, a batch, lines, or attributes in headers.

It tells the forms apart and yields the bytes of single events; what an event says is for `envelope`.
"""

from enum import Enum
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from starlette.requests import Request

from app.events import faults
from app.kit.problems import Problem
from app.kit.text import Text

MAX_BATCH: Final = 5_000
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""Of a body that must be held in memory; longer deliveries go as lines."""
MAX_STREAM_BYTES: Final = 256 * 1024 * 1024

_ENCODING: Final = Text("Chỉ nhận bộ mã UTF-8.", "Only UTF-8 is accepted.")
_MEDIA: Final = Text(
    "Dùng application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson hoặc application/json.",
    "Use application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson or application/json.",
)
_BATCH: Final = Text(
    "Một lô là một mảng JSON có nhiều nhất 5.000 sự việc.", "A batch is a JSON array of at most 5,000 events."
)
BOM: Final = b"\xef\xbb\xbf"


class Form(Enum):
    """How the events of a request are laid out."""

    ONE = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    LINES = "application/x-ndjson"
    BINARY = "ce-* headers"
    EITHER = "application/json"


_ANNOUNCED: Final = {kind.value: kind for kind in (Form.ONE, Form.BATCH, Form.LINES)}


def form(request: Request) -> Form:
    """The form that the headers announce. Raises Problem unsupported-media-type."""
    announced = request.headers.get("content-type", "")
    if announced in _ANNOUNCED:
        return _ANNOUNCED[announced]
    essence, _, parameters = announced.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if "charset" in parameters.lower() and charset not in {"utf-8", "utf8"}:
        raise Problem("unsupported-media-type", _ENCODING)
    found = essence.strip().lower()
    if found in _ANNOUNCED:
        return _ANNOUNCED[found]
    if found == Form.EITHER.value:
        return Form.BINARY if "ce-type" in request.headers or "ce-id" in request.headers else Form.EITHER
    raise Problem("unsupported-media-type", _MEDIA)


def split(body: bytes, announced: Form) -> list[bytes] | None:
    """The events of a body, or None when the body is one event itself.

    Raises Problem unreadable for a batch that is no JSON array, and too-large beyond 5,000 events.
    """
    body = body.removeprefix(BOM)
    if announced is Form.ONE or (announced is Form.EITHER and not body.lstrip().startswith(b"[")):
        return None
    try:
        if announced is Form.LINES:
            items = [line for line in body.split(b"\n") if line.strip()]
        else:
            items = [bytes(item) for item in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Problem("unreadable", _BATCH) from None
    if len(items) > MAX_BATCH:
        raise Problem("too-large", _BATCH)
    return items


def one(body: bytes) -> bytes:
    """A body that is one event. Raises Problem unreadable when it is no JSON at all."""
    body = body.removeprefix(BOM)
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Problem("unreadable", faults.NOT_JSON) from None
    return body


def from_headers(request: Request, body: bytes) -> bytes:
    """A binary-mode event as one envelope: attributes from `ce-*` headers (percent-decoded), data from the body.

    Raises Problem unreadable when the body is no JSON.
    """
    members: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value)
        for name, value in request.headers.items()
        if name.startswith("ce-") and name not in {"ce-data", "ce-datacontenttype"}
    }
    if body.strip():
        members["data"] = msgspec.Raw(one(body))
    return msgspec.json.encode(members)
