"""Malformed requests to POST /v1/events: each gets its documented problem, and stores nothing but its rejection."""

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.events.tables import dossier_mark, event, receipt
from app.kit.db import Database
from app.kit.problems import KINDS
from tests.events.makers import received

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"
JSON = "application/json"


@dataclass
class Bad:
    """A malformed request, the problem it gets, and where the fault is told to be."""

    why: str
    kind: str
    content: bytes
    media: str | None = JSON
    pointer: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def told(**changes: Any) -> bytes:
    return json.dumps(received(**changes)).encode()


def without(name: str) -> bytes:
    made = received()
    del made[name]
    return json.dumps(made).encode()


def raw(old: str, new: str) -> bytes:
    """A valid event with a piece of its text replaced."""
    text = json.dumps(received())
    assert old in text
    return text.replace(old, new, 1).encode()


def bomb() -> bytes:
    return gzip.compress(b"[" + b" " * (64 * 1024 * 1024) + b"]")


TABLE = [
    # not JSON, or not what was announced
    Bad("an empty body", "unreadable", b""),
    Bad("white space only", "unreadable", b"  \n "),
    Bad("plain words", "unreadable", b"hello"),
    Bad("an object cut off", "unreadable", b'{"id": "1"'),
    Bad("two values", "unreadable", told() + told()),
    Bad("a trailing comma", "unreadable", b'{"id": "1",}'),
    Bad("single quotes", "unreadable", b"{'id': '1'}"),
    Bad("a comment", "unreadable", b'{"id": "1" /* one */}'),
    Bad("XML", "unreadable", b"<event/>"),
    Bad("NaN", "unreadable", raw('"online"', "NaN")),
    Bad("UTF-16", "unreadable", json.dumps(received()).encode("utf-16")),
    Bad("an array that breaks off", "unreadable", b"[" + told() + b","),
    Bad("a batch that is an object", "unreadable", told(), BATCH),
    Bad("a batch that is a number", "unreadable", b"7", BATCH),
    Bad("an array deeper than any event", "unreadable", b"[" * 100_000),
    Bad("an object deeper than any event", "unreadable", b'{"a":' * 100_000),
    Bad("gzip that is not", "unreadable", told(), headers={"content-encoding": "gzip"}),
    Bad("gzip cut off", "unreadable", gzip.compress(told())[:-9], headers={"content-encoding": "gzip"}),
    Bad("gzip with rubbish behind", "unreadable", gzip.compress(told()) + b"x", headers={"content-encoding": "gzip"}),
    # JSON, but no event
    Bad("a string", "invalid", b'"event"', pointer=""),
    Bad("null", "invalid", b"null", pointer=""),
    Bad("a number", "invalid", b"1", pointer=""),
    Bad("an empty object", "invalid", b"{}", pointer="/id"),
    Bad("an array announced as one event", "invalid", b"[" + told() + b"]", ONE, pointer=""),
    Bad("bytes that are no UTF-8 in a string", "invalid", raw("u1", "u?").replace(b"u?", b"\xff\xfe"), pointer=""),
    Bad("a lone surrogate", "unreadable", raw('"u1"', '"\\ud800x"')),
    Bad("a number out of range", "invalid", raw('"online"', "1e999"), pointer=""),
    Bad("a member that stands twice", "invalid", raw('"unit"', '"channel": "post", "unit"'), pointer=""),
    Bad("an envelope member twice", "invalid", raw('"id"', '"id": "other", "id"'), pointer=""),
    Bad("a member twice, once escaped", "invalid", raw('"id"', '"\\u0069d": "x:", "id"'), pointer=""),
    Bad("a member twice behind an escaped colon", "invalid", raw('"id"', '"id": "\\u003a\\u003a", "id"'), pointer=""),
    # the envelope
    Bad("no id", "invalid", without("id"), pointer="/id"),
    Bad("no source", "invalid", without("source"), pointer="/source"),
    Bad("no type", "invalid", without("type"), pointer="/type"),
    Bad("no subject", "invalid", without("subject"), pointer="/subject"),
    Bad("no time", "invalid", without("time"), pointer="/time"),
    Bad("no data where it is needed", "invalid", without("data"), pointer="/data/unit"),
    Bad("an empty id", "invalid", raw('"H1-received"', '""'), pointer="/id"),
    Bad("an id that is a number", "invalid", raw('"H1-received"', "17"), pointer="/id"),
    Bad("an id of 129 characters", "invalid", raw('"H1-received"', f'"{"x" * 129}"'), pointer="/id"),
    Bad("a source of 256 characters", "invalid", told(source="/" + "s" * 255), pointer="/source"),
    Bad("a dossier code of 65 characters", "invalid", told(subject="x" * 65), pointer="/subject"),
    Bad("a dossier code of spaces", "invalid", told(subject="   "), pointer="/subject"),
    Bad("a NUL in the dossier code", "invalid", raw('"subject": "H1"', '"subject": "H\\u00001"'), pointer="/subject"),
    Bad("a line break in the dossier code", "invalid", told(subject="H\n1"), pointer="/subject"),
    Bad("an unknown type", "invalid", told(type="dossier.lost"), pointer="/type"),
    Bad("a type that is a list", "invalid", told(type=["dossier.received"]), pointer="/type"),
    Bad("another specversion", "invalid", raw('"id"', '"specversion": "0.3", "id"'), pointer="/specversion"),
    Bad("another data content type", "invalid", raw('"id"', '"datacontenttype": "text/xml", "id"'), pointer="/datacontenttype"),
    Bad("data in base 64", "invalid", raw('"id"', '"data_base64": "e30=", "id"'), pointer="/data_base64"),
    Bad("an attribute name in capitals", "invalid", raw('"id"', '"Unit": "u1", "id"'), pointer="/Unit"),
    Bad("a NUL in an attribute's name", "invalid", raw('"id"', '"x\\u0000": 1, "id"'), pointer="/x\ufffd"),
    Bad("a time without offset", "invalid", told(time="2026-01-05T08:00:00"), pointer="/time"),
    Bad("a time with a zone's name", "invalid", told(time="2026-01-05T08:00:00[Asia/Ho_Chi_Minh]"), pointer="/time"),
    Bad("an offset without colon", "invalid", told(time="2026-01-05T08:00:00+0700"), pointer="/time"),
    Bad("an offset of 25 hours", "invalid", told(time="2026-01-05T08:00:00+25:00"), pointer="/time"),
    Bad("a week date", "invalid", told(time="2026-W02-1T08:00:00+07:00"), pointer="/time"),
    Bad("the 30th of February", "invalid", told(time="2026-02-30T08:00:00+07:00"), pointer="/time"),
    Bad("a time as a number", "invalid", told(time=1767574800), pointer="/time"),
    Bad("a time of the future", "invalid", told(time="2199-01-01T00:00:00Z"), pointer="/time"),
    Bad("a time before 1900", "invalid", told(time="1899-12-31T23:59:59Z"), pointer="/time"),
    Bad("digits that are not ASCII", "invalid", told(time="２０26-01-05T08:00:00+07:00"), pointer="/time"),
    # the data
    Bad("data that is a list", "invalid", told(data=[1]), pointer="/data"),
    Bad("data that is null", "invalid", told(data=None), pointer="/data"),
    Bad("an unknown field", "invalid", told(chanel="online"), pointer="/data/chanel"),
    Bad("a NUL in a field's name", "invalid", told(**{"x\0": 1}), pointer="/data/x\ufffd"),
    Bad("a field's name of 30,000 characters", "invalid", told(**{"x" * 30_000: 1}), pointer="/data/" + "x" * 64),
    Bad("a channel that does not exist", "invalid", told(channel="fax"), pointer="/data/channel"),
    Bad("a unit that is empty", "invalid", told(unit=""), pointer="/data/unit"),
    Bad("a unit that is null", "invalid", told(unit=None), pointer="/data/unit"),
    Bad("a NUL in the unit", "invalid", told(unit="u\0"), pointer="/data/unit"),
    Bad("a due date that is no date", "invalid", told(due_at="tomorrow"), pointer="/data/due_at"),
    Bad("a due date without offset", "invalid", told(due_at="2026-01-09T17:00:00"), pointer="/data/due_at"),
    Bad("a due date in the year 2201", "invalid", told(due_at="2201-01-01"), pointer="/data/due_at"),
    Bad("a duration of half a day", "invalid", told(duration={"value": 0.5, "unit": "working_day"}), pointer="/data/duration/value"),
    Bad("a negative duration", "invalid", told(duration={"value": -1, "unit": "working_day"}), pointer="/data/duration/value"),
    Bad("a huge duration", "invalid", told(duration={"value": 10**30, "unit": "working_day"}), pointer="/data/duration/value"),
    Bad("a duration in fortnights", "invalid", told(duration={"value": 1, "unit": "fortnight"}), pointer="/data/duration/unit"),
    Bad("a flag that is a word", "invalid", told(fee_required="yes"), pointer="/data/fee_required"),
    Bad("a flag that is a number", "invalid", told(fee_required=1), pointer="/data/fee_required"),
    Bad("an amount below zero", "invalid", told(type="dossier.paid_online", data={"amount": -1}), pointer="/data/amount"),
    Bad("an amount beyond all fees", "invalid", told(type="dossier.paid_online", data={"amount": 10**18}), pointer="/data/amount"),
    Bad("an amount of 300 digits", "invalid", told(type="dossier.paid_online", data={"amount": 10**300}), pointer="/data/amount"),
    Bad("an amount that is a text", "invalid", told(type="dossier.paid_online", data={"amount": "5"}), pointer="/data/amount"),
    Bad("an amount that is true", "invalid", told(type="dossier.paid_online", data={"amount": True}), pointer="/data/amount"),
    Bad("a voiding without reason", "invalid", told(type="dossier.voided", data={}), pointer="/data/reason"),
    Bad("a bell in the reason", "invalid", told(type="dossier.stopped", data={"reason": "\a"}), pointer="/data/reason"),
    Bad("a retraction of nothing", "invalid", told(type="event.retracted", data={"reason": "x"}), pointer="/data/event_id"),
    Bad("deep nesting inside data", "invalid", told(unit=json.loads("[" * 500 + "]" * 500)), pointer="/data/unit"),
    Bad("more than 64 KiB", "invalid", told(type="dossier.stopped", data={"reason": "x" * 65_536}), pointer=""),
    # sizes and media
    Bad("a body beyond the limit", "too-large", b" " * (16 * 1024 * 1024 + 1)),
    Bad("a gzip bomb", "too-large", bomb(), headers={"content-encoding": "gzip"}),
    Bad("5,001 events", "too-large", b"[" + b",".join([b"{}"] * 5_001) + b"]", BATCH),
    Bad("no media type", "unsupported-media-type", told(), None),
    Bad("a form", "unsupported-media-type", b"id=1", "application/x-www-form-urlencoded"),
    Bad("XML by its media type", "unsupported-media-type", b"<event/>", "application/xml"),
    Bad("another charset", "unsupported-media-type", told(), "application/json; charset=latin1"),
    Bad("another encoding", "unsupported-media-type", told(), headers={"content-encoding": "br"}),
    Bad("attributes in headers without a type", "invalid", b"{}", headers={"ce-id": "1", "ce-source": "/s"}, pointer="/type"),
    Bad("attributes in headers and no JSON", "unreadable", b"{", headers={"ce-id": "1", "ce-type": "dossier.stopped"}),
]  # fmt: skip


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.why)
async def test_gets_its_documented_problem_and_stores_nothing(
    bad: Bad, client: httpx.AsyncClient, database: Database
) -> None:
    media = {"content-type": bad.media} if bad.media else {}
    answer = await client.post("/v1/events", content=bad.content, headers=media | bad.headers)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["type"]) == (KINDS[bad.kind].status, f"/problems/{bad.kind}")
    assert {"title", "status", "detail", "instance", "request_id"} <= problem.keys()
    if bad.pointer is not None:
        assert bad.pointer in [fault["pointer"] for fault in problem["errors"]]
        assert problem["receipt"]
    await _nothing_is_stored(database, client, rejected=int(bad.kind == "invalid"))


async def _nothing_is_stored(database: Database, client: httpx.AsyncClient, rejected: int) -> None:
    async with database.transaction() as connection:
        for table in (event, dossier_mark):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
        assert await connection.scalar(sa.select(sa.func.count()).select_from(receipt)) == rejected
    kept = (await client.get("/v1/events/rejected")).json()["items"]
    assert len(kept) == rejected
    assert all("data" not in row["envelope"] for row in kept)


async def test_an_overlong_declared_length_is_refused_before_the_body_is_read(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(
        "/v1/events", content=b"{}", headers={"content-type": JSON, "content-length": str(10**12)}
    )
    assert answer.status_code == 413


async def test_faults_are_told_in_vietnamese_too(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events?lang=vi", json=received(channel="fax"))
    assert answer.json()["title"] == "Nội dung không hợp lệ"
    assert "Chỉ nhận một trong" in answer.json()["errors"][0]["detail"]


def test_there_are_at_least_sixty() -> None:
    assert len({bad.why for bad in TABLE}) == len(TABLE) >= 60
