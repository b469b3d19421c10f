"""Figures beside those of another period, and every metric at once."""

from datetime import UTC, datetime

import httpx

from app.kit.db import Database
from app.metrics.catalogue import CATALOGUE
from tests.figures.conftest import Wall
from tests.figures.makers import describe, ended, figures, store


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)


async def test_a_running_period_is_compared_with_as_many_days_of_the_other(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    wall.now = at("2026-05-20")
    days = ("2026-05-02", "2026-05-03", "2026-04-20", "2026-04-21", "2025-05-20", "2025-05-21")
    await store(database, [ended(day, "late" if day < "2026" else "early", at(day)) for day in days])
    previous = await figures(client, "on_time", period="2026-05", compare="previous")
    assert previous["compared"] == {"from": "2026-04-01", "to": "2026-04-20"}
    assert previous["total"]["denominator"] == 2
    assert previous["total"]["previous"] == {"numerator": 1, "denominator": 1, "rate": 1.0}
    last_year = await figures(client, "on_time", period="2026-05", compare="last_year")
    assert last_year["compared"] == {"from": "2025-05-01", "to": "2025-05-20"}
    assert last_year["total"]["previous"] == {"numerator": 0, "denominator": 1, "rate": 0.0}


async def test_rows_are_compared_by_their_keys_and_times_by_their_place(
    client: httpx.AsyncClient, database: Database
) -> None:
    days = {"2026-01-05": "A", "2026-02-05": "A", "2025-10-05": "A", "2025-12-05": "A", "2025-11-05": "B"}
    await store(database, [ended(day, "early", at(day), unit=unit) for day, unit in days.items()])
    answer = await figures(client, "on_time", period="2026-Q1", compare="previous", group_by="unit,month")
    assert [(row["month"], row["denominator"], row["previous"]["denominator"]) for row in answer["rows"]] == [
        ("2026-01", 1, 1),
        ("2026-02", 1, 0),
    ]
    assert answer["total"]["previous"]["denominator"] == 3
    quarters = await figures(client, "counts", period="2026-Q1", compare="previous", group_by="month,quarter")
    assert [row["previous"]["resolved"] for row in quarters["rows"]] == [1, 1]


async def test_a_period_that_has_not_begun_is_compared_with_nothing(client: httpx.AsyncClient) -> None:
    answer = await figures(client, "on_time", period="2027", compare="previous")
    assert "compared" not in answer
    assert "previous" not in answer["total"]


async def test_the_summary_has_every_metric_as_its_own_answer_has_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(database, [ended("1", "early"), ended("2", "late", unit="D", processing=7_200_000_000)])
    summary = await figures(client, "summary", period="2026-03", unit="A", compare="last_year")
    assert summary["period"] == {"from": "2026-03-01", "to": "2026-03-31"}
    assert list(summary["metrics"]) == list(CATALOGUE)
    for key, total in summary["metrics"].items():
        alone = await figures(client, key, period="2026-03", unit="A", compare="last_year")
        assert total == alone["total"]
    assert summary["metrics"]["processing_time"]["median"] == 2.0
    answer = await client.get("/v1/metrics/summary", params={"group_by": "unit"})
    assert answer.status_code == 422
