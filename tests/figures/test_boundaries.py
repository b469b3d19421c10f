from datetime import UTC, datetime

import httpx

from app.kit.db import Database
from tests.figures.conftest import Wall
from tests.figures.makers import DAY, HOUR, MICROSECOND, MIDNIGHT, a_dossier, ended, figures, store


async def test_a_dossier_counts_in_the_period_in_which_its_midnight_begins(
    client: httpx.AsyncClient, database: Database
) -> None:
    await store(
        database, [a_dossier("1", received_at=MIDNIGHT), a_dossier("2", received_at=MIDNIGHT - MICROSECOND)]
    )
    february = (await figures(client, period="2026-02"))["total"]
    march = (await figures(client, period="2026-03"))["total"]
    assert (february["received"], february["in_progress"]) == (1, 1)
    assert (march["received"], march["carried_over"], march["in_progress"]) == (1, 1, 2)


async def test_a_dossier_that_ends_at_midnight_is_still_in_progress_the_day_before(
    client: httpx.AsyncClient, database: Database
) -> None:
    await store(database, [ended("1", "late", MIDNIGHT, overdue_from=MIDNIGHT - HOUR)])
    february = (await figures(client, period="2026-02"))["total"]
    march = (await figures(client, period="2026-03"))["total"]
    assert (february["resolved"], february["in_progress_overdue"]) == (0, 1)
    assert (march["resolved_late"], march["in_progress"], march["carried_over"]) == (1, 0, 1)


async def test_an_open_dossier_is_overdue_once_its_due_date_has_passed(
    client: httpx.AsyncClient, database: Database
) -> None:
    dues = {"A": MIDNIGHT - MICROSECOND, "B": MIDNIGHT, "C": None}
    received = MIDNIGHT - 9 * DAY
    await store(
        database,
        [a_dossier(unit, unit=unit, received_at=received, overdue_from=due) for unit, due in dues.items()],
    )
    rows = (await figures(client, period="2026-02", group_by="unit"))["rows"]
    assert [(row["in_progress_overdue"], row["in_progress_not_due"]) for row in rows] == [
        (1, 0),
        (0, 1),
        (0, 1),
    ]


async def test_a_dossier_waits_from_after_the_request_through_the_answer(
    client: httpx.AsyncClient, database: Database
) -> None:
    pauses = {
        "A": (MIDNIGHT, None),
        "B": (MIDNIGHT - MICROSECOND, None),
        "C": (MIDNIGHT - DAY, MIDNIGHT),
        "D": (MIDNIGHT - DAY, MIDNIGHT - MICROSECOND),
    }
    received = MIDNIGHT - 9 * DAY
    for kind in ("supplement", "fee"):
        rows = [
            a_dossier(f"{kind} {unit}", unit=unit, received_at=received, **{f"{kind}_pauses": [pause]})
            for unit, pause in pauses.items()
        ]
        await store(database, rows)
    rows = (await figures(client, period="2026-02", group_by="unit"))["rows"]
    assert [row["waiting_supplement"] for row in rows] == [0, 1, 1, 0]
    assert [row["waiting_fee"] for row in rows] == [0, 1, 1, 0]
    assert [row["in_progress"] for row in rows] == [2, 2, 2, 2]


async def test_a_running_period_counts_up_to_now_and_buckets_that_have_not_begun_are_absent(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    wall.now = MIDNIGHT + HOUR
    await store(
        database, [ended("1", "on_time", MIDNIGHT + HOUR), a_dossier("2", received_at=MIDNIGHT + 2 * HOUR)]
    )
    march = await figures(client, period="2026-Q1", group_by="month")
    assert [row["month"] for row in march["rows"]] == ["2026-02", "2026-03"]
    assert march["total"]["received"] == march["total"]["in_progress"] == 1
    assert march["total"]["resolved"] == 0
    wall.now += MICROSECOND
    assert (await figures(client, period="2026-Q1"))["total"]["resolved_on_time"] == 1


async def test_without_parameters_figures_are_of_this_year_to_date(
    client: httpx.AsyncClient, wall: Wall
) -> None:
    wall.now = datetime(2025, 12, 31, 17, 30, tzinfo=UTC)
    assert (await figures(client))["period"] == {"from": "2026-01-01", "to": "2026-01-01"}


async def test_the_residual_tells_of_dossiers_that_do_not_balance(
    client: httpx.AsyncClient, database: Database
) -> None:
    backwards = a_dossier("1", received_at=MIDNIGHT + DAY, counted_at=MIDNIGHT - DAY, outcome="late")
    unjudged = a_dossier("2", received_at=MIDNIGHT + DAY, counted_at=MIDNIGHT + DAY)
    await store(database, [backwards])
    assert (await figures(client, period="2026-03"))["total"]["residual"] == 1
    by_month = await figures(client, period="2026-Q1", group_by="month")
    assert [row["residual"] for row in by_month["rows"]] == [-1, 1]
    await store(database, [unjudged])
    assert (await figures(client, period="2026-03"))["total"]["residual"] == 2
