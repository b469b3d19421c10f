import asyncio
from typing import Any
from urllib.parse import quote

import httpx

from app.directory.schemas import MAX_ENTRIES
from app.directory.tree import MAX_LEVELS
from tests.directory.makers import TREE, put, unit


async def codes(client: httpx.AsyncClient, query: str = "") -> list[str]:
    """The codes of all units, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = await client.get(f"/v1/units?{query}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [item["code"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def refused(client: httpx.AsyncClient, entries: list[Any]) -> list[dict[str, str]]:
    """The faults for which this array is refused."""
    answer = await client.put("/v1/units", json=entries)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid"), entries
    return list(answer.json()["errors"])


async def test_a_unit_is_read_as_it_was_described_and_described_anew(client: httpx.AsyncClient) -> None:
    first = {"name": "UBND phường Mũi Né", "name_en": "Mũi Né", "kind": "ward", "parent": "H10"}
    answer = await client.put("/v1/units/H10.25", json=first)
    expected: dict[str, Any] = {
        **first,
        "code": "H10.25",
        "valid_from": None,
        "valid_to": None,
        "successors": [],
        "settings": None,
        "stands": True,
    }
    shown = answer.json()
    (period,) = shown.pop("periods")
    assert period.pop("key") > 0
    assert (answer.status_code, shown) == (200, expected)
    assert period == {name: value for name, value in expected.items() if name not in {"code", "stands"}}
    assert (await client.get("/v1/units/H10.25")).json() == answer.json()
    again = await client.put("/v1/units/H10.25", json={"name": "Mũi Né", "kind": "ward"})
    assert again.status_code == 200
    expected |= {"name": "Mũi Né", "name_en": None, "parent": None}
    shown = (await client.get("/v1/units/H10.25")).json()
    assert len(shown.pop("periods")) == 1
    assert shown == expected


async def test_a_unit_is_found_under_any_code_and_an_unknown_one_is_404(client: httpx.AsyncClient) -> None:
    for code in ("A/B", "Một cửa  Mũi Né", "50%", "a?b#c", "+"):
        path = f"/v1/units/{quote(code, safe='')}"
        missing = await client.get(path)
        assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")
        assert code in missing.json()["detail"]
        answer = await client.put(path, json={"name": "x", "kind": "ward"})
        assert (answer.status_code, answer.json()["code"]) == (200, code)
        assert (await client.get(path)).json()["code"] == code


async def test_an_array_tells_what_it_did(client: httpx.AsyncClient) -> None:
    assert await put(client, TREE) == {"created": 7, "changed": 0, "unchanged": 0}
    assert await put(client, TREE) == {"created": 0, "changed": 0, "unchanged": 7}
    mixed = [unit("H10", kind="province"), unit("H44", name="Huế", kind="city"), unit("new")]
    assert await put(client, mixed) == {"created": 1, "changed": 1, "unchanged": 1}
    assert await put(client, []) == {"created": 0, "changed": 0, "unchanged": 0}


async def test_an_array_is_written_as_a_whole_or_not_at_all(client: httpx.AsyncClient) -> None:
    await put(client, [unit("A")])
    for wrong in (unit("C", kind="planet"), unit("C", "C"), unit("B"), unit("C", "D")):
        await refused(client, [unit("A", name="Khác"), unit("B"), unit("D", "C"), wrong])
    assert await codes(client) == ["A"]
    assert (await client.get("/v1/units/A")).json()["name"] == "Đơn vị A"


async def test_a_code_that_stands_twice_in_an_array_is_refused_at_its_second_place(
    client: httpx.AsyncClient,
) -> None:
    faults = await refused(client, [unit("A"), unit("B"), unit("A")])
    assert [fault["pointer"] for fault in faults] == ["/2/code"]


async def test_parents_come_in_any_order(client: httpx.AsyncClient) -> None:
    for entry in reversed(TREE):
        await put(client, [entry])
    assert await codes(client, "unit=H10.1") == ["H10.1", "H10.1.a", "H10.1.b"]


async def test_a_circle_of_parents_is_refused_and_its_way_is_named(client: httpx.AsyncClient) -> None:
    await put(client, TREE)
    for entries, pointers, way in (
        ([unit("H10", "H10")], ["/0/parent"], "H10 → H10"),
        ([unit("H10", "H10.1.a")], ["/0/parent"], "H10 → H10.1.a → H10.1 → H10"),
        ([unit("X", "Y"), unit("Y", "X")], ["/0/parent", "/1/parent"], "X → Y → X"),
        ([unit("Z", "X"), unit("X", "Y"), unit("Y", "X")], ["/1/parent", "/2/parent"], "X → Y → X"),
    ):
        faults = await refused(client, entries)
        assert [fault["pointer"] for fault in faults] == pointers
        assert faults[0]["detail"] == f"The parents form a circle: {way}."
    alone = await client.put("/v1/units/H10", json={"name": "x", "kind": "city", "parent": "H10.2"})
    assert [fault["pointer"] for fault in alone.json()["errors"]] == ["/parent"]


async def test_two_writers_at_once_cannot_close_a_circle_together(client: httpx.AsyncClient) -> None:
    for number in range(10):
        one, other = f"A{number}", f"B{number}"
        await put(client, [unit(one), unit(other)])
        answers = await asyncio.gather(
            client.put("/v1/units", json=[unit(one, other)]),
            client.put("/v1/units", json=[unit(other, one)]),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_a_tree_that_is_too_deep_is_refused_also_when_it_grows_at_the_top(
    client: httpx.AsyncClient,
) -> None:
    await put(client, [unit(f"L{level}", f"L{level - 1}") for level in range(2, MAX_LEVELS + 1)])
    for entry in (unit(f"L{MAX_LEVELS + 1}", f"L{MAX_LEVELS}"), unit("L1", "L0")):
        faults = await refused(client, [entry])
        assert [fault["pointer"] for fault in faults] == ["/0/parent"]
    assert await put(client, [unit("L1")]) == {"created": 1, "changed": 0, "unchanged": 0}


async def test_a_wrong_unknown_or_later_field_is_refused_by_name(client: httpx.AsyncClient) -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": 7}, "/name"),
        ({"kind": "planet"}, "/kind"),
        ({"kind": None}, "/kind"),
        ({"parent": ""}, "/parent"),
        ({"parent": "x" * 65}, "/parent"),
        ({"parent": "a\x00"}, "/parent"),
        ({"colour": "red"}, "/colour"),
        ({"code": "H10.25"}, "/code"),
        ({"valid_from": "2025-7-1"}, "/valid_from"),
        ({"valid_from": 0}, "/valid_from"),
        ({"valid_to": "1899-12-31"}, "/valid_to"),
        ({"valid_from": "2025-07-02", "valid_to": "2025-07-01"}, "/valid_to"),
        ({"successors": [{"code": "22918", "kind": "merge"}]}, "/successors"),
        ({"valid_to": "2025-06-30", "successors": [{"code": "X", "kind": "split"}]}, "/successors"),
        ({"valid_to": "2025-06-30", "successors": [{"code": "X", "kind": "swap"}]}, "/successors/0/kind"),
        (
            {"valid_to": "2025-06-30", "successors": [{"code": code, "kind": "merge"} for code in "XY"]},
            "/successors",
        ),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"settings": {"intake_calendar": ""}}, "/settings/intake_calendar"),
    ]
    for wrong, pointer in wrongs:
        answer = await client.put("/v1/units/H10.25", json={"name": "Mũi Né", "kind": "ward", **wrong})
        assert answer.status_code == 422, wrong
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await codes(client) == []


async def test_other_shapes_and_lone_surrogates_are_refused(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    for path, body in (
        ("/v1/units/X", b'{"name": "\\ud800", "kind": "ward"}'),
        ("/v1/units/X", b"[]"),
        ("/v1/units/X", b"null"),
        ("/v1/units/X", b""),
        ("/v1/units/%00", b'{"name": "x", "kind": "ward"}'),
        ("/v1/units/%20", b'{"name": "x", "kind": "ward"}'),
        (f"/v1/units/{'x' * 65}", b'{"name": "x", "kind": "ward"}'),
        ("/v1/units", b"{}"),
        ("/v1/units", b"null"),
        ("/v1/units", b"[[]]"),
        ("/v1/units", b"[null]"),
    ):
        answer = await client.put(path, content=body, headers=headers)
        assert answer.status_code == 422, (path, body)
    assert await codes(client) == []


async def test_an_array_has_an_end(client: httpx.AsyncClient) -> None:
    entries = [unit(f"u{number}") for number in range(MAX_ENTRIES)]
    assert (await put(client, entries))["created"] == MAX_ENTRIES
    await refused(client, [*entries, unit("one more")])


async def test_pages_hold_every_unit_once_in_the_order_of_codes(client: httpx.AsyncClient) -> None:
    strange = ["b", "B", "a b", "a", "đ", "Đ", "~", "!", "10", "9", "a/b"]
    await put(client, [unit(code) for code in strange])
    for limit in (1, 3, 10, 11, 12, 1000):
        assert await codes(client, f"limit={limit}") == sorted(strange, key=str.encode)
    for wrong in ("limit=0", "limit=1001", "limit=x", "cursor=%00", "cursor=AA", "unit=", "unit=%00"):
        assert (await client.get(f"/v1/units?{wrong}")).status_code == 422, wrong


async def test_the_tree_nests_every_unit_below_its_parent(client: httpx.AsyncClient) -> None:
    await put(client, [*TREE, unit("lost", "nobody's")])

    def shape(nodes: list[Any]) -> dict[str, Any]:
        return {node["code"]: shape(node["children"]) for node in nodes}

    whole = (await client.get("/v1/units/tree")).json()["items"]
    below_city: dict[str, Any] = {"H10.1.a": {}, "H10.1.b": {}}
    below_province = {"H10.1": below_city, "H10.2": {"H10.2.a": {}}}
    assert shape(whole) == {"H10": below_province, "H44": {}, "lost": {}}
    part = (await client.get("/v1/units/tree?unit=H10.1&unit=H44")).json()["items"]
    assert shape(part) == {"H10.1": below_city, "H44": {}}
