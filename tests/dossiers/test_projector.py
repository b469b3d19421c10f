"""The dossier table equals the fold of the log, whatever changes under it: the directory, other workers, new facts."""

import asyncio
import uuid
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.dossiers.projector import LostLeaseError, Projector
from app.events import marks
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.main import create_app
from app.ops.proof import verify
from tests.directory.makers import key, procedure, put, unit
from tests.dossiers.makers import at, fact, received


class At:
    """A clock that stands still until a test moves it."""

    def __init__(self, text: str) -> None:
        self.now = at(text)

    def __call__(self) -> datetime:
        return self.now


UNITS = [unit("city"), unit("ward", "city"), unit("other")]
RECEIVED = received(due_at="2026-03-06")
MOVED = fact("transferred", "2026-03-03 09:00", unit="other")
DONE = fact("processed", "2026-03-05 09:00")
FEW = 10


async def post(client: httpx.AsyncClient, *facts: Any, code: str = "D", headers: Any = None) -> None:
    events = [
        {"id": f"{code}: {told.id}", "source": told.source, "type": told.type, "subject": code}
        | {"time": told.time.isoformat(), "data": dict(told.data)}
        for told in facts
    ]
    answer = await client.post("/v1/events", json=events, headers=headers)
    assert answer.status_code == 202, answer.text


async def different(here: Deployment) -> list[str]:
    """What a recount of everything finds."""
    return (await verify(here, lambda *_: None)).differences


