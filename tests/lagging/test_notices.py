from datetime import UTC, datetime
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.lagging.watch import Watch
from app.settings import Settings
from app.webhooks.tables import message
from tests.directory.makers import put, unit
from tests.figures.makers import MICROSECOND, a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import HOUR, a_rule, alerts, end, lay_down, messages

WEDNESDAY = datetime(2026, 3, 24, 17, tzinfo=UTC)
"""2026-03-25 00:00 in Hanoi: the present is Friday the 20th, and two working days after it is Tuesday the 24th."""


async def test_a_lagging_message_says_everything_that_the_contract_names(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, in_time=4, late=3, unit="D", procedure="1.000002")
    await end(database, wall.now - HOUR, in_time=3, unit="D", procedure="1.000003")
    await end(database, wall.now - HOUR, in_time=80, unit="B")
    await watch.judge()
    (alert,) = await alerts(database)
    assert await messages(database) == [
        {
            "type": "unit.lagging",
            "timestamp": "2026-03-20T03:00:00Z",
            "data": {
                "alert": str(alert["id"]),
                "unit": {"code": "D", "name": "Ward D"},
                "rule": "punctual",
                "metric": "on_time",
                "window": "month_to_date",
                "definition_version": 1,
                "period": {"from": "2026-03-01", "to": "2026-03-20"},
                "numerator": 7,
                "denominator": 10,
                "rate": 0.7,
                "target": 0.9,
                "gap": -0.2,
                "needed": 20,
                "computed_through": "2026-03-20T03:00:00Z",
                "worst_procedures": [
                    {"code": "1.000002", "name": "Thủ tục 1.000002", "missed": 3, "denominator": 7}
                ],
                "overdue": 0,
                "due_soon": 0,
                "due_soon_until": "2026-03-24",
                "repeat": 0,
                "links": {
                    "alert": f"/v1/alerts/{alert['id']}",
                    "figure": "/v1/metrics/on_time?from=2026-03-01&to=2026-03-20&unit=D",
                    "late_dossiers": "/v1/dossiers?unit=D&verdict=late",
                    "overdue_dossiers": "/v1/dossiers?unit=D&verdict=overdue",
                },
            },
        }
    ]
    async with database.snapshot() as connection:
        assert await connection.scalar(sa.select(message.c.lineage)) == ["D", "B", "A"]


async def test_a_recovery_tells_both_figures(watch: Watch, database: Database, wall: Wall) -> None:
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, in_time=1, late=9)
    await watch.judge()
    wall.advance(days=1)
    await end(database, wall.now - HOUR, in_time=170)
    await watch.judge()
    (alert,) = await alerts(database)
    recovered = (await messages(database))[1]
    assert recovered["type"] == "unit.recovered"
    assert recovered["data"] == {
        "alert": str(alert["id"]),
        "unit": {"code": "A", "name": "A"},
        "rule": "punctual",
        "metric": "on_time",
        "window": "month_to_date",
        "definition_version": 1,
        "period": {"from": "2026-03-01", "to": "2026-03-21"},
        "numerator": 171,
        "denominator": 180,
        "rate": 0.95,
        "target": 0.9,
        "gap": 0.05,
        "needed": 0,
        "computed_through": "2026-03-21T03:00:00Z",
        "raised_at": "2026-03-20T03:00:00Z",
        "raised_by": {
            "definition_version": 1,
            "period": {"from": "2026-03-01", "to": "2026-03-20"},
            "numerator": 1,
            "denominator": 10,
            "rate": 0.1,
            "target": 0.9,
            "gap": -0.8,
            "needed": 80,
            "computed_through": "2026-03-20T03:00:00Z",
        },
        "links": {
            "alert": f"/v1/alerts/{alert['id']}",
            "figure": "/v1/metrics/on_time?from=2026-03-01&to=2026-03-21&unit=A",
            "late_dossiers": "/v1/dossiers?unit=A&verdict=late",
            "overdue_dossiers": "/v1/dossiers?unit=A&verdict=overdue",
        },
    }


