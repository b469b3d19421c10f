"""Target, gap and status stand beside the figures of whole units that one commitment covers, and nowhere else."""

from datetime import timedelta
from typing import Any

import httpx

from app.kit.db import Database
from tests.figures.conftest import Wall
from tests.figures.makers import describe, ended, figures, store
from tests.targets.makers import commit

NOTHING = (None, None, None)


def stands(figure: dict[str, Any]) -> tuple[Any, ...]:
    return figure["target"], figure["gap"], figure["status"]


async def fill(client: httpx.AsyncClient, database: Database, wall: Wall) -> None:
    """D 8 of 10, E 19 of 20, B itself 1 of 1; B owes 95 % in 2026 and D 80 % in the second quarter."""
    await describe(database)
    at = wall.now - timedelta(hours=1)
    rows = [("D", 8, 2), ("E", 19, 1), ("B", 1, 0)]
    await store(
        database,
        [
            ended(f"{unit}-{outcome}-{n}", outcome, at, unit=unit)
            for unit, early, late in rows
            for outcome, many in (("early", early), ("late", late))
            for n in range(many)
        ],
    )
    await commit(client, target=0.95)
    await commit(client, "d-q2", unit="D", period="2026-Q2", target=0.8)


async def test_rows_of_whole_units_stand_against_their_own_or_inherited_target(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(client, database, wall)
    year = await figures(client, "on_time", unit="B", group_by="child", period="2026")
    assert stands(year["total"]) == (0.95, -0.046774, "lagging")  # 28 of 31
    assert {row["child"]["code"]: stands(row) for row in year["rows"]} == {
        "B": NOTHING,  # its own dossiers alone
        "D": (0.95, -0.15, "lagging"),
        "E": (0.95, 0.0, "reached"),
    }
    may = await figures(client, "on_time", group_by="unit", period="2026-05")
    assert stands(may["total"]) == NOTHING
    assert {row["unit"]["code"]: stands(row) for row in may["rows"]} == {
        "B": NOTHING,  # D and E lie below it
        "D": (0.8, 0.0, "reached"),
        "E": (0.95, 0.0, "reached"),
    }


async def test_what_is_no_whole_unit_or_not_covered_has_no_target(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(client, database, wall)
    year = {"period": "2026"}
    for asked in (
        year | {"procedure": "1.000001"},
        year | {"sector": "land"},
        year | {"channel": "online"},
        {"from": "2025-12-31", "to": "2026-05-20"},
    ):
        shown = await figures(client, "on_time", unit="B", group_by="child", **asked)
        assert {stands(figure) for figure in (shown["total"], *shown["rows"])} == {NOTHING}
    for by in ("month", "procedure", "child,month"):
        shown = await figures(client, "on_time", unit="B", group_by=by, period="2026")
        assert {stands(row) for row in shown["rows"]} == {NOTHING}
        assert stands(shown["total"])[0] == 0.95
    assert stands((await figures(client, "online", unit="B", period="2026"))["total"]) == NOTHING


async def test_the_target_is_that_in_force_at_the_end_of_the_period_or_today(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(client, database, wall)
    await commit(client, target=0.9, signed_on="2026-05-01")
    await commit(client, target=0.5, signed_on="2026-05-21")  # tomorrow

    async def target(**asked: str) -> Any:
        return (await figures(client, "on_time", unit="B", **asked))["total"]["target"]

    assert [await target(period=name) for name in ("2026", "2026-05", "2026-04")] == [0.9, 0.9, 0.95]
    assert await target() == 0.9


async def test_an_etag_changes_with_the_target(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(client, database, wall)
    asked = {"unit": "B", "period": "2026"}
    before = (await client.get("/v1/metrics/on_time", params=asked)).headers["etag"]
    await commit(client, target=0.9, signed_on="2026-05-01")
    assert (await client.get("/v1/metrics/on_time", params=asked)).headers["etag"] != before
