import httpx
import sqlalchemy as sa
from pydantic import BaseModel

from app.dossiers.tables import dossier
from app.events.tables import dossier_mark
from app.figures.schemas import Catalogue, CountsAnswer, Overview, Rates, Summaries
from app.kit.db import Database
from tests.directory.makers import key
from tests.figures.conftest import Wall
from tests.figures.makers import HOUR, MIDNIGHT, a_dossier, describe, ended, figures, store


async def pointers(client: httpx.AsyncClient, path: str, query: str) -> list[str]:
    """Which parameters a refused request is told of."""
    answer = await client.get(f"/v1/metrics/{path}?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [fault["pointer"] for fault in answer.json()["errors"]]


async def test_an_answer_carries_everything_that_the_contract_names(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await describe(database)
    await store(
        database,
        [
            ended("1", "early"),
            ended("2", "on_time"),
            ended("3", "late", unit="D"),
            ended("4", "undated", unit="D"),
        ],
    )
    assert await figures(client, "on_time", period="2026-Q1", group_by="unit", order="rate") == {
        "metric": "on_time",
        "definition_version": 1,
        "period": {"from": "2026-01-01", "to": "2026-03-31"},
        "as_of": "2026-05-20T03:00:00Z",
        "computed_through": "2026-05-20T03:00:00Z",
        "final": False,
        "total": {
            "numerator": 2,
            "denominator": 3,
            "rate": 0.666667,
            "target": None,
            "gap": None,
            "status": None,
            "excluded": {"undated": 1},
        },
        "rows": [
            {
                "unit": {"code": "D", "name": "Ward D"},
                "numerator": 0,
                "denominator": 1,
                "rate": 0.0,
                "target": None,
                "gap": None,
                "status": None,
                "excluded": {"undated": 1},
            },
            {
                "unit": {"code": "A", "name": "City A"},
                "numerator": 2,
                "denominator": 2,
                "rate": 1.0,
                "target": None,
                "gap": None,
                "status": None,
                "excluded": {"undated": 0},
            },
        ],
    }


ANSWERS: list[tuple[str, type[BaseModel], str]] = [
    ("", Catalogue, ""),
    ("/counts", CountsAnswer, ""),
    ("/counts", CountsAnswer, "child,day"),
    ("/counts", CountsAnswer, "sector,channel"),
    ("/online", Rates, "unit,procedure"),
    ("/on_time", Rates, "quarter,year"),
    ("/on_time_of_workload", Rates, "month"),
    ("/processing_time", Summaries, "unit"),
    ("/reporting_delay", Summaries, "source,day"),
    ("/summary", Overview, ""),
]


async def test_every_answer_is_what_the_openapi_document_says(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(database, [ended("1", "early"), ended("2", "late", unit="F", procedure="1.000004")])
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, model, keys in ANSWERS:
        parameters = {"group_by": keys, "unit": "A"} if keys else {}
        answer = await client.get(f"/v1/metrics{path}", params=parameters)
        model.model_validate_json(answer.content)
        operation = paths["/v1/metrics/{key}" if model in {Rates, Summaries} else f"/v1/metrics{path}"]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        references = [said["$ref"] for said in schema.get("anyOf", [schema])]
        assert f"#/components/schemas/{model.__name__}" in references


async def test_the_catalogue_lists_exactly_the_metrics_that_are_answered(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/metrics")).json()
    assert [entry["key"] for entry in listed["items"]] == [
        "counts",
        *("on_time", "on_time_of_due", "on_time_of_received", "on_time_of_workload"),
        *("online", "full_online", "full_online_of_all", "full_online_of_eligible", "online_with_result"),
        *("online_payment", "online_payment_procedures"),
        *("apology", "apology_in_time", "intake_on_time"),
        *("processing_time", "reporting_delay"),
    ]
    assert listed["next_cursor"] is None
    for entry in listed["items"]:
        assert (await figures(client, entry["key"]))["metric"] == entry["key"]
    assert listed["items"][1]["names"] == {
        "vi": "Tỷ lệ giải quyết trước và đúng hạn",
        "en": "On-time rate of resolved dossiers",
    }


async def test_a_metric_that_is_not_answered_is_not_found(client: httpx.AsyncClient) -> None:
    for metric in ("apologies", "On_time", "received"):
        answer = await client.get(f"/v1/metrics/{metric}")
        assert answer.status_code == 404
        assert (
            answer.json()["detail"] == f"There is no metric {metric}; GET /v1/metrics lists those there are."
        )


async def test_figures_need_a_key_that_may_read_metrics(
    client: httpx.AsyncClient, database: Database
) -> None:
    other = await key(database, "dossiers:read")
    for path in ("", "/counts", "/on_time", "/nothing?perod=1"):
        assert (await client.get(f"/v1/metrics{path}", headers=other)).status_code == 403
        assert (await client.get(f"/v1/metrics{path}", headers={"Authorization": ""})).status_code == 401


REFUSED = {
    "perod=2024": ["query:perod"],
    "from_=2024-01-01": ["query:from_"],
    "closing=1": ["query:closing"],
    "compare=yesterday": ["query:compare"],
    "structure=later": ["query:structure"],
    "period=2024-13": ["query:period"],
    "period=": ["query:period"],
    "period=2024&period=2023": ["query:period"],
    "period=2024&from=2024-01-01&to=2024-01-02": ["query:period"],
    "from=2024-01-02&to=2024-01-01": ["query:from"],
    "from=2024-01-02": ["query:to"],
    "to=2024-02-30&from=2024-01-01": ["query:to"],
    "from=1899-01-01&to=1900-01-01": ["query:from"],
    "group_by=units": ["query:group_by.0"],
    "group_by=unit,": ["query:group_by.1"],
    "group_by=source": ["query:group_by.0"],
    "group_by=unit,month&group_by=channel": ["query:group_by"],
    "group_by=unit,unit": ["query:group_by"],
    "group_by=child": ["query:unit"],
    "group_by=child&unit=A&unit=B": ["query:unit"],
    "channel=fax": ["query:channel.0"],
    "unit=": ["query:unit.0"],
    "unit=A%01": ["query:unit.0"],
    "procedure=%1F": ["query:procedure.0"],
    "order=best": ["query:order"],
    "lang=fr": ["query:lang"],
    "group_by=child&period=now": ["query:unit", "query:period"],
}
"""Query → the parameters that its refusal names."""


async def test_a_parameter_that_cannot_be_answered_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for query, refused in REFUSED.items():
        assert await pointers(client, "on_time", query) == refused
        assert await pointers(client, "counts", query) == refused


async def test_counts_have_no_rate_to_order_by(client: httpx.AsyncClient) -> None:
    assert await pointers(client, "counts", "order=rate") == ["query:order"]


async def test_what_the_contract_leaves_as_it_is_may_be_said(client: httpx.AsyncClient) -> None:
    await figures(client, "on_time", structure="then", order="code", lang="vi")


ACCEPTED = {
    "text/csv": 200,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 200,
    "application/json;q=0, text/csv": 200,
    "text/html": 406,
    "application/pdf, text/csv;q=0": 406,
    "text/csv, application/json;q=0.5": 200,
    "text/html, */*;q=0.1": 200,
    "application/*": 200,
    "APPLICATION/JSON": 200,
    "": 200,
}
"""`Accept` → status."""


async def test_json_csv_and_workbooks_are_answered_and_nothing_else(client: httpx.AsyncClient) -> None:
    for accept, status in ACCEPTED.items():
        answer = await client.get("/v1/metrics/on_time", headers={"Accept": accept})
        assert answer.status_code == status, accept


async def test_children_are_rolled_up_and_the_parent_stands_beside_them(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(database, [ended(code, "on_time", unit=code) for code in "ABCDEFG"])
    answer = await figures(client, "on_time", unit="A", group_by="child")
    assert [(row["child"]["code"], row.get("self"), row["denominator"]) for row in answer["rows"]] == [
        ("A", True, 1),
        ("B", None, 3),
        ("C", None, 2),
    ]
    assert answer["total"]["denominator"] == 6


async def test_a_limited_key_sees_its_own_units(client: httpx.AsyncClient, database: Database) -> None:
    await describe(database)
    await store(database, [ended(code, "on_time", unit=code) for code in "ABCDEFG"])
    client.headers.update(await key(database, "metrics:read", unit="B"))
    answer = await figures(client, "on_time", group_by="unit")
    assert [row["unit"]["code"] for row in answer["rows"]] == ["B", "D", "E"]
    assert answer["total"]["denominator"] == 3
    assert (await figures(client, "on_time", unit="D"))["total"]["denominator"] == 1
    children = await figures(client, "on_time", group_by="child")
    assert [(row["child"]["code"], row.get("self")) for row in children["rows"]] == [
        ("B", True),
        ("D", None),
        ("E", None),
    ]
    for outside in ("A", "C", "G"):
        answer = await client.get("/v1/metrics/on_time", params={"unit": outside})
        assert answer.status_code == 403


async def test_names_follow_the_language_and_fall_back_to_the_code(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(
        database,
        [
            ended("1", "late", sector="land"),
            ended("2", "late", unit="B", sector="land"),
            ended("3", "late", unit="G", procedure="1.000004"),
        ],
    )
    english = await figures(client, "on_time", group_by="unit")
    vietnamese = await figures(client, "on_time", group_by="unit", lang="vi")
    assert [row["unit"]["name"] for row in english["rows"]] == ["City A", "Đơn vị B", "G"]
    assert [row["unit"]["name"] for row in vietnamese["rows"]] == ["Đơn vị A", "Đơn vị B", "G"]
    answer = await client.get(
        "/v1/metrics/on_time?group_by=procedure,sector", headers={"Accept-Language": "vi"}
    )
    assert [(row["procedure"], row["sector"]) for row in answer.json()["rows"]] == [
        ({"code": "1.000001", "name": "Thủ tục 1.000001"}, {"code": "land", "name": "land"}),
        ({"code": "1.000004", "name": "1.000004"}, {"code": None, "name": None}),
    ]


async def test_a_procedure_may_be_asked_for_as_a_publisher_writes_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    await store(database, [ended("1", "late"), ended("2", "late", procedure="1.000002")])
    answer = await figures(client, "on_time", procedure="1.000001.000.00.00.H61")
    assert answer["total"]["denominator"] == 1


async def test_the_etag_changes_exactly_when_the_figures_do(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await store(database, [ended("1", "on_time")])
    path = "/v1/metrics/on_time?period=2026-03&group_by=unit"
    first = await client.get(path)
    wall.now += HOUR
    later = await client.get(path)
    assert first.json()["as_of"] != later.json()["as_of"]
    assert first.headers["etag"] == later.headers["etag"]
    for held in (first.headers["etag"], f'"x", {first.headers["etag"]}', "*", first.headers["etag"][2:]):
        same = await client.get(path, headers={"If-None-Match": held})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization, Accept, Accept-Language"
    async with database.transaction() as connection:
        await connection.execute(sa.update(dossier).values(unit="B"))
    moved = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert moved.status_code == 200
    assert moved.headers["etag"] != first.headers["etag"]


async def test_an_answer_says_through_when_events_are_included(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    assert (await figures(client))["computed_through"] == "2026-05-20T03:00:00Z"
    async with database.transaction() as connection:
        await connection.execute(
            sa.insert(dossier_mark), [{"subject": "1", "generation": 1, "since": wall.now - HOUR}]
        )
    assert (await figures(client))["computed_through"] == "2026-05-20T02:00:00Z"


MULTIPLY = sa.text("""
    INSERT INTO dossier
    SELECT (jsonb_populate_record(dossier, jsonb_build_object('code', n, 'unit', 'U' || n))).*
    FROM dossier, generate_series(1, 10000) AS n
""")
"""The one dossier there is, ten thousand times more, each in a unit of its own."""


async def test_an_answer_that_would_be_too_long_says_how_to_narrow_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    await store(database, [a_dossier("0", received_at=MIDNIGHT)])
    async with database.transaction() as connection:
        await connection.execute(MULTIPLY)
    assert (await figures(client, "online", period="2026-03"))["total"]["denominator"] == 10_001
    assert await pointers(client, "online", "period=2026-03&group_by=unit") == ["query:group_by"]
    assert await pointers(client, "counts", "from=1990-01-01&to=2030-01-01&group_by=day") == [
        "query:group_by"
    ]
    async with database.transaction() as connection:
        await connection.execute(sa.delete(dossier).where(dossier.c.code == "0"))
    assert len((await figures(client, "online", period="2026-03", group_by="unit"))["rows"]) == 10_000
