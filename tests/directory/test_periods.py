from datetime import date
from typing import Any

import httpx
import pytest

from app.directory.periods import Bounds, meant
from app.kit.db import Database
from app.kit.deployment import Deployment
from tests.directory.makers import changes, key, procedure, put, unit
from tests.figures.conftest import Wall

OLD: dict[str, Any] = {"valid_to": "2025-06-30", "successors": [{"code": "22918", "kind": "merge"}]}
HAM_TIEN = unit("22918", "593", name="Hàm Tiến", **OLD)
MUI_NE = unit("22918", "68", name="Mũi Né", valid_from="2025-07-01")


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """On 20 May 2026."""
    return Deployment(deployment.settings, deployment.database, Wall())


async def shown(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fault(client: httpx.AsyncClient, *entries: dict[str, Any], kind: str = "units") -> tuple[str, str]:
    """Where and why this array is refused."""
    answer = await client.put(f"/v1/{kind}", json=entries)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid"), answer.text
    (found,) = answer.json()["errors"]
    return found["pointer"], found["detail"]


async def test_a_code_stands_for_one_thing_after_the_other_each_with_a_key_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    await put(client, [HAM_TIEN, MUI_NE])
    now, then = await shown(client, "units/22918"), await shown(client, "units/22918?on=2025-06-30")
    assert (now["name"], now["parent"], now["stands"]) == ("Mũi Né", "68", True)
    assert (then["name"], then["parent"], then["stands"]) == ("Hàm Tiến", "593", True)
    assert now["periods"] == then["periods"]
    periods = [(one["name"], one["valid_from"], one["valid_to"]) for one in now["periods"]]
    assert periods == [("Hàm Tiến", None, "2025-06-30"), ("Mũi Né", "2025-07-01", None)]
    keys = [one["key"] for one in now["periods"]]
    assert len(set(keys)) == 2
    again = [{**HAM_TIEN, "name_en": "Ham Tien"}, MUI_NE]
    assert await put(client, again) == {"created": 0, "changed": 1, "unchanged": 1}
    assert [one["key"] for one in (await shown(client, "units/22918"))["periods"]] == keys
    assert await put(client, again) == {"created": 0, "changed": 0, "unchanged": 2}, (
        "nor does a file sent twice"
    )


async def test_lists_and_the_tree_show_what_stood_on_the_day(client: httpx.AsyncClient) -> None:
    city = unit("593", "60", kind="city", valid_to="2025-06-30")
    await put(client, [unit("60", kind="province"), unit("68", kind="province"), city, HAM_TIEN, MUI_NE])

    async def codes(query: str) -> list[tuple[str, str | None]]:
        return [(one["code"], one["parent"]) for one in (await shown(client, f"units?{query}"))["items"]]

    before = [("22918", "593"), ("593", "60"), ("60", None), ("68", None)]
    assert await codes("on=2025-06-30") == before
    assert await codes("") == [("22918", "68"), ("60", None), ("68", None)]
    assert await codes("on=2025-06-30&unit=593") == before[:2]
    assert await codes("unit=593") == []
    tree = (await shown(client, "units/tree?on=2025-06-30&unit=60"))["items"]
    assert [one["code"] for one in tree] == ["60"]
    assert [one["code"] for one in tree[0]["children"][0]["children"]] == ["22918"]
    gone = await shown(client, "units/593")
    assert (gone["stands"], gone["valid_to"]) == (False, "2025-06-30"), "it is still found"
    for wrong in ("on=1.7.2025", "on=0", "on=2025-02-30"):
        assert (await client.get(f"/v1/units?{wrong}")).status_code == 422


@pytest.mark.parametrize(
    ("told", "held", "expected"),
    [
        ((None, None), [], (None, None)),
        ((None, None), [(None, None)], (None, None)),
        ((None, None), [("2025", None)], ("2025", None)),
        ((None, None), [(None, "2024"), ("2025", None)], ("2025", None)),
        ((None, "2024"), [(None, "2024"), ("2025", None)], (None, "2024")),
        ((None, "2026"), [(None, "2024"), ("2025", None)], ("2025", "2026")),
        ((None, "2024"), [("2025", None)], (None, "2024")),
        ((None, None), [("2020", "2024")], ("2020", None)),
        ((None, "2026"), [("2020", "2024")], ("2020", "2026")),
        ((None, None), [("2020", "2021"), ("2023", "2024")], (None, None)),
        (("2025", None), [(None, None)], ("2025", None)),
    ],
)
def test_a_description_that_does_not_say_when_it_begins_means_a_period_that_is_there(
    told: Any, held: Any, expected: Any
) -> None:
    def bounds(years: Any) -> Bounds:
        first, last = years
        return Bounds(first and date(int(first), 1, 1), last and date(int(last), 12, 31))

    assert meant(bounds(told), [bounds(pair) for pair in held]) == bounds(expected)


async def test_an_overlap_is_refused_and_the_other_period_is_named(client: httpx.AsyncClient) -> None:
    for kind, entry in (("units", unit), ("procedures", procedure)):
        await put(client, [entry("1.004946")], kind=kind)
        new = entry("1.004946", valid_from="2025-07-01")
        assert await fault(client, entry("X"), new, kind=kind) == (
            "/1/valid_from",
            "1.004946, since 2025-07-01, overlaps another period of the same code, always.",
        )
        old = entry("1.004946", valid_to="2025-07-01")
        assert await fault(client, old, new, kind=kind) == (
            "/1/valid_from",
            "1.004946, since 2025-07-01, overlaps another period of the same code, until 2025-07-01.",
        )
        twice = await fault(client, new, new, kind=kind)
        assert twice == ("/1/code", "The code 1.004946, since 2025-07-01, stands in the list twice.")
        assert len((await shown(client, f"{kind}/1.004946"))["periods"]) == 1, "nothing was written"
        await put(client, [entry("1.004946", valid_to="2025-06-30"), new], kind=kind)


async def test_a_circle_on_any_day_is_refused_with_the_periods_that_close_it(
    client: httpx.AsyncClient,
) -> None:
    await put(client, [unit("A"), unit("B", "A", valid_to="2025-06-30"), unit("B", valid_from="2025-07-01")])
    # In turn each is above the other, which is no circle on any day.
    await put(client, [unit("A", valid_to="2025-06-30"), unit("A", "B", valid_from="2025-07-01")])
    await put(client, [unit("C", "A")])
    later = [
        unit("B", valid_from="2025-07-01", valid_to="2027-12-31"),
        unit("B", "C", valid_from="2028-01-01"),
    ]
    assert await fault(client, *later) == (
        "/1/parent",
        "The parents form a circle: B (2028-01-01 – …) → C → A (2025-07-01 – …) → B (2028-01-01 – …).",
    )
    swapped = [
        unit("D", valid_to="2025-06-30", successors=[{"code": "E", "kind": "merge"}]),
        unit("E", valid_to="2025-06-30", successors=[{"code": "D", "kind": "merge"}]),
    ]
    pointer, detail = await fault(client, *swapped)
    assert pointer == "/0/successors"
    assert detail.startswith("The successions form a circle: D (… – 2025-06-30) → E (… – 2025-06-30)")


async def test_only_what_changes_where_a_unit_stands_touches_dossiers(
    client: httpx.AsyncClient, database: Database
) -> None:
    await put(client, [HAM_TIEN, MUI_NE])
    await changes(database)
    await put(client, [{**HAM_TIEN, "name": "Khác"}, MUI_NE])
    assert await changes(database) == []
    await put(client, [{**HAM_TIEN, "settings": {"intake_calendar": "sat"}}])
    assert await changes(database) == [("intake", "22918")]
    for changed in (
        {**HAM_TIEN, "parent": "594"},
        {**HAM_TIEN, "successors": [{"code": "22917", "kind": "rename"}]},
        {**HAM_TIEN, "valid_to": "2025-06-29"},
    ):
        await put(client, [HAM_TIEN])
        await changes(database)
        await put(client, [changed])
        assert await changes(database) == [("unit", "22918")], changed


async def test_a_key_limited_to_a_successor_reaches_what_was_merged_into_it_whole(
    client: httpx.AsyncClient, database: Database
) -> None:
    split = {
        "valid_to": "2025-06-30",
        "successors": [{"code": code, "kind": "split"} for code in ("22918", "X")],
    }
    await put(
        client,
        [HAM_TIEN, MUI_NE, unit("22915", "593", **OLD), unit("22999", "593", **split), unit("X", "68")],
    )
    limited = await key(database, "directory:write", "metrics:read", unit="22918")
    for code, status in (("22918", 200), ("22915", 200), ("22999", 403), ("X", 403), ("68", 403)):
        assert (await client.get(f"/v1/units/{code}", headers=limited)).status_code == status, code
    province = await key(database, "metrics:read", unit="68")
    assert (await client.get("/v1/units/22999", headers=province)).status_code == 200
    old_city = await key(database, "metrics:read", unit="593")
    assert (await client.get("/v1/units/22915", headers=old_city)).status_code == 403


async def test_a_limited_key_can_neither_give_away_nor_take_in_by_periods_and_successions(
    client: httpx.AsyncClient, database: Database
) -> None:
    await put(client, [unit("city"), unit("ward", "city"), unit("other"), unit("foreign", "other")])
    gives = {"valid_to": "2026-12-31", "successors": [{"code": "heir", "kind": "merge"}]}
    await put(client, [unit("waits", "other", **gives)])
    limited = await key(database, "directory:write", "metrics:read", unit="city")
    forbidden: dict[str, list[dict[str, Any]]] = {
        "leave tomorrow": [
            unit("ward", "city", valid_to="2026-12-31"),
            unit("ward", "other", valid_from="2027-01-01"),
        ],
        "have been elsewhere": [
            unit("ward", "other", valid_to="2020-12-31"),
            unit("ward", "city", valid_from="2021-01-01"),
        ],
        "leave its dossiers to others": [
            unit("ward", "city", valid_to="2026-01-31", successors=[{"code": "foreign", "kind": "merge"}])
        ],
        "describe whom a foreign unit names as its heir": [unit("heir", "city")],
        "end itself": [unit("city", valid_to="2026-12-31")],
    }
    before = (await client.get("/v1/units")).json()
    for what, entries in forbidden.items():
        answer = await client.put("/v1/units", json=entries, headers=limited)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden"), what
    assert (await client.get("/v1/units")).json() == before
    own = [
        unit("ward", "city", valid_to="2026-01-31", successors=[{"code": "new", "kind": "rename"}]),
        unit("new", "city", valid_from="2026-02-01"),
    ]
    assert (await put(client, own, limited))["created"] == 1
