"""Figures that are asked while events pour in and are rolled up are always consistent in themselves, and right in the end."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from app.dossiers.projector import Projector
from app.kit.deployment import Deployment
from app.metrics.rollup import roll_up
from app.ops.proof import Verdict, verify
from tests.figures.conftest import Wall

NOW = datetime(2026, 5, 20, 3, tzinfo=UTC)
DOSSIERS = 120
FEW = 7


def life(random: Random, number: int) -> list[dict[str, Any]]:
    """The events of one dossier, some of them an hour or a month ago."""

    def event(kind: str, at: datetime, **data: Any) -> dict[str, Any]:
        return {
            "id": f"{number} {kind}",
            "source": "hammer",
            "type": f"dossier.{kind}",
            "subject": f"H-{number}",
            "time": at.isoformat(),
            "data": data,
        }

    received = NOW - random.choice((timedelta(days=40), timedelta(days=9), timedelta(hours=2)))
    due = received.date() + timedelta(days=random.choice((2, 5, 30)))
    told = [
        event(
            "received",
            received,
            unit=f"U{number % 3}",
            procedure="1.000001",
            channel="online",
            due_at=str(due),
        )
    ]
    if random.random() < 0.5:
        told.append(event("supplement_requested", received + timedelta(minutes=20)))
    if random.random() < 0.3:
        told.append(event("transferred", received + timedelta(minutes=30), unit="U9"))
    if random.random() < 0.6:
        told.append(event("processed", received + timedelta(minutes=random.choice((50, 9_000)))))
    return [one for one in told if one["time"] < NOW.isoformat()]


def check(document: dict[str, Any]) -> None:
    """Every row balances, and rows add up to the total, where they may."""
    rows, total = document["rows"], document["total"]
    assert total["residual"] == 0
    for row in rows:
        assert row["residual"] == 0
        assert min(count for count in row.values() if isinstance(count, int)) >= 0
    for name in (
        "received",
        "carried_over",
        "resolved",
        "in_progress",
        "in_progress_overdue",
        "waiting_supplement",
    ):
        assert sum(row[name] for row in rows) == total[name]


async def look(client: httpx.AsyncClient) -> None:
    """Ask for counts by what is and what is not in the coarsest cells, by time, and for a rate of both."""
    for by in ("unit", "procedure"):
        check((await client.get("/v1/metrics/counts", params={"period": "2026", "group_by": by})).json())
    months = (await client.get("/v1/metrics/counts", params={"period": "2026", "group_by": "month"})).json()
    assert all(row["residual"] == 0 for row in (months["total"], *months["rows"]))
    rate = (await client.get("/v1/metrics/on_time_of_workload", params={"group_by": "unit"})).json()
    assert all(0 <= row["numerator"] <= row["denominator"] for row in (rate["total"], *rate["rows"]))


async def test_figures_asked_while_events_pour_in_balance_and_add_up(
    client: httpx.AsyncClient, deployment: Deployment, wall: Wall
) -> None:
    wall.now = NOW
    random = Random(7)  # noqa: S311 - repeatable events, no secret
    events = [event for number in range(DOSSIERS) for event in life(random, number)]
    random.shuffle(events)
    await roll_up(deployment)
    pouring = True

    async def send() -> None:
        nonlocal pouring
        for start in range(0, len(events), FEW):
            await client.post("/v1/events", json=events[start : start + FEW])
        pouring = False

    async def project() -> None:
        projector = Projector(deployment)
        while pouring or await projector.run_once(most=5):
            await projector.run_once(most=5)

    async def fold() -> None:
        while pouring:
            await roll_up(deployment, most=3)
            await asyncio.sleep(0.01)

    async def ask() -> None:
        while pouring:
            await look(client)

    await asyncio.gather(send(), project(), project(), fold(), ask(), ask())
    assert await verify(deployment, lambda *_: None) == Verdict(checked=DOSSIERS)
    answer = await client.get("/v1/metrics/counts", params={"period": "2026", "group_by": "unit"})
    check(answer.json())
    assert answer.json()["total"]["received"] == DOSSIERS