async def test_the_five_procedures_that_miss_most_are_named(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)  # G is not described, nor are its procedures but for the first
    await lay_down(database, a_rule())
    for procedure, in_time, late in (
        ("P-3", 0, 1),
        ("P-2", 1, 3),
        ("1.000001", 0, 3),
        (None, 0, 2),
        ("P-4", 0, 1),
        ("P-5", 0, 1),
        ("P-6", 5, 0),
    ):
        await end(database, wall.now - HOUR, in_time=in_time, late=late, unit="G", procedure=procedure)
    await end(database, wall.now - HOUR, late=4, unit="A", procedure="P-6")
    await watch.judge()
    (told,) = await messages(database)
    assert told["data"]["worst_procedures"] == [
        {"code": "1.000001", "name": "Thủ tục 1.000001", "missed": 3, "denominator": 3},
        {"code": "P-2", "name": "P-2", "missed": 3, "denominator": 4},
        {"code": None, "name": None, "missed": 2, "denominator": 2},
        {"code": "P-3", "name": "P-3", "missed": 1, "denominator": 1},
        {"code": "P-4", "name": "P-4", "missed": 1, "denominator": 1},
    ]


async def test_open_dossiers_are_overdue_now_or_will_be_within_two_working_days(
    watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=10, unit="B")
    turns_overdue: dict[str, list[datetime | None]] = {
        "overdue": [wall.now - 100 * HOUR, wall.now - MICROSECOND],
        "soon": [wall.now, WEDNESDAY - HOUR, WEDNESDAY - MICROSECOND],
        "later": [WEDNESDAY, None],
    }
    for name, instants in turns_overdue.items():
        await store(
            database,
            [
                a_dossier(
                    f"{name}-{place}",
                    unit="BDE"[place],
                    received_at=wall.now - 200 * HOUR,
                    overdue_from=instant,
                )
                for place, instant in enumerate(instants)
            ],
        )
    await store(
        database,
        [
            a_dossier("elsewhere", unit="C", received_at=wall.now - 200 * HOUR, overdue_from=wall.now - HOUR),
            a_dossier(
                "void", unit="D", voided=True, received_at=wall.now - 9 * HOUR, overdue_from=wall.now - HOUR
            ),
        ],
    )
    await watch.judge()
    found = {
        body["data"]["unit"]["code"]: (body["data"]["overdue"], body["data"]["due_soon"])
        for body in await messages(database)
    }
    assert found == {"A": (3, 3), "B": (2, 3)}


async def test_messages_are_in_the_language_of_the_deployment(
    settings: Settings, database: Database, wall: Wall
) -> None:
    watch = Watch(Deployment(settings.model_copy(update={"language": "vi"}), database, wall))
    await describe(database)
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, late=10, unit="D")
    await watch.judge()
    names = [body["data"]["unit"]["name"] for body in await messages(database)]
    assert names == ["Đơn vị A", "Đơn vị B", "Đơn vị D"]


async def test_the_links_of_a_message_lead_to_what_it_speaks_of(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    code = "H10 & Mũi/Né?"
    await put(client, [unit(code)])
    await lay_down(database, a_rule())
    await end(database, wall.now - HOUR, in_time=8, late=2, unit=code)
    await watch.judge()
    (body,) = await messages(database)
    links = body["data"]["links"]
    answers: dict[str, Any] = {}
    for name, path in links.items():
        answer = await client.get(path)
        assert answer.status_code == 200, path
        answers[name] = answer.json()
    assert answers["alert"]["id"] == body["data"]["alert"]
    assert answers["alert"]["unit"]["code"] == code
    assert answers["figure"]["total"]["numerator"] == 8
    assert answers["figure"]["total"]["denominator"] == 10
    assert len(answers["late_dossiers"]["items"]) == 2
    assert answers["overdue_dossiers"]["items"] == []


def test_receivers_find_the_messages_in_the_openapi_document(app: FastAPI) -> None:
    document = app.openapi()
    for kind, expected in (("unit.lagging", "worst_procedures"), ("unit.recovered", "raised_by")):
        content = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"]
        body = document["components"]["schemas"][content["$ref"].rpartition("/")[2]]
        assert body["properties"]["type"]["const"] == kind
        data = document["components"]["schemas"][body["properties"]["data"]["$ref"].rpartition("/")[2]]
        assert expected in data["required"]
