"""`verify` finds what was tampered with, and `rebuild` mends it without a hole in between."""

import uuid
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from app.dossiers.projector import Projector
from app.dossiers.tables import dossier
from app.events import marks
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.problems import Problem
from app.metrics.tables import cell
from app.ops.proof import Verdict, rebuild, verify
from tests.events.makers import processed, received


def silent(_done: int, _total: int) -> None:
    """No progress is shown."""


async def test_verify_names_what_differs_and_rebuild_mends_it(
    client: httpx.AsyncClient, database: Database, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=[made(f"H{n}") for n in range(5) for made in (received, processed)])
    await Projector(deployment).run_until_current()
    assert await verify(deployment, silent) == Verdict(checked=5)
    async with database.transaction() as connection:
        await connection.execute(
            sa.update(dossier).where(dossier.c.code == "H1").values(outcome="late", unit="x")
        )
        await connection.execute(sa.delete(dossier).where(dossier.c.code == "H2"))
        ghost = sa.select(*(sa.literal("ghost") if c.name == "code" else c for c in dossier.columns))
        await connection.execute(
            sa.insert(dossier).from_select(list(dossier.columns), ghost.where(dossier.c.code == "H3"))
        )
    found = await verify(deployment, silent)
    assert (found.checked, found.different) == (6, 3)
    assert found.differences == ["H1: outcome, unit", "H2: row missing", "ghost: row without facts"]

    assert await rebuild(deployment, silent) == 6
    assert await verify(deployment, silent) == Verdict(checked=5)


async def test_verify_names_a_wrong_cell_and_rebuild_mends_it(
    client: httpx.AsyncClient, database: Database, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=[received("H1"), processed("H1")])
    assert await verify(deployment, silent) == Verdict(checked=1)
    async with database.transaction() as connection:
        await connection.execute(sa.update(cell).where(cell.c.grain == "unit day").values(open=5))
    found = await verify(deployment, silent)
    assert (found.checked, found.different) == (1, 3), (
        "the days of the reception, of the end and of the due date"
    )
    assert [told.split(":")[1] for told in found.differences] == [" open +4", " open +6", " open +5"]
    assert await rebuild(deployment, silent) == 1
    assert await verify(deployment, silent) == Verdict(checked=1)


async def test_what_is_marked_is_folded_before_it_is_compared(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=received())
    assert await verify(deployment, silent) == Verdict(checked=1)


async def test_verify_refuses_a_table_that_was_derived_under_other_settings(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=received())
    await Projector(deployment).run_until_current()
    abroad = deployment.settings.model_copy(update={"timezone": "Europe/Amsterdam"})
    with pytest.raises(Problem, match="conflict"):
        await verify(Deployment(abroad, deployment.database), silent)
    assert await verify(deployment, silent) == Verdict(checked=1)


async def test_verify_and_rebuild_wait_for_what_another_worker_has_in_hand(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await client.post("/v1/events", json=[received(f"H{n}") for n in range(10)])
    lease = uuid.uuid4()
    async with deployment.database.transaction() as connection:
        claimed = await marks.claim(connection, lease, 4, timedelta(milliseconds=700))
    assert len(claimed) == 4
    assert await verify(deployment, silent) == Verdict(checked=10)
