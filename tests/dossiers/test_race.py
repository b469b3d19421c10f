"""The race of the directory with the projector: what is folded with the old directory is folded again."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers import queries
from app.dossiers.projector import Projector
from app.kit.deployment import Deployment
from app.ops.proof import Verdict, verify
from tests.events.makers import received

PROCEDURE = {
    "name": "Thủ tục mẫu",
    "sector": "land",
    "service_level": "full",
    "fee_required": False,
    "duration": {"value": 3, "unit": "working_day"},
}


async def test_a_procedure_described_while_its_first_dossier_is_being_folded_is_not_missed(
    client: httpx.AsyncClient, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the fold and the save of a dossier that no table shows yet, its procedure gets a duration."""
    await client.post("/v1/events", json=received(procedure="9.9", due_at=None))
    saved = queries.save

    async def described_first(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        monkeypatch.setattr(queries, "save", saved)
        assert (await client.put("/v1/procedures/9.9", json=PROCEDURE)).status_code in {200, 201}
        await Projector(deployment).take_up_changes()
        await saved(connection, rows)

    monkeypatch.setattr(queries, "save", described_first)
    await Projector(deployment).run_until_current()
    dossier = (await client.get("/v1/dossiers")).json()["items"][0]
    assert dossier["due_original"] == "2026-01-08"
    assert await verify(deployment, lambda _done, _total: None) == Verdict(checked=1)
