"""A version that comes in force changes exactly the dossiers that its preview named, whatever happens meanwhile."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import queries as calendars
from app.dossiers import projector as projecting
from app.dossiers import queries
from app.dossiers.projector import Projector
from app.events.tables import dossier_mark
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.ops.proof import Verdict, verify
from tests.calendars.makers import enforce, off, terms, window, worked, write
from tests.directory.makers import key, put, unit
from tests.events.makers import event, processed, received

Json = dict[str, Any]

FIVE = {"value": 5, "unit": "working_day"}
STORM = terms(off("2026-01-07"))
"""Wednesday off in the week of the receptions of `tests/events/makers.py`."""


async def post(client: httpx.AsyncClient, *events: Json) -> None:
    assert (await client.post("/v1/events", json=list(events))).status_code == 202


async def preview(client: httpx.AsyncClient, number: int = 2, **asked: Any) -> Json:
    answer = await client.get(f"/v1/calendars/plain/versions/{number}/preview", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def marked(database: Database) -> set[str]:
    async with database.transaction() as connection:
        return set(await connection.scalars(sa.select(dossier_mark.c.subject)))


async def city(client: httpx.AsyncClient, deployment: Deployment) -> None:
    """Five dossiers: two that a Wednesday off moves, one of them over its end, and three that do not feel it."""
    await put(client, [unit("u1"), unit("u2")])
    await post(
        client,
        received("moved", due_at=None, duration=FIVE, unit="u2"),
        received("saved", due_at=None, duration={"value": 2, "unit": "working_day"}),
        processed("saved"),
        received("told", due_at="2026-01-12"),
        received("later", due_at=None, duration=FIVE, time="2026-01-12T08:00:00+07:00"),
        received("earlier", due_at=None, duration=FIVE, time="2025-12-29T08:00:00+07:00"),
        processed("earlier", time="2026-01-02T08:00:00+07:00"),
    )
    await Projector(deployment).run_until_current()


async def test_the_preview_names_what_would_change_by_unit(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await city(client, deployment)
    await write(client, 2, STORM)
    told = await preview(client)
    assert (told["first_day"], told["last_day"]) == ("2026-01-07", "2026-01-07")
    assert told["total"] == {"dossiers": 2, "due_date": 2, "verdict": 1}
    assert [(one["unit"], one["dossiers"], one["verdict"]) for one in told["units"]] == [
        ("u1", 1, 1),
        ("u2", 1, 0),
    ]
    moved, saved = told["items"]
    assert moved["before"] | {"verdict": ""} == {
        "due_original": "2026-01-12",
        "due_current": "2026-01-12",
        "verdict": "",
    }
    assert moved["after"]["due_original"] == "2026-01-13"
    assert (saved["before"]["verdict"], saved["after"]["verdict"]) == ("late", "on_time")
    assert {"due_original", "outcome"} <= set(saved["changes"])


async def test_a_preview_comes_in_pages_and_only_its_first_one_counts(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    await city(client, deployment)
    await write(client, 2, STORM)
    first = await preview(client, limit=1)
    second = await preview(client, limit=1, cursor=first["next_cursor"])
    assert [item["code"] for item in (*first["items"], *second["items"])] == ["moved", "saved"]
    assert first["total"]["dossiers"] == 2
    assert (second["total"], second["units"], second["next_cursor"]) == (None, None, None)
    assert [item["code"] for item in (await preview(client, unit="u2"))["items"]] == ["moved"]
    limited = await key(database, "metrics:read", unit="u1")
    path = "/v1/calendars/plain/versions/2/preview"
    seen = (await client.get(path, headers=limited)).json()
    assert [item["code"] for item in seen["items"]] == ["saved"]
    assert (await client.get(path, params={"unit": "u2"}, headers=limited)).status_code == 403
    assert (await client.get("/v1/calendars/plain/versions/3/preview")).status_code == 404


async def test_coming_in_force_marks_exactly_what_the_preview_named(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    await city(client, deployment)
    await enforce(client, 2, STORM)
    await Projector(deployment).take_up_changes()
    assert await marked(database) == {"moved", "saved"}
    await Projector(deployment).run_until_current()
    listed = (await client.get("/v1/dossiers", params={"verdict": "on_time"})).json()["items"]
    assert [item["code"] for item in listed] == ["saved"]
    assert await verify(deployment, lambda *_: None) == Verdict(checked=5)
    assert (await preview(client))["total"]["dossiers"] == 0, "what is in force changes nothing any more"


@pytest.mark.parametrize(
    "body",
    [
        terms(worked("2026-01-07")),
        terms(off("2026-01-10")),
        terms(off("2031-01-07")),
        terms(off("2020-01-07"), effective_from="2020-01-01"),
    ],
    ids=["worked anyway", "a Saturday", "long after", "long before"],
)
async def test_a_version_that_changes_nothing_marks_nothing(
    client: httpx.AsyncClient, deployment: Deployment, database: Database, body: Json
) -> None:
    await city(client, deployment)
    await write(client, 2, body)
    assert (await preview(client))["total"]["dossiers"] == 0
    await enforce(client, 2, body)
    await Projector(deployment).take_up_changes()
    assert await marked(database) == set()
    assert await verify(deployment, lambda *_: None) == Verdict(checked=5)


async def test_a_calendar_that_nobody_counts_by_changes_nothing(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    await city(client, deployment)
    await enforce(client, 1, STORM, key="other")
    await Projector(deployment).take_up_changes()
    assert await marked(database) == set()
    told = (await client.get("/v1/calendars/other/versions/1/preview")).json()
    assert told["total"]["dossiers"] == 0


async def test_what_is_being_folded_while_a_version_comes_in_force_is_folded_again(
    client: httpx.AsyncClient, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the fold and the save of a dossier that no table shows yet, its Wednesday becomes a day off."""
    await post(client, received(due_at=None, duration=FIVE))
    saved = queries.save

    async def enforced_first(connection: AsyncConnection, rows: Sequence[Json]) -> None:
        monkeypatch.setattr(queries, "save", saved)
        await enforce(client, 2, STORM)
        await Projector(deployment).take_up_changes()
        await saved(connection, rows)

    monkeypatch.setattr(queries, "save", enforced_first)
    await Projector(deployment).run_until_current()
    (dossier,) = (await client.get("/v1/dossiers")).json()["items"]
    assert dossier["due_original"] == "2026-01-13"
    assert await verify(deployment, lambda *_: None) == Verdict(checked=1)


