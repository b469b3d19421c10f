"""A long backlog is folded by more than one process, and each dossier once."""

import os
import signal

import httpx
import psutil  # type: ignore[import-untyped]  # its release carries no types
import pytest

from app.dossiers import processes
from app.events import marks
from app.kit.deployment import Deployment
from tests.dossiers.makers import received
from tests.dossiers.test_projector import different, post

DOSSIERS = 40


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more process, however short the backlog."""
    monkeypatch.setattr(processes, "WORTH", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


async def filed(client: httpx.AsyncClient) -> None:
    for code in range(DOSSIERS):
        await post(client, received(due_at="2026-03-06"), code=f"D{code}")


async def none_is_marked(here: Deployment) -> bool:
    async with here.database.transaction() as connection:
        return await marks.count(connection) == 0


@pytest.mark.usefixtures("two")
async def test_two_processes_leave_nothing_unfolded_and_are_gone_when_it_is_done(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await filed(client)
    told: list[int] = []
    assert await processes.run_until_current(deployment, told.append) == DOSSIERS
    assert told[-1] <= DOSSIERS
    assert await none_is_marked(deployment)
    assert await different(deployment) == []
    assert not _helpers()


@pytest.mark.usefixtures("two")
async def test_a_helper_that_dies_takes_nothing_with_it(
    client: httpx.AsyncClient, deployment: Deployment
) -> None:
    await filed(client)

    def kill(_: int) -> None:
        for helper in _helpers():
            os.kill(helper.pid, signal.SIGKILL)

    await processes.run_until_current(deployment, kill)
    assert await none_is_marked(deployment)
    assert await different(deployment) == []


def _helpers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
