"""Calendars over HTTP: versions are written as drafts, put in force for good, and read as days."""

from typing import Any

import httpx
import pytest

from app.kit.db import Database
from tests.calendars.makers import Json, enforce, off, terms, window, worked, write
from tests.directory.makers import key

WEEK = [[window("08:00", "12:00")]] * 5 + [[], []]


async def calendar(client: httpx.AsyncClient, key: str = "plain", **asked: str) -> Any:
    answer = await client.get(f"/v1/calendars/{key}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_ships_is_listed_with_its_first_version(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/calendars")).json()["items"]
    assert [(item["key"], item["in_use"]) for item in listed] == [("plain", True), ("vn", False)]
    assert [version["number"] for item in listed for version in item["versions"]] == [1, 1]
    page = (await client.get("/v1/calendars", params={"limit": 1})).json()
    following = (await client.get("/v1/calendars", params={"cursor": page["next_cursor"]})).json()
    assert [item["key"] for item in (*page["items"], *following["items"])] == ["plain", "vn"]
    shipped = (await client.get("/v1/calendars/vn/versions/1")).json()
    assert shipped["state"] == "in_force"
    assert {"2026-01-02", "2026-01-10"} <= {told["day"] for told in shipped["days"]}
    assert len(shipped["week"]) == 7


async def test_a_day_is_shown_with_its_hours_its_name_and_the_version_that_changed_it(
    client: httpx.AsyncClient,
) -> None:
    body = terms(
        off("2026-03-03", "Nghỉ bão", name_en="Storm"),
        worked("2026-03-07"),
        {"day": "2026-03-06", "kind": "half_day", "name": "Nghỉ chiều"},
        worked("2026-03-08", windows=[window("08:00", "10:00"), window("22:00", "00:00")]),
    )
    assert (await write(client, 2, body)).status_code == 200
    quiet = await calendar(client, **{"from": "2026-03-02", "to": "2026-03-08"})
    assert [bool(day["windows"]) for day in quiet["days"]] == [True] * 5 + [False] * 2, (
        "a draft counts nowhere"
    )
    await enforce(client, 2, body)
    days = (await calendar(client, **{"from": "2026-03-02", "to": "2026-03-08"}))["days"]
    office = [window("07:30", "11:30"), window("13:00", "17:00")]
    assert [(day["windows"], day["name"], day["version"]) for day in days] == [
        (office, None, 1),
        ([], "Storm", 2),
        (office, None, 1),
        (office, None, 1),
        (office[:1], "Nghỉ chiều", 2),
        (office, "Làm bù", 2),
        ([window("08:00", "10:00"), window("22:00", "00:00")], "Làm bù", 2),
    ]


async def test_a_version_in_force_never_changes_and_versions_follow_one_another(
    client: httpx.AsyncClient,
) -> None:
    assert (await write(client, 1, terms())).status_code == 409, "the first one ships"
    assert (await write(client, 3, terms())).status_code == 409, "2 comes before 3"
    assert (await write(client, 2, terms(off("2026-03-03")))).status_code == 200
    assert (await write(client, 2, terms(off("2026-03-04")))).status_code == 200, "a draft is written anew"
    assert (await write(client, 3, terms())).status_code == 200
    path = "/v1/calendars/plain/versions/{}/put-in-force"
    assert (await client.post(path.format(3))).status_code == 409, "2 is a draft"
    assert (await client.post(path.format(4))).status_code == 404
    assert (await client.post(path.format(1))).status_code == 404, "what ships is nobody's to put in force"
    first = await client.post(path.format(2))
    assert first.json()["state"] == "in_force"
    assert first.json()["in_force_by"] == "bootstrap"
    assert (await client.post(path.format(2))).json() == first.json(), "once is for ever"
    assert (await write(client, 2, terms())).status_code == 409
    kept = (await client.get("/v1/calendars/plain/versions/2")).json()
    assert [told["day"] for told in kept["days"]] == ["2026-03-04"]


async def test_a_key_of_ones_own_begins_as_office_hours(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/calendars/quan-1")).status_code == 404
    await enforce(client, 1, terms(off("2026-03-03")), key="quan-1")
    days = (await calendar(client, "quan-1", **{"from": "2026-03-02", "to": "2026-03-03"}))["days"]
    assert [bool(day["windows"]) for day in days] == [True, False]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (terms(off("2025-12-31")), ["/days/0/day"]),
        (terms(off("2026-03-03"), worked("2026-03-03")), ["/days/1/day"]),
        (terms(off("2026-03-03", windows=[window("08:00", "09:00")])), ["/days/0/windows"]),
        (terms(worked("2026-03-03", windows=[])), ["/days/0/windows"]),
        (terms(worked("2026-03-03", windows=[window("09:00", "08:00")])), ["/days/0/windows/0/closes"]),
        (
            terms(worked("2026-03-03", windows=[window("08:00", "10:00"), window("09:00", "11:00")])),
            ["/days/0/windows/1/opens"],
        ),
        (terms(week=[[]] * 7), ["/week"]),
        (terms(week=WEEK[:6]), ["/week"]),
        (terms(week=[[window("10:00", "10:00")], *WEEK[1:]]), ["/week/0/0/closes"]),
        (terms(worked("2026-03-03", windows=[window("7:30", "11:30")])), ["/days/0/windows/0/opens"]),
        (terms(off("2026-02-30"), off("1899-01-01")), ["/days/0/day", "/days/1/day"]),
        ({**terms(), "source": {"title": "x", "sha256": "ABC"}}, ["/source/sha256"]),
        ({**terms(), "extra": 1}, ["/extra"]),
    ],
)
async def test_a_version_that_cannot_be_counted_by_is_refused_with_every_fault(
    client: httpx.AsyncClient, body: Json, pointers: list[str]
) -> None:
    answer = await write(client, 2, body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
    assert (await client.get("/v1/calendars/plain/versions/2")).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [{"from": "2026-03-02", "to": "2026-03-01"}, {"from": "2020-01-01", "to": "2026-01-01"}, {"from": "x"}],
)
async def test_a_range_that_is_none_or_too_long_is_refused(
    client: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    assert (await client.get("/v1/calendars/vn", params=asked)).status_code == 422


async def test_only_unlimited_keys_that_may_write_the_directory_write_calendars(
    client: httpx.AsyncClient, database: Database
) -> None:
    path, body = "/v1/calendars/plain/versions/2", terms()
    for headers in (await key(database, "metrics:read"), await key(database, "directory:write", unit="H10")):
        assert (await client.put(path, json=body, headers=headers)).status_code == 403
        assert (await client.post(f"{path}/put-in-force", headers=headers)).status_code == 403
    reader = await key(database, "metrics:read", unit="H10")
    assert (await client.get("/v1/calendars/vn", headers=reader)).status_code == 200
    writer = await key(database, "directory:write")
    assert (await client.put(path, json=body, headers=writer)).status_code == 200
    assert (await client.get("/v1/calendars/vn", headers=writer)).status_code == 403
