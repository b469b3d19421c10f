from datetime import UTC, datetime
from typing import Any

import httpx

from app.kit.db import Database
from app.lagging.watch import Watch
from tests.directory.makers import key
from tests.figures.makers import describe
from tests.lagging.conftest import Wall
from tests.lagging.makers import HOUR, end, told

TERMS = {"metric": "on_time", "window": "month_to_date", "target": 0.9, "min_denominator": 10, "margin": 0.02}
RULE = "/v1/lagging-rules/punctual"


async def ask(client: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def units(client: httpx.AsyncClient, **parameters: Any) -> list[str]:
    """The units of the alerts that a list holds."""
    return [item["unit"]["code"] for item in (await ask(client, "/v1/alerts", **parameters))["items"]]


async def write(client: httpx.AsyncClient, path: str = RULE, **terms: Any) -> None:
    answer = await client.put(path, json=TERMS | terms)
    assert answer.status_code == 200, answer.text


async def test_a_rule_is_written_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    answer = await client.put(RULE, json={"metric": "on_time", "window": "rolling_30d", "target": 0.95})
    assert answer.status_code == 200
    assert answer.json() == {
        "key": "punctual",
        "metric": "on_time",
        "window": "rolling_30d",
        "target": 0.95,
        "min_denominator": 20,
        "margin": 0.01,
        "hold": 0,
        "repeat_after": None,
        "escalate_after": None,
        "at_risk": True,
    }
    assert await ask(client, RULE) == answer.json()
    await write(client, target=0.123456, margin=1)
    changed = answer.json() | TERMS | {"target": 0.123456, "margin": 1.0}
    assert await ask(client, "/v1/lagging-rules") == {"items": [changed], "next_cursor": None}
    assert (await client.delete(RULE)).status_code == 204
    assert (await client.get(RULE)).status_code == 404
    assert (await client.delete(RULE)).status_code == 404


async def test_rules_come_page_by_page_in_the_order_of_their_keys(client: httpx.AsyncClient) -> None:
    for name in ("b", "a", "B", "a.1", "a-1"):
        await write(client, f"/v1/lagging-rules/{name}")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask(client, "/v1/lagging-rules", limit=2, **cursor)
        seen += [item["key"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["B", "a", "a-1", "a.1", "b"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"metric": "counts"}, "/metric"),
    ({"metric": "punctuality"}, "/metric"),
    ({"metric": 1}, "/metric"),
    ({"window": "week_to_date"}, "/window"),
    ({"target": 1.000001}, "/target"),
    ({"target": -0.1}, "/target"),
    ({"target": 0.9999999}, "/target"),
    ({"target": "0.9"}, "/target"),
    ({"target": True}, "/target"),
    ({"margin": 0.0000001}, "/margin"),
    ({"margin": 2}, "/margin"),
    ({"min_denominator": -1}, "/min_denominator"),
    ({"min_denominator": 1.5}, "/min_denominator"),
    ({"min_denominator": 10**10}, "/min_denominator"),
    ({"treshold": 1}, "/treshold"),
    ({"hold": None}, "/hold"),
    ({"hold": -1}, "/hold"),
    ({"repeat_after": "P7D"}, "/repeat_after"),
    ({"escalate_after": 0}, "/escalate_after"),
    ({"at_risk": "yes"}, "/at_risk"),
]


async def test_a_rule_that_makes_no_sense_is_refused_where_it_does_not(client: httpx.AsyncClient) -> None:
    for change, pointer in REFUSED:
        answer = await client.put(RULE, json=TERMS | change)
        assert answer.status_code == 422, change
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == pointer, change
    assert (await client.get(RULE)).status_code == 404


async def test_a_rule_without_a_target_takes_it_from_commitments(client: httpx.AsyncClient) -> None:
    answer = await client.put(RULE, json={"metric": "on_time", "window": "month_to_date"})
    assert (answer.status_code, answer.json()["target"]) == (200, None)


async def test_a_key_is_a_plain_word(client: httpx.AsyncClient) -> None:
    for name in ("a b", ".a", "é", "a" * 65):
        assert (await client.put(f"/v1/lagging-rules/{name}", json=TERMS)).status_code == 422, name


async def test_alerts_show_their_figures_in_the_readers_language(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await write(client)
    await end(database, wall.now - HOUR, in_time=7, late=3, unit="D")
    await end(database, wall.now - HOUR, in_time=100, unit="A")
    await end(database, wall.now - HOUR, in_time=100, unit="B")
    await watch.judge()
    (alert,) = (await ask(client, "/v1/alerts"))["items"]
    raised = {
        "definition_version": 1,
        "period": {"from": "2026-03-01", "to": "2026-03-20"},
        "numerator": 7,
        "denominator": 10,
        "rate": 0.7,
        "target": 0.9,
        "gap": -0.2,
        "needed": 20,
        "computed_through": "2026-03-20T03:00:00Z",
    }
    assert alert == {
        "id": alert["id"],
        "level": "lagging",
        "commitment": None,
        "acknowledged": None,
        "muted_until": None,
        "repeats": 0,
        "escalations": 0,
        "state": "open",
        "unit": {"code": "D", "name": "Ward D"},
        "rule": "punctual",
        "metric": "on_time",
        "window": "month_to_date",
        "raised_at": "2026-03-20T03:00:00Z",
        "figure": raised,
        "closed_at": None,
        "closed_as": None,
        "closing_figure": None,
    }
    wall.advance(days=1)
    await end(database, wall.now - HOUR, in_time=90, unit="D")
    await watch.judge()
    assert await ask(client, f"/v1/alerts/{alert['id']}", lang="vi") == alert | {
        "state": "closed",
        "unit": {"code": "D", "name": "Đơn vị D"},
        "closed_at": "2026-03-21T03:00:00Z",
        "closed_as": "recovered",
        "closing_figure": raised
        | {
            "period": {"from": "2026-03-01", "to": "2026-03-21"},
            "numerator": 97,
            "denominator": 100,
            "rate": 0.97,
            "gap": 0.07,
            "needed": 0,
            "computed_through": "2026-03-21T03:00:00Z",
        },
    }


async def test_a_target_that_no_number_of_dossiers_reaches_is_told(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await write(client, target=1)
    await end(database, wall.now - HOUR, in_time=9, late=1)
    await watch.judge()
    (alert,) = (await ask(client, "/v1/alerts"))["items"]
    assert alert["figure"]["needed"] is None
    assert (await told(database)) == [("unit.lagging", "A")]


async def test_deleting_a_rule_withdraws_its_alerts_without_a_message(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await write(client)
    await write(client, "/v1/lagging-rules/other")
    await end(database, wall.now - HOUR, late=10)
    await watch.judge()
    wall.advance(hours=1)
    await client.delete(RULE)
    items = (await ask(client, "/v1/alerts"))["items"]
    assert {
        item["rule"]: (item["closed_as"], item["closed_at"], item["closing_figure"]) for item in items
    } == {
        "punctual": ("withdrawn", "2026-03-20T04:00:00Z", None),
        "other": (None, None, None),
    }
    await watch.judge()
    assert await told(database) == [("unit.lagging", "A")] * 2


async def test_a_rule_that_judges_something_else_withdraws_what_it_raised(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await write(client)
    await end(database, wall.now - HOUR, late=10)
    await watch.judge()
    await write(client, target=0.95)
    assert [item["closed_as"] for item in (await ask(client, "/v1/alerts"))["items"]] == [None]
    await write(client, window="rolling_30d")
    assert [item["closed_as"] for item in (await ask(client, "/v1/alerts"))["items"]] == ["withdrawn"]


async def test_alerts_come_newest_first_and_can_be_chosen(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await write(client)
    await write(client, "/v1/lagging-rules/other")
    for code in "FEDGB":
        await end(database, wall.now - HOUR, late=10, unit=code)
        await end(database, wall.now - HOUR, in_time=300, unit="A")  # keeps those above out of it
        await end(database, wall.now - HOUR, in_time=300, unit="C" if code == "F" else "B")
        await watch.judge()
        wall.advance(minutes=1)
    chosen = await units(client, rule="punctual")
    assert chosen == ["G", "D", "E", "F"]
    assert await units(client) == [code for code in chosen for _ in range(2)]
    assert await units(client, rule="punctual", unit="B") == ["D", "E"]
    assert await units(client, rule="punctual", unit=["E", "G"]) == ["G", "E"]
    assert await units(client, rule="nobody") == []
    wall.now = datetime(2026, 3, 31, 18, tzinfo=UTC)
    await end(database, wall.now - HOUR / 2, late=10, unit="G")
    await watch.judge()
    assert await units(client, rule="punctual", state="open") == ["G"]
    assert await units(client, rule="punctual", state="closed") == chosen
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask(client, "/v1/alerts", rule="punctual", limit=2, **cursor)
        seen += [item["unit"]["code"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["G", *chosen]


async def test_what_cannot_be_read_is_refused(client: httpx.AsyncClient) -> None:
    for path in (
        "/v1/alerts?cursor=eA",
        "/v1/alerts?cursor=%C3%A9",
        "/v1/lagging-rules?cursor=AA",
        "/v1/alerts?state=muted",
        "/v1/alerts?limit=0",
        "/v1/alerts?rule=a%20b",
        "/v1/alerts/7",
    ):
        answer = await client.get(path)
        assert answer.status_code == 422, path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_limited_key_sees_the_alerts_of_its_units_and_may_write_no_rule(
    client: httpx.AsyncClient, watch: Watch, database: Database, wall: Wall
) -> None:
    await describe(database)
    await write(client)
    for code in "DF":
        await end(database, wall.now - HOUR, late=10, unit=code)
    await watch.judge()
    (foreign,) = (await ask(client, "/v1/alerts", unit="F"))["items"]
    (own,) = (await ask(client, "/v1/alerts", unit="D"))["items"]
    client.headers.update(await key(database, "metrics:read", "targets:write", unit="B"))
    assert sorted(await units(client)) == ["B", "D"]
    assert await units(client, unit="D") == ["D"]
    assert (await client.get("/v1/alerts", params={"unit": "F"})).status_code == 403
    assert (await client.get(f"/v1/alerts/{own['id']}")).status_code == 200
    assert (await client.get(f"/v1/alerts/{foreign['id']}")).status_code == 404
    assert (await client.get(RULE)).status_code == 200
    assert (await client.put(RULE, json=TERMS)).status_code == 403
    assert (await client.delete(RULE)).status_code == 403


async def test_rules_are_written_with_targets_write_and_everything_is_read_with_metrics_read(
    client: httpx.AsyncClient, database: Database
) -> None:
    await write(client)
    client.headers.update(await key(database, "metrics:read"))
    for path in ("/v1/alerts", "/v1/lagging-rules", RULE):
        assert (await client.get(path)).status_code == 200
    assert (await client.put(RULE, json=TERMS)).status_code == 403
    assert (await client.delete(RULE)).status_code == 403
    client.headers.update(await key(database, "targets:write"))
    assert (await client.put(RULE, json=TERMS)).status_code == 200
    for path in ("/v1/alerts", "/v1/lagging-rules", RULE):
        assert (await client.get(path)).status_code == 403
    assert (await client.delete(RULE)).status_code == 204
    del client.headers["Authorization"]
    for path in ("/v1/alerts", "/v1/lagging-rules", RULE):
        assert (await client.get(path)).status_code == 401
