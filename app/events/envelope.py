"""From the bytes of one CloudEvent to a checked event, or to everything that is wrong with it.

Pure but for the registry of types; it knows nothing of HTTP, keys or storage.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from pydantic import TypeAdapter, ValidationError

from app.events import faults
from app.events.instants import instant
from app.events.types import TYPES, EventId, Source
from app.kit.codes import Code
from app.kit.problems import Fault

MAX_EVENT_BYTES: Final = 64 * 1024
AHEAD: Final = timedelta(minutes=5)
"""How far a source's clock may run ahead of ours."""

_KNOWN: Final = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "data", "datacontenttype", "dataschema"}
    | {"traceparent", "tracestate", "sequence"}
)
_JSON: Final = "application/json"
_MAX_TRACEPARENT: Final = 64
_MAX_SEQUENCE: Final = 64


class Event(msgspec.Struct, frozen=True):
    """A checked event as the log keeps it; `data` is canonical JSON, `time` is UTC."""

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    data: str
    digest: bytes
    traceparent: str | None
    sequence: str | None
    retracts_source: str | None


class Refused(msgspec.Struct, frozen=True):
    """An event that was not stored: its envelope as far as it could be read, and every fault."""

    envelope: dict[str, str]
    faults: list[Fault]
    digest: bytes


_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_reencode: Final = msgspec.json.Encoder().encode
_data_checks: Final[dict[str, Callable[[Any], Any]]] = {
    name: TypeAdapter(model).validator.validate_python for name, model in TYPES.items()
}
_attribute_checks: Final[tuple[tuple[str, Callable[[Any], Any]], ...]] = tuple(
    (name, TypeAdapter(kind).validator.validate_python)
    for name, kind in (("id", EventId), ("source", Source), ("subject", Code))
)


def check(raw: bytes, now: datetime) -> Event | Refused:
    """Check one event's bytes; all faults are collected, none is stopped at."""
    read = _read(raw)
    if isinstance(read, Fault):
        return Refused({}, [read], _hash(raw))
    return check_members(read, raw, now)


def check_members(members: dict[str, Any], raw: bytes, now: datetime) -> Event | Refused:
    """Check one event's members; `raw` is what a refusal's hash is made of."""
    found: list[Fault] = []
    for name, validate in _attribute_checks:
        try:
            validate(members[name])
        except KeyError:
            found.append(Fault(f"/{name}", faults.MISSING))
        except ValidationError as error:
            found.append(Fault(f"/{name}", faults.of_attribute(error)))
    time = _time(members, now, found)
    data = members.get("data", {})
    kind = members.get("type")
    if not isinstance(kind, str) or kind not in _data_checks:
        found.append(Fault("/type", faults.UNKNOWN_TYPE if "type" in members else faults.MISSING))
    else:
        try:
            _data_checks[kind](data)
        except ValidationError as error:
            found.extend(faults.of_data(error))
    if (
        not members.keys() <= _KNOWN
        or members.get("specversion", "1.0") != "1.0"
        or members.get("datacontenttype", _JSON) != _JSON
    ):
        found.extend(_formalities(members))
    if not found and time is not None and isinstance(kind, str):
        return _accepted(members, kind, time, data)
    return refused(members, found, raw)


def refused(members: dict[str, Any], found: list[Fault], raw: bytes) -> Refused:
    """An event that is refused for these faults; `raw` is what its hash is made of."""
    return Refused(_envelope(members), found, _hash(raw))


def _read(raw: bytes) -> dict[str, Any] | Fault:
    """The members of the event's object, or why it cannot be read as one."""
    if len(raw) > MAX_EVENT_BYTES:
        return Fault("", faults.TOO_LARGE)
    try:
        members = _decode(raw)
        again = _reencode(members)
    except (RecursionError, UnicodeError, msgspec.DecodeError) as error:
        return Fault("", faults.DEEP if isinstance(error, RecursionError) else faults.NOT_JSON)
    if not isinstance(members, dict):
        return Fault("", faults.NOT_AN_OBJECT)
    # A member that stands twice vanishes in decoding, and its colon with it: equal counts prove that none did
    # (an escaped colon could hide one, so those take the slow way too). The slow way names the member.
    if raw.count(b":") != again.count(b":") or b"\\u003" in raw:
        twice = _member_twice(raw)
        if twice is not None:
            return Fault("", faults.DUPLICATE_KEY.filled(name=twice))
    return members


def _member_twice(raw: bytes) -> str | None:
    twice: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in items:
            if name in seen:
                twice.append(name[:64])
            seen.add(name)

    json.loads(raw, object_pairs_hook=pairs)
    return twice[0] if twice else None


def _time(members: dict[str, Any], now: datetime, found: list[Fault]) -> datetime | None:
    if "time" not in members:
        found.append(Fault("/time", faults.MISSING))
        return None
    try:
        time = instant(members["time"])
    except (ValueError, TypeError, OverflowError):
        found.append(Fault("/time", faults.TIME_FORM))
        return None
    if time > now + AHEAD:
        found.append(Fault("/time", faults.FUTURE.filled(now=now.isoformat(timespec="seconds"))))
    return time


def _formalities(members: dict[str, Any]) -> list[Fault]:
    """What CloudEvents itself asks of attributes that carry no fact of ours."""
    found: list[Fault] = []
    if members.get("specversion", "1.0") != "1.0":
        found.append(Fault("/specversion", faults.SPECVERSION))
    if not _is_json(members.get("datacontenttype", _JSON)):
        found.append(Fault("/datacontenttype", faults.CONTENT_TYPE))
    if "data_base64" in members:
        found.append(Fault("/data_base64", faults.BASE64))
    found.extend(
        Fault(faults.pointer([name]), faults.ATTRIBUTE)
        for name in members
        if name != "data_base64" and not (name.isascii() and name.isalnum() and name == name.lower())
    )
    return found


def _is_json(content_type: object) -> bool:
    if content_type is None:
        return True
    if not isinstance(content_type, str):
        return False
    essence = content_type.partition(";")[0].strip().lower()
    return essence == _JSON or essence.endswith("+json")


def _accepted(members: dict[str, Any], kind: str, time: datetime, data: dict[str, Any]) -> Event:
    amount = data.get("amount")
    if isinstance(amount, float) and amount.is_integer():
        data["amount"] = int(amount)  # 150000.0 and 150000 are the same JSON value
    canonical = _encode(data)
    source: str = members["source"]
    subject: str = members["subject"]
    content = f"{kind}\n{subject}\n{time.isoformat()}".encode()
    return Event(
        source=source,
        id=members["id"],
        type=kind,
        subject=subject,
        time=time,
        data=canonical.decode(),
        digest=_hash(content + b"\n" + canonical),
        traceparent=_kept(members.get("traceparent"), _MAX_TRACEPARENT),
        sequence=_kept(members.get("sequence"), _MAX_SEQUENCE),
        retracts_source=(data.get("event_source") or source) if kind == "event.retracted" else None,
    )


def _kept(value: object, most: int) -> str | None:
    """An extension attribute that is kept for the operator: never a reason to refuse a fact."""
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        return None
    return value


def _envelope(members: dict[str, Any]) -> dict[str, str]:
    """What is kept of a refused event: its attributes as far as they are short, printable strings."""
    kept: dict[str, str] = {}
    for name in ("id", "source", "type", "subject", "time"):
        value = members.get(name)
        if isinstance(value, str):
            kept[name] = "".join(letter if letter.isprintable() else "\ufffd" for letter in value[:255])
    return kept


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
