"""The calendar that a deployment follows: Vietnam's public holidays unless it says otherwise."""

import httpx
import pytest

from app.dossiers.projector import Projector, derivation_rules, fold_one
from app.kit.deployment import Deployment
from tests.events.makers import received


@pytest.mark.parametrize(("key", "due"), [("plain", "2026-02-19"), ("vn", "2026-02-26")])
async def test_a_computed_due_date_steps_over_tet(
    key: str, due: str, client: httpx.AsyncClient, deployment: Deployment
) -> None:
    """Received on Thursday 12 February 2026 for five working days; Tết 2026 is off from the 16th to the 20th."""
    made = received(
        time="2026-02-12T08:00:00+07:00", due_at=None, duration={"value": 5, "unit": "working_day"}
    )
    assert (await client.post("/v1/events", json=made)).status_code == 202
    settings = deployment.settings.model_copy(update={"calendar": key})
    async with deployment.database.snapshot() as connection:
        dossier, _ = await fold_one(connection, "H1", settings)
    assert dossier is not None
    assert dossier.clock.due is not None
    assert dossier.clock.due.day(settings.zone).isoformat() == due


async def test_another_calendar_folds_every_dossier_again(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=received(due_at=None, duration={"value": 5, "unit": "working_day"}))
    await Projector(deployment).run_until_current()
    settings = deployment.settings.model_copy(update={"calendar": "vn"})
    assert derivation_rules(settings) != derivation_rules(deployment.settings)
    other = Deployment(settings, deployment.database)
    assert await Projector(other).run_until_current() == 1
    assert await Projector(other).run_until_current() == 0
