"""Figures by the structure of then and of now, over the sample area of Phan Thiết and its merger of 2025-07-01."""

from typing import Any

import httpx
import pytest

from app.directory.sample import phan_thiet
from app.dossiers.facts import Fact
from app.dossiers.projector import Projector
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.metrics.catalogue import CATALOGUE
from tests.directory.makers import key, put, unit
from tests.dossiers.makers import fact, received
from tests.dossiers.test_projector import post
from tests.figures.makers import figures
from tests.targets.makers import commit

AROUND: dict[str, Any] = {"from": "2025-06-01", "to": "2025-07-31"}
PART = {
    "valid_to": "2025-06-30",
    "successors": [{"code": code, "kind": "split"} for code in ("22918", "22924")],
}


def filed(ward: str, when: str = "2025-06-20 09:00") -> Fact:
    return received(when, unit=ward, due_at="2025-07-10")


DONE = fact("processed", "2025-07-03 09:00")


@pytest.fixture
async def area(client: httpx.AsyncClient, deployment: Deployment) -> None:
    """The area, and dossiers filed with old wards before the merger and finished after, and with new ones."""
    units = [entry.model_dump(mode="json") for entry in phan_thiet()]
    await put(client, [*units, unit("torn", "593", **PART)])
    for code, ward in enumerate(("22915", "22915", "22957", "22942", "torn")):
        await post(client, filed(ward), DONE, code=f"old-{code}")
    await post(client, filed("22918", "2025-07-02 09:00"), DONE, code="new-1")
    await post(client, filed("22945", "2025-07-02 09:00"), code="new-2")
    await post(client, filed("nobody's"), DONE, code="lost")
    await Projector(deployment).run_until_current()


async def by(client: httpx.AsyncClient, group: str, **asked: Any) -> dict[str, tuple[int, bool | None]]:
    """Group → dossiers received in the two months, and whether they are comparable."""
    found = await figures(client, **AROUND, group_by=group, **asked)
    return {row[group]["code"]: (row["received"], row.get("comparable")) for row in found["rows"]}


@pytest.mark.usefixtures("area")
async def test_a_dossier_filed_with_an_old_ward_shows_there_by_then_and_under_its_successor_by_now(
    client: httpx.AsyncClient,
) -> None:
    then = await by(client, "unit")
    assert then == {
        "22915": (2, None),
        "22957": (1, None),
        "22942": (1, None),
        "torn": (1, None),
        "22918": (1, None),
        "22945": (1, None),
        "nobody's": (1, None),
    }
    now = await by(client, "unit", structure="now")
    assert now == {
        "22918": (
            4,
            False,
        ),  # two of Mũi Né, one of Thiện Nghiệp, its own; and an unknown part of the torn one
        "22945": (2, True),  # Đức Nghĩa's, by way of Lạc Đạo
        "torn": (1, False),
        "nobody's": (1, True),
    }
    totals = [(await figures(client, **AROUND, structure=one))["total"] for one in ("then", "now")]
    assert totals[1] == {**totals[0], "comparable": True}
    assert totals[0]["received"] == sum(n for n, _ in then.values()) == sum(n for n, _ in now.values())


@pytest.mark.usefixtures("area")
async def test_roll_ups_follow_the_parents_of_the_period_or_of_today(client: httpx.AsyncClient) -> None:
    june: dict[str, Any] = {"from": "2025-06-01", "to": "2025-06-30", "group_by": "child"}

    async def children(root: str, **asked: Any) -> dict[str, int]:
        found = await figures(client, unit=root, **asked)
        rows = {row["child"]["code"]: row["received"] for row in found["rows"]}
        assert sum(rows.values()) == found["total"]["received"]
        return rows

    assert await children("60", **june) == {"593": 5}, "the city was abolished later"
    assert await children("68", **june) == {}
    # What ended before the last day asked for hangs where it last hung; the rest is below its new parent.
    assert await children("60", **AROUND, group_by="child") == {"593": 5}
    assert await children("68", **AROUND, group_by="child") == {"22918": 1, "22945": 1}
    assert await by(client, "child", unit="68", structure="now") == {
        "22918": (4, False),
        "22945": (2, True),
        "torn": (1, False),
    }
    assert await by(client, "unit", unit="60", structure="now") == {}, (
        "what merged away is counted where it went"
    )