async def test_portions_go_on_where_a_worker_that_died_left_them(
    client: httpx.AsyncClient, deployment: Deployment, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "BATCH", 2)
    await post(client, *(received(f"D{number}", due_at=None, duration=FIVE) for number in range(5)))
    await Projector(deployment).run_until_current()
    await enforce(client, 2, STORM)
    first = Projector(deployment)
    assert await first._take_up_calendars(), "what was in hand is opened again"
    assert await first._take_up_calendars()
    assert await marked(database) == {"D0", "D1"}
    await post(client, received("D00", due_at=None, duration=FIVE))
    await Projector(deployment).run_until_current()
    rows = (await client.get("/v1/dossiers")).json()["items"]
    assert {row["due_original"] for row in rows} == {"2026-01-13"}
    assert await verify(deployment, lambda *_: None) == Verdict(checked=6)


async def test_versions_put_in_force_one_upon_the_other_end_in_one_truth(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await city(client, deployment)
    await enforce(client, 2, STORM)
    await enforce(client, 3, terms(worked("2026-01-07"), off("2026-01-14")))
    await Projector(deployment).run_until_current()
    rows = (await client.get("/v1/dossiers")).json()["items"]
    dues = {row["code"]: row["due_original"] for row in rows}
    assert (dues["moved"], dues["saved"], dues["later"]) == ("2026-01-12", "2026-01-07", "2026-01-20")
    assert await verify(deployment, lambda *_: None) == Verdict(checked=5)


async def test_a_dossier_tells_the_version_that_its_due_date_rests_on(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await city(client, deployment)
    await post(
        client,
        event("dossier.supplement_requested", "told", "2026-01-06T08:00:00+07:00", {}),
        event("dossier.supplemented", "told", "2026-01-08T08:00:00+07:00", {}),
    )
    await enforce(client, 2, STORM)
    found = {}
    for code in ("moved", "later", "earlier", "told"):
        found[code] = (await client.get("/v1/dossier", params={"code": code})).json()["calendar"]
    assert found == {
        "moved": {"key": "plain", "version": 2},
        "later": {"key": "plain", "version": 1},
        "earlier": {"key": "plain", "version": 1},
        "told": {"key": "plain", "version": 2},
    }
    await post(client, received("slip", due_at="2026-01-12"))
    assert (await client.get("/v1/dossier", params={"code": "slip"})).json()["calendar"] is None


async def test_a_deployment_that_counts_by_an_unknown_calendar_says_so(deployment: Deployment) -> None:
    settings = deployment.settings.model_copy(update={"calendar": "quan-1"})
    async with deployment.database.snapshot() as connection:
        with pytest.raises(calendars.UnknownCalendarError, match="DUNGHEN_CALENDAR: no calendar quan-1"):
            await projecting.policy_for(connection, [], settings)


async def test_an_intake_on_saturday_moves_the_first_day_and_no_deadline(
    client: httpx.AsyncClient, deployment: Deployment, database: Database
) -> None:
    """Received on Saturday 10 January 2026 at a shop that then takes in on Saturday mornings; one was transferred."""
    saturday = {"time": "2026-01-10T09:00:00+07:00", "due_at": None, "duration": FIVE}
    await put(client, [unit("u1"), unit("u2")])
    moved = event("dossier.transferred", "moved", "2026-01-12T09:00:00+07:00", {"unit": "u2"})
    await post(client, received("here", **saturday), received("moved", **saturday), moved)
    await post(client, received("there", **saturday, unit="u2"))
    await enforce(client, 1, terms(week=[[]] * 5 + [[window("07:30", "11:30")], []]), key="sat")

    async def dues() -> dict[str, str]:
        await Projector(deployment).run_until_current()
        assert await verify(deployment, lambda *_: None) == Verdict(checked=3)
        listed = (await client.get("/v1/dossiers")).json()["items"]
        return {row["code"]: row["due_original"] for row in listed}

    assert await dues() == dict.fromkeys(("here", "moved", "there"), "2026-01-19")
    await put(client, [unit("u1", settings={"intake_calendar": "sat"}), unit("u2")])
    assert await dues() == {"here": "2026-01-16", "moved": "2026-01-16", "there": "2026-01-19"}
    # Its shop closes that Saturday after all: the intake calendar's version changes what the working calendar's would.
    body = terms(off("2026-01-10"))
    await write(client, 2, body, key="sat")
    told = (await client.get("/v1/calendars/sat/versions/2/preview")).json()
    assert [item["code"] for item in told["items"]] == ["here", "moved"]
    await enforce(client, 2, body, key="sat")
    await Projector(deployment).take_up_changes()
    assert await marked(database) == {"here", "moved"}
    assert await dues() == dict.fromkeys(("here", "moved", "there"), "2026-01-19")


WITHIN_A_NIGHT = terms(worked("2026-01-06", windows=[{"opens": "00:00", "closes": "00:00"}]))


@pytest.mark.parametrize(
    ("version", "events"),
    [
        pytest.param(
            terms(off("2026-01-06")),
            [
                received(time="2026-01-12T08:00:00+07:00", due_at="2026-01-19"),
                event("dossier.supplement_requested", "H1", "2026-01-13T08:00:00+07:00", {}),
                event("dossier.rescheduled", "H1", "2026-01-13T10:00:00+07:00", {"due_at": "2026-01-05"}),
                event("dossier.supplemented", "H1", "2026-01-15T08:00:00+07:00", {}),
            ],
            id="a told date before the reception, moved by a pause",
        ),
        pytest.param(
            terms(off("2026-01-06")),
            [
                event(
                    "dossier.submitted", "H1", "2026-01-05T16:00:00+07:00", {"unit": "u", "procedure": "p"}
                ),
                received(time="2026-01-05T16:30:00+07:00", due_at="2026-01-05"),
                processed(time="2026-01-05T16:45:00+07:00"),
            ],
            id="an intake deadline after the end",
        ),
        pytest.param(
            WITHIN_A_NIGHT,
            [
                event(
                    "dossier.submitted", "H1", "2026-01-05T16:00:00+07:00", {"unit": "u", "procedure": "p"}
                ),
                processed(time="2026-01-05T16:30:00+07:00"),
                event("dossier.withdrawn", "H1", "2026-01-06T10:00:00+07:00", {}),
            ],
            id="withdrawn in time by one calendar only",
        ),
    ],
)
async def test_whoever_feels_a_version_in_an_odd_way_is_not_overlooked(
    client: httpx.AsyncClient, deployment: Deployment, database: Database, version: Json, events: list[Json]
) -> None:
    await post(client, *events)
    await Projector(deployment).run_until_current()
    await write(client, 2, version)
    assert [item["code"] for item in (await preview(client))["items"]] == ["H1"]
    await enforce(client, 2, version)
    await Projector(deployment).take_up_changes()
    assert await marked(database) == {"H1"}
    assert await verify(deployment, lambda *_: None) == Verdict(checked=1)
