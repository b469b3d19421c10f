"""Makers of events for tests: small, valid, and changed where a test says so."""

from typing import Any

Json = dict[str, Any]


def received(subject: str = "H1", **changes: Any) -> Json:
    """A reception on Monday 2026-01-05 08:00 local; `changes` go into the envelope where it has them, else into data."""
    data: Json = {"unit": "u1", "procedure": "p1", "channel": "online", "due_at": "2026-01-09"}
    return changed(event("dossier.received", subject, "2026-01-05T08:00:00+07:00", data), changes)


def processed(subject: str = "H1", **changes: Any) -> Json:
    """A result on Thursday 2026-01-08 10:00 local."""
    return changed(event("dossier.processed", subject, "2026-01-08T10:00:00+07:00", {}), changes)


def event(kind: str, subject: str, time: str, data: Json, named: str | None = None) -> Json:
    """Any event of the source `/test`; its id follows from the dossier and the type."""
    id_ = named or f"{subject}-{kind.partition('.')[2]}"
    return {"id": id_, "source": "/test", "type": kind, "subject": subject, "time": time, "data": data}


def changed(made: Json, changes: Json) -> Json:
    """The same event with members of its envelope, or of its data, replaced."""
    for name, value in changes.items():
        (made if name in made else made["data"])[name] = value
    return made
