"""What happens at the very midnight that ends a period is not in it: only instants before the end count."""

from typing import Any

import httpx
import pytest

from app.dossiers.facts import Fact
from app.dossiers.projector import Projector
from app.kit.deployment import Deployment
from tests.dossiers.makers import fact, received

TUESDAY, WEDNESDAY = "2026-03-03", "2026-03-04"
AT_MIDNIGHT = "2026-03-04 00:00"
JUST_BEFORE = "2026-03-03 23:59:59.999999"
OPEN = received(due_at="2026-04-30")


def asked(begin: str, end: str | None = None) -> list[Fact]:
    request = fact("supplement_requested", begin)
    return [OPEN, request] if end is None else [OPEN, request, fact("supplemented", end)]


@pytest.mark.parametrize(
    ("facts", "count", "on_tuesday", "on_wednesday"),
    [
        ([received(AT_MIDNIGHT)], "received", 0, 1),
        ([received(JUST_BEFORE)], "received", 1, 0),
        ([received(AT_MIDNIGHT)], "carried_over", 0, 0),
        ([received(JUST_BEFORE)], "carried_over", 0, 1),
        ([OPEN, fact("processed", AT_MIDNIGHT)], "resolved_early", 0, 1),
        ([OPEN, fact("processed", AT_MIDNIGHT)], "carried_over", 1, 1),
        ([OPEN, fact("processed", AT_MIDNIGHT)], "in_progress", 1, 0),
        ([OPEN, fact("processed", JUST_BEFORE)], "carried_over", 1, 0),
        ([fact("processed", "2026-03-01 09:00"), received(AT_MIDNIGHT)], "resolved_undated", 0, 1),
        ([received(due_at="2026-03-03")], "in_progress_overdue", 1, 1),
        ([received(due_at="2026-03-04T00:00:00+07:00")], "in_progress_overdue", 0, 1),
        (asked(AT_MIDNIGHT), "waiting_supplement", 0, 1),
        (asked(JUST_BEFORE), "waiting_supplement", 1, 1),
        (asked("2026-03-03 09:00", AT_MIDNIGHT), "waiting_supplement", 1, 0),
        (asked("2026-03-03 09:00", JUST_BEFORE), "waiting_supplement", 0, 0),
    ],
)
async def test_counts_at_the_edge_of_two_days(
    client: httpx.AsyncClient,
    deployment: Deployment,
    facts: list[Fact],
    count: str,
    on_tuesday: int,
    on_wednesday: int,
) -> None:
    events: list[dict[str, Any]] = [
        {"id": told.id, "source": told.source, "type": told.type, "subject": "D"}
        | {"time": told.time.isoformat(), "data": dict(told.data)}
        for told in facts
    ]
    assert (await client.post("/v1/events", json=events)).status_code == 202
    await Projector(deployment).run_until_current()
    for day, expected in ((TUESDAY, on_tuesday), (WEDNESDAY, on_wednesday)):
        answer = await client.get("/v1/metrics/counts", params={"from": day, "to": day})
        total = answer.json()["total"]
        assert (total[count], total["residual"]) == (expected, 0), day
