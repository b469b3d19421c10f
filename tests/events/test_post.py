"""POST /v1/events: every form, duplicates, conflicts, receipts, and what a key may send."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.dossiers.projector import Projector
from app.events.published import example
from app.events.tables import dossier_mark, event
from app.events.types import TYPES
from app.keys import queries as keys
from app.kit.db import Database
from app.kit.deployment import Deployment
from tests.events.makers import changed, processed, received

Json = dict[str, Any]
LINES = {"content-type": "application/x-ndjson"}


def lines(*events: Json | str) -> bytes:
    return "\n".join(made if isinstance(made, str) else json.dumps(made) for made in events).encode()


async def stored(database: Database) -> list[str]:
    async with database.transaction() as connection:
        return list((await connection.scalars(sa.select(event.c.id).order_by(event.c.seq))).all())


async def key(deployment: Deployment, **limits: Any) -> dict[str, str]:
    async with deployment.database.transaction() as connection:
        _, text = await keys.create(
            connection, name="k", scopes=["events:write"], now=deployment.clock(), **limits
        )
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("name", TYPES)
async def test_every_type_is_accepted_as_its_published_example(name: str, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events", json=example(name))
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


@pytest.mark.parametrize(
    "media", ["application/json", "application/cloudevents+json", "application/json; charset=UTF-8"]
)
async def test_one_event(media: str, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events", content=json.dumps(received()), headers={"content-type": media})
    assert answer.status_code == 202
    assert answer.json() | {"receipt": ""} == {
        "accepted": 1,
        "duplicate": 0,
        "rejected": 0,
        "receipt": "",
        "results": [],
    }


async def test_an_event_in_binary_mode_is_the_same_event(client: httpx.AsyncClient) -> None:
    made = received(subject="Hồ sơ 1", id="1")
    headers = {f"ce-{name}": str(made[name]) for name in ("id", "source", "type", "time")}
    headers |= {
        "ce-subject": "H%E1%BB%93%20s%C6%A1%201",
        "ce-specversion": "1.0",
        "content-type": "application/json",
    }
    assert (await client.post("/v1/events", json=made["data"], headers=headers)).status_code == 202
    assert (await client.post("/v1/events", json=made)).status_code == 200


@pytest.mark.parametrize("media", ["application/json", "application/cloudevents-batch+json"])
async def test_a_batch(media: str, client: httpx.AsyncClient) -> None:
    body = json.dumps([received("H1"), received("H2"), received("H1")])
    answer = await client.post("/v1/events", content=body, headers={"content-type": media})
    assert answer.status_code == 202
    assert answer.json()["results"] == [
        {"index": 2, "id": "H1-received", "status": "duplicate", "errors": []}
    ]
    assert (answer.json()["accepted"], answer.json()["duplicate"]) == (2, 1)


async def test_an_empty_batch_is_accepted(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/events", json=[])).json()["accepted"] == 0


async def test_lines_with_blank_ones_a_byte_order_mark_and_gzip_members(client: httpx.AsyncClient) -> None:
    body = gzip.compress(
        b"\xef\xbb\xbf" + lines(received("H1"), "", received("H2")) + b"\r\n\n"
    ) + gzip.compress(lines(received("H3")))
    answer = await client.post("/v1/events", content=body, headers=LINES | {"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 3)


async def test_good_lines_are_stored_beside_bad_ones(client: httpx.AsyncClient, database: Database) -> None:
    long = json.dumps(received("H9") | {"x": "y" * 70_000})
    answer = await client.post(
        "/v1/events",
        content=lines("{", received("H1"), long, "[]", received("H2", channel="fax")),
        headers=LINES,
    )
    assert answer.status_code == 207
    assert [(found["index"], found["status"]) for found in answer.json()["results"]] == [
        (0, "invalid"), (2, "invalid"), (3, "invalid"), (4, "invalid"),
    ]  # fmt: skip
    assert await stored(database) == ["H1-received"]


async def test_more_than_five_thousand_lines_share_one_receipt(client: httpx.AsyncClient) -> None:
    body = lines(*(received(f"H{number % 5100}") for number in range(5_200)))
    answer = (await client.post("/v1/events", content=body, headers=LINES)).json()
    assert (answer["accepted"], answer["duplicate"]) == (5_100, 100)
    told = (await client.get(f"/v1/receipts/{answer['receipt']}")).json()
    assert (told["accepted"], told["duplicate"], told["rejected"]) == (5_100, 100, 0)
    assert [found["index"] for found in told["results"]] == list(range(5_100, 5_200))


async def test_at_most_a_thousand_results_are_listed(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/v1/events", json=[{}] * 1_001)).json()
    assert (answer["rejected"], len(answer["results"]), answer["results_truncated"]) == (1_001, 1_000, True)
    told = (await client.get(f"/v1/receipts/{answer['receipt']}")).json()
    assert (told["rejected"], len(told["results"]), told["results_truncated"]) == (1_001, 1_000, True)


async def test_a_body_that_breaks_off_keeps_what_came_whole(
    client: httpx.AsyncClient, database: Database
) -> None:
    whole = gzip.compress(lines(*(received(f"H{number}") for number in range(2_000))), mtime=0)
    answer = await client.post(
        "/v1/events", content=whole[:-2_000], headers=LINES | {"content-encoding": "gzip"}
    )
    told = answer.json()
    assert answer.status_code == 207
    assert 0 < told["accepted"] < 2_000
    assert told["stopped_at"] == told["accepted"] + 1
    assert len(await stored(database)) == told["accepted"]


async def test_a_duplicate_is_200_and_stored_once_whatever_the_member_order_or_offset(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = received()
    again = dict(reversed(made.items())) | {
        "time": "2026-01-05T01:00:00.000Z",
        "traceparent": "00-a-b-01",
        "extra": 1,
    }
    again["data"] = dict(reversed(made["data"].items()))
    assert (await client.post("/v1/events", json=made)).status_code == 202
    answer = await client.post("/v1/events", json=again)
    assert (answer.status_code, answer.json()["duplicate"]) == (200, 1)
    assert await stored(database) == ["H1-received"]


async def test_amounts_are_compared_as_numbers(client: httpx.AsyncClient) -> None:
    paid = '{"id": "1", "source": "/s", "type": "dossier.paid_online", "subject": "H", "time": "2026-01-05T08:00:00Z", "data": {"amount": %s}}'
    for amount, status in (("150000", 202), ("150000.0", 200), ("1.5e5", 200), ("150000.5", 409)):
        answer = await client.post(
            "/v1/events", content=paid % amount, headers={"content-type": "application/json"}
        )
        assert answer.status_code == status, amount


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "u2"},
        {"time": "2026-01-05T08:00:01+07:00"},
        {"subject": "H2"},
        {"due_at": "2026-01-09T23:59:59+07:00"},
    ],
)
async def test_the_same_id_with_other_content_is_a_conflict(
    change: Json, client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/v1/events", json=received())
    answer = await client.post("/v1/events", json=changed(received(), change))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert len(await stored(database)) == 1
    kept = (await client.get("/v1/events/rejected")).json()["items"]
    assert [(row["status"], row["envelope"]["id"]) for row in kept] == [("conflict", "H1-received")]


async def test_a_conflict_within_a_batch_keeps_the_first(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/v1/events", json=[received(), received(unit="u2")])).json()
    assert (answer["accepted"], answer["rejected"], answer["results"][0]["status"]) == (1, 1, "conflict")


async def test_two_sources_may_use_the_same_id(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events", json=[received(), received(source="/other")])
    assert answer.json()["accepted"] == 2


async def test_the_id_of_an_invalid_event_stays_free(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/events", json=received(channel="fax"))).status_code == 422
    assert (await client.post("/v1/events", json=received())).status_code == 202


async def test_many_copies_at_once_are_stored_once(client: httpx.AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(*(client.post("/v1/events", json=received()) for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [200] * 39 + [202]
    assert await stored(database) == ["H1-received"]


async def test_batches_that_share_events_and_dossiers_in_opposite_order_do_not_deadlock(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = [received(f"H{number}") for number in range(300)] + [
        processed(f"H{number}") for number in range(300)
    ]
    answers = await asyncio.gather(
        *(client.post("/v1/events", json=made if turn % 2 else made[::-1]) for turn in range(6))
    )
    assert [answer.status_code for answer in answers] == [202] * 6
    assert sum(answer.json()["accepted"] for answer in answers) == len(made) == len(await stored(database))


async def test_every_new_event_grows_the_generation_of_its_dossiers_mark(
    client: httpx.AsyncClient, database: Database
) -> None:
    for made in (received(), received(), processed()):
        await client.post("/v1/events", json=made)
    async with database.transaction() as connection:
        marks = (await connection.execute(sa.select(dossier_mark.c.subject, dossier_mark.c.generation))).all()
    assert [tuple(mark) for mark in marks] == [("H1", 2)]


async def test_a_key_bound_to_sources_may_send_for_no_other(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    bound = await key(deployment, sources=["/test"])
    assert (await client.post("/v1/events", json=received(), headers=bound)).status_code == 202
    answer = await client.post("/v1/events", json=received(source="/other"), headers=bound)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/source")
    batch = await client.post(
        "/v1/events", json=[received("H2"), received("H2", source="/other")], headers=bound
    )
    assert (batch.status_code, batch.json()["accepted"], batch.json()["results"][0]["status"]) == (
        207,
        1,
        "forbidden",
    )


async def test_retracting_another_sources_event_needs_admin(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    other = example("event.retracted")
    other["data"]["event_source"] = "/other"
    answer = await client.post("/v1/events", json=other, headers=await key(deployment))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/data/event_source")
    assert (await client.post("/v1/events", json=other)).status_code == 202


async def test_without_a_key_nothing_is_taken(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as stranger:
        answer = await stranger.post("/v1/events", json=received())
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@contextlib.contextmanager
def projecting(deployment: Deployment) -> Iterator[None]:
    async def work() -> None:
        projector = Projector(deployment)
        while True:
            await projector.run_once()
            await asyncio.sleep(0.01)

    task = asyncio.get_running_loop().create_task(work())
    try:
        yield
    finally:
        task.cancel()


async def test_prefer_wait_answers_200_once_figures_include_the_events(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    with projecting(deployment):
        answer = await client.post(
            "/v1/events", json=received(), headers={"Prefer": "respond-async, wait=20"}
        )
        assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait")
        counts = (await client.get("/v1/metrics/counts", params={"period": "2026-01"})).json()
        assert counts["total"]["received"] == 1
        mixed = await client.post("/v1/events", json=[processed(), {}], headers={"Prefer": "wait=20"})
        assert (mixed.status_code, mixed.headers["preference-applied"]) == (207, "wait")


async def test_when_the_wait_does_not_suffice_the_usual_answer_comes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events", json=received(), headers={"Prefer": "wait=0"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
    told = (await client.get(f"/v1/receipts/{answer.json()['receipt']}")).json()
    assert told["in_figures"] is False


async def test_validate_tells_faults_and_stores_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post("/v1/events/validate", json=[received(), received(channel="fax")])
    assert answer.status_code == 200
    assert (answer.json()["valid"], answer.json()["invalid"]) == (1, 1)
    assert answer.json()["results"][0]["errors"][0]["pointer"] == "/data/channel"
    as_lines = await client.post("/v1/events/validate", content=lines(received(), "", "{"), headers=LINES)
    assert (as_lines.json()["valid"], as_lines.json()["invalid"]) == (1, 1)
    assert await stored(database) == []
    assert (await client.get("/v1/events/rejected")).json()["items"] == []


async def test_events_are_found_by_source_and_id_and_listed_in_pages(client: httpx.AsyncClient) -> None:
    await client.post("/v1/events", json=[received(f"H{number}") for number in range(5)])
    found = (await client.get("/v1/events", params={"source": "/test", "id": "H3-received"})).json()["items"]
    assert [(row["subject"], row["data"]["unit"]) for row in found] == [("H3", "u1")]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/events", params=params)).json()
        seen += [row["subject"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == [f"H{number}" for number in range(5)]
    assert cursor is None


async def test_the_cloudevents_sdk_speaks_our_language(client: httpx.AsyncClient) -> None:
    from datetime import datetime

    from cloudevents.core.bindings.http import to_binary, to_structured
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    made = received()
    attributes = {name: made[name] for name in ("id", "source", "type", "subject")} | {
        "specversion": "1.0",
        "time": datetime.fromisoformat(made["time"]),
        "datacontenttype": "application/json",
    }
    sdk = CloudEvent(attributes=attributes, data=made["data"])
    for form, status in ((to_structured, 202), (to_binary, 200)):
        message = form(sdk, JSONFormat())
        answer = await client.post("/v1/events", content=message.body, headers=dict(message.headers))
        assert answer.status_code == status, answer.text