async def test_a_procedure_described_after_its_dossiers_dates_them(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await post(client, received(), DONE)
    projector = Projector(deployment)
    await projector.run_until_current()
    await put(
        client, [procedure("1.000001", duration={"value": 2, "unit": "working_day"})], kind="procedures"
    )
    await projector.run_until_current()
    listed = (await client.get("/v1/dossiers", params={"verdict": "late"})).json()["items"]
    assert [(item["code"], item["due_original"]) for item in listed] == [("D", "2026-03-04")]
    assert await different(deployment) == []


async def test_a_procedure_dates_a_dossier_by_what_was_in_force_on_the_day_of_its_reception(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    slow = procedure("1.000001", duration={"value": 9, "unit": "working_day"}, valid_to="2026-03-02")
    quick = procedure("1.000001", duration={"value": 2, "unit": "working_day"}, valid_from="2026-03-03")
    projector = Projector(deployment)
    await post(client, received(), code="D-1")
    await post(client, received("2026-03-03 09:00"), code="D-2")
    await put(client, [slow, quick], kind="procedures")
    await projector.run_until_current()

    async def due() -> dict[str, tuple[str | None, bool]]:
        items = (await client.get("/v1/dossiers")).json()["items"]
        return {
            item["code"]: (item["due_original"], "unknown_procedure" in item["findings"]) for item in items
        }

    assert await due() == {"D-1": ("2026-03-13", False), "D-2": ("2026-03-05", False)}
    # Changing one period folds the dossiers again; what is in force on no day of theirs, is unknown to them.
    await put(client, [{**quick, "valid_from": "2026-03-03", "valid_to": "2026-03-03"}], kind="procedures")
    await put(client, [{**slow, "valid_to": "2026-03-01"}], kind="procedures")
    await projector.run_until_current()
    assert await due() == {"D-1": (None, True), "D-2": ("2026-03-05", False)}
    assert await different(deployment) == []


async def test_a_later_merger_takes_nobodys_word_back_and_gives_the_successor_power_from_then_on(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    ends = {"valid_to": "2026-03-03", "successors": [{"code": "heir", "kind": "merge"}]}
    await put(client, [unit("city"), unit("ward", "city", **ends), unit("heir"), unit("other")])
    city, heir, other = [await key(database, "events:write", unit=code) for code in ("city", "heir", "other")]
    wall = At("2026-03-02 10:00")
    here = Deployment(deployment.settings, database, wall)
    app = create_app(here)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as sender:
        await post(sender, RECEIVED, headers=city)
        wall.now = at("2026-03-05 10:00")
        await post(sender, fact("returned", "2026-03-05 09:30"), headers=other)
        await post(sender, fact("supplement_requested", "2026-03-04 09:00"), headers=city)
        await post(sender, DONE, headers=heir)
    await Projector(here).run_until_current()
    (item,) = (await client.get("/v1/dossiers")).json()["items"]
    assert (item["unit"], item["state"]) == ("ward", "processed"), (
        "the old city's word stands, and the heir's"
    )
    answer = (await client.get("/v1/dossier", params={"code": "D"})).json()
    foreign = [found["id"] for found in answer["findings"] if found["kind"] == "foreign_unit"]
    assert foreign == ["D: returned 2026-03-05 09:30", "D: supplement_requested 2026-03-04 09:00"]
    assert await different(here) == []


async def test_a_unit_that_leaves_a_keys_limit_takes_the_power_over_its_dossiers_along(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    await put(client, UNITS)
    await post(client, RECEIVED)
    await post(client, DONE, headers=await key(database, "events:write", unit="city"))
    projector = Projector(deployment)
    await projector.run_until_current()
    assert (await client.get("/v1/dossier", params={"code": "D"})).json()["verdict"] == "early"
    await put(client, [unit("ward", "other")])
    await projector.run_until_current()
    assert (await client.get("/v1/dossier", params={"code": "D"})).json()["verdict"] == "overdue"
    assert await different(deployment) == []


async def test_also_dossiers_that_were_once_at_a_moved_unit_are_folded_again(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    await put(client, UNITS)
    await post(client, RECEIVED, headers=await key(database, "events:write", unit="city"))
    await post(client, MOVED)
    projector = Projector(deployment)
    await projector.run_until_current()
    await put(client, [unit("ward", "other")])
    await projector.run_until_current()
    assert await different(deployment) == []


async def test_a_very_long_list_of_changes_is_taken_up_whole(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    last = "9.999999"
    await post(client, received(procedure=last))
    projector = Projector(deployment)
    await projector.run_until_current()
    described = [procedure(f"1.{number:06}") for number in range(1_200)]
    described.append(procedure(last, duration={"value": 2, "unit": "working_day"}))
    await put(client, described, kind="procedures")
    await projector.run_until_current()
    assert await different(deployment) == []


async def test_changes_of_the_directory_that_nobody_took_up_yet_are_no_difference(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await post(client, received())
    await Projector(deployment).run_until_current()
    await put(
        client, [procedure("1.000001", duration={"value": 2, "unit": "working_day"})], kind="procedures"
    )
    assert await different(deployment) == []


async def test_a_changed_setting_folds_every_dossier_again(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await post(client, received("2026-03-02 09:00", duration={"value": 2, "unit": "working_day"}))
    await Projector(deployment).run_until_current()
    stricter = replace(deployment, settings=deployment.settings.model_copy(update={"cutoff": time(8)}))
    await Projector(stricter).run_until_current()
    listed = (await client.get("/v1/dossiers")).json()["items"]
    assert [item["due_original"] for item in listed] == ["2026-03-05"]
    assert await different(stricter) == []


async def test_what_arrives_while_a_dossier_is_being_folded_is_folded_next(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    projector, lease = Projector(deployment), uuid.uuid4()
    await post(client, RECEIVED)
    async with database.transaction() as connection:
        claimed = await marks.claim(connection, lease, 10, timedelta(seconds=30))
    await post(client, DONE)
    await projector._project(lease, claimed)
    assert await projector.run_once() == 1, "its mark stayed"
    assert await projector.run_once() == 0
    assert await different(deployment) == []


async def test_a_worker_that_lost_its_lease_saves_nothing(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    projector, lease = Projector(deployment), uuid.uuid4()
    await post(client, RECEIVED)
    async with database.transaction() as connection:
        claimed = await marks.claim(connection, lease, 10, timedelta())
    await asyncio.sleep(0.01)
    assert await projector.run_once() == 1, "another worker took it over"
    async with database.transaction() as connection:
        await connection.execute(sa.text("UPDATE dossier SET state = 'saved by the other'"))
    with pytest.raises(LostLeaseError):
        await projector._project(lease, claimed)
    async with database.snapshot() as connection:
        states = await connection.scalars(sa.text("SELECT state FROM dossier"))
        assert list(states) == ["saved by the other"]


async def test_two_workers_beside_a_busy_sender_leave_nothing_out(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    facts = [RECEIVED, MOVED, DONE, fact("returned", "2026-03-06 09:00")]
    posts = [post(client, told, code=f"D{number}") for told in facts for number in range(FEW)]
    workers = [Projector(deployment), Projector(deployment)]

    async def work(projector: Projector) -> None:
        for _ in range(FEW):
            await projector.run_once(most=3)

    await asyncio.gather(*posts, *map(work, workers))
    while await workers[0].run_once():
        pass
    proof = await verify(deployment, lambda *_: None)
    assert (proof.checked, proof.pending, proof.differences) == (FEW, 0, [])