@pytest.mark.usefixtures("area")
async def test_a_split_is_comparable_where_all_its_parts_are_together(client: httpx.AsyncClient) -> None:
    async def total(**asked: Any) -> Any:
        return (await figures(client, **AROUND, structure="now", **asked))["total"]

    assert (await total(unit="68"))["comparable"] is True
    assert (await total(unit="22918"))["comparable"] is False
    assert (await total(unit="22945"))["comparable"] is True
    rows = (await figures(client, **AROUND, structure="now", unit="22918", group_by="month"))["rows"]
    assert [row["comparable"] for row in rows] == [False, False]
    later: dict[str, Any] = {"from": "2025-08-01", "to": "2025-08-31", "structure": "now", "group_by": "unit"}
    (row,) = (await figures(client, **later))["rows"]
    assert row["unit"]["code"] == "22945"
    assert (await figures(client, "on_time", **later, lang="en"))["rows"] == []


@pytest.mark.usefixtures("area")
async def test_units_are_called_as_they_were_then_and_as_they_are_now(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await post(client, filed("22918"), code="old-5")
    await Projector(deployment).run_until_current()
    june: dict[str, Any] = {"from": "2025-06-01", "to": "2025-06-30", "group_by": "unit", "lang": "vi"}
    names: dict[str, set[str]] = {}
    for structure in ("then", "now"):
        rows = (await figures(client, **june, structure=structure))["rows"]
        names[structure] = {row["unit"]["name"] for row in rows if row["unit"]["code"] == "22918"}
    assert names == {"then": {"UBND phường Hàm Tiến (mẫu)"}, "now": {"UBND phường Mũi Né (mẫu)"}}


@pytest.mark.usefixtures("area")
async def test_a_key_limited_to_a_successor_sees_by_now_what_it_took_over_whole(
    client: httpx.AsyncClient, database: Database
) -> None:
    limited = await key(database, "metrics:read", unit="22918")

    async def seen(**asked: Any) -> dict[str, int]:
        answer = await client.get(
            "/v1/metrics/counts", params={**AROUND, "group_by": "unit", **asked}, headers=limited
        )
        assert answer.status_code == 200, answer.text
        return {row["unit"]["code"]: row["received"] for row in answer.json()["rows"]}

    assert await seen() == {"22918": 1}
    assert await seen(structure="now") == {"22918": 4}
    assert await seen(unit="22915") == {"22915": 2}
    refused = await client.get("/v1/metrics/counts", params={"unit": "torn"}, headers=limited)
    assert refused.status_code == 403


@pytest.mark.usefixtures("area")
async def test_a_unit_stands_against_its_target_together_with_what_it_took_over_whole(
    client: httpx.AsyncClient,
) -> None:
    await commit(client, unit="22945", period="2025", signed_on="2025-01-10")
    targets = {
        structure: {
            row["unit"]["code"]: row["target"]
            for row in (await figures(client, "on_time", **AROUND, group_by="unit", structure=structure))[
                "rows"
            ]
        }
        for structure in ("then", "now")
    }
    assert targets["now"]["22945"] == 0.9
    assert targets["then"]["22942"] is None  # it had signed nothing, and nothing above it had


@pytest.mark.usefixtures("area")
async def test_every_metric_tells_whether_it_is_comparable_and_so_does_the_summary(
    client: httpx.AsyncClient,
) -> None:
    asked = {**AROUND, "structure": "now", "compare": "previous"}
    summary = await figures(client, "summary", **asked)
    for named in CATALOGUE:
        alone = await figures(client, named, **asked)
        assert alone["total"]["comparable"] is True
        assert summary["metrics"][named] == alone["total"]
