"""A whole deployment that one property after the other empties, fills over HTTP and reads over HTTP."""

import asyncio
import gzip
import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import sqlalchemy as sa

from app.dossiers.projector import Projector
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.main import create_app
from app.ops.proof import rebuild, verify
from app.settings import Settings
from tests.conftest import KEY
from tests.properties.histories import PROCEDURES, UNITS
from tests.properties.model import Event

T = TypeVar("T")

FORMS = ("one", "binary", "either", "array", "batch", "lines", "zipped")
"""The forms in which events are posted; the first three carry one event each."""

_EMPTIED = (
    "event, dossier_mark, dossier, derivation, receipt, rejected_event, unit, procedure, directory_change, "
    "calendar_version, calendar_change"
)
_LONGEST = 60
"""Seconds that one example may take; it takes a fraction of one."""
_JSON = {"Content-Type": "application/json"}


@dataclass
class Tally:
    """What the service said of the events that it was sent."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0


class Arena:
    """One deployment on a clock that stands still until it is set."""

    def __init__(self, runner: asyncio.Runner, settings: Settings) -> None:
        self._runner = runner
        self.now = datetime(2024, 6, 1, tzinfo=UTC)
        assert settings.database_url is not None
        database = Database(settings.database_url.get_secret_value(), application_name="properties")
        self.here = Deployment(settings, database, lambda: self.now)
        self._projector = Projector(self.here)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=create_app(self.here)),
            base_url="http://test",
            headers={"Authorization": f"Bearer {KEY}"},
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something asynchronous from a test that is not; what hangs fails, since no timer of pytest ends an example."""

        async def bounded() -> T:
            async with asyncio.timeout(_LONGEST):
                return await work

        return self._runner.run(bounded())

    def close(self) -> None:
        """Let go of the database."""
        self.run(self._client.aclose())
        self.run(self.here.database.close())

    async def empty(self) -> None:
        """As if nothing had ever been sent."""
        async with self.here.database.transaction() as connection:
            for table in _EMPTIED.split(", "):
                await connection.execute(sa.text(f"DELETE FROM {table}"))

    async def describe(self) -> None:
        """Write the directory."""
        units = [
            {"code": code, "name": code, "kind": "ward"} | ({"parent": parent} if parent else {})
            for code, parent in UNITS.items()
        ]
        procedures = [
            {
                "code": code,
                "name": code,
                "sector": "land",
                "service_level": rule.level,
                "fee_required": False,
                "fee_stops_clock": rule.fee_stops_clock,
            }
            | (
                {"duration": dict(zip(("value", "unit"), rule.duration, strict=True))}
                if rule.duration
                else {}
            )
            for code, rule in PROCEDURES.items()
        ]
        for path, entries in (("units", units), ("procedures", procedures)):
            answer = await self._client.put(f"/v1/{path}", json=entries)
            assert answer.status_code == 200, answer.text

    async def post(self, events: Sequence[Event], form: str) -> Tally:
        """Send events in one of the forms, and check that status and body of the answer agree."""
        tally = Tally()
        singly = form in FORMS[:3]
        for portion in [[event] for event in events] if singly else [list(events)]:
            headers, body = _request(portion, form)
            answer = await self._client.post("/v1/events", content=body, headers=headers)
            told = answer.json()
            assert answer.status_code in {200, 202, 207, 409}, answer.text
            if answer.status_code == 409:
                tally.rejected += 1
                continue
            tally.accepted += told["accepted"]
            tally.duplicate += told["duplicate"]
            tally.rejected += told["rejected"]
            assert told["accepted"] + told["duplicate"] + told["rejected"] == len(portion)
            assert len(told["results"]) == told["duplicate"] + told["rejected"]
            assert answer.status_code == _expected(told, singly=singly)
        return tally

    async def project(self) -> None:
        """Let every figure include what was sent."""
        await self._projector.run_until_current()

    async def write(self, method: str, path: str, body: object = None) -> None:
        """A call that is answered with success."""
        answer = await self._client.request(method, path, json=body)
        assert answer.status_code == 200, answer.text

    async def take_up_changes(self) -> set[str]:
        """Mark what changed rules, directory and calendars touch; all that is marked."""
        await self._projector.take_up_changes()
        async with self.here.database.transaction() as connection:
            return set(await connection.scalars(sa.text("SELECT subject FROM dossier_mark")))

    async def get(self, path: str, **parameters: object) -> Any:
        """The answer to a GET; None for 404."""
        answer = await self._client.get(path, params={name: str(value) for name, value in parameters.items()})
        assert answer.status_code in {200, 404}, answer.text
        return answer.json() if answer.status_code == 200 else None

    async def table(self) -> list[str]:
        """Every byte of the dossier table."""
        return await self._texts("dossier::text")

    async def rows(self) -> dict[str, str]:
        """Code → every byte of its row."""
        async with self.here.database.snapshot() as connection:
            rows = await connection.execute(sa.text("SELECT code, dossier::text FROM dossier"))
            return {code: text for code, text in rows}  # noqa: C416 - rows are no tuples to mypy

    async def facts_of_table(self) -> list[str]:
        """The same without what depends on the time of recording."""
        return await self._texts("(to_jsonb(dossier) - 'late_in_data_only')::text")

    async def _texts(self, expression: str) -> list[str]:
        async with self.here.database.snapshot() as connection:
            rows = await connection.execute(sa.text(f"SELECT {expression} FROM dossier ORDER BY code"))
            return [text for (text,) in rows]

    async def prove(self) -> None:
        """The table is what the log says, and deriving it anew gives the same bytes."""
        held = await self.table()
        proof = await verify(self.here, lambda *_: None)
        assert (proof.different, proof.pending, proof.differences) == (0, 0, [])
        await rebuild(self.here, lambda *_: None)
        assert await self.table() == held


def _expected(told: dict[str, Any], *, singly: bool) -> int:
    if singly:
        return 200 if told["duplicate"] else 202
    return 207 if told["rejected"] else 202


def _request(events: Sequence[Event], form: str) -> tuple[dict[str, str], bytes]:
    if form == "binary":
        (event,) = events
        attributes = {name: quote(value, safe="/:+") for name, value in _attributes(event).items()}
        return _JSON | {f"ce-{name}": value for name, value in attributes.items()}, _bytes(event.data)
    envelopes = [{**_attributes(event), "data": event.data} for event in events]
    if form in {"lines", "zipped"}:
        body = b"\n".join(_bytes(envelope) for envelope in envelopes)
        headers = {"Content-Type": "application/x-ndjson"}
        return (
            (headers, body)
            if form == "lines"
            else (headers | {"Content-Encoding": "gzip"}, gzip.compress(body, 1))
        )
    media = {"one": "cloudevents+json", "batch": "cloudevents-batch+json"}.get(form, "json")
    single = form in {"one", "either"}
    return {"Content-Type": f"application/{media}"}, _bytes(envelopes[0] if single else envelopes)


def _attributes(event: Event) -> dict[str, str]:
    told = {"id": event.id, "source": event.source, "type": event.type, "subject": event.subject}
    # The first source tells instants in UTC, the other in local time.
    at = event.time.astimezone(UTC) if event.source.endswith("0") else event.time
    return {"specversion": "1.0", **told, "time": at.isoformat()}


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
