"""What every route and every task is handed: the settings, the database and the clock of this deployment.

It holds them together and decides nothing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.clock import Clock, system_clock
from app.kit.db import Database
from app.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """One running deployment."""

    settings: Settings
    database: Database
    clock: Clock = system_clock

    def today(self) -> date:
        """The local day of the offices."""
        return self.clock().astimezone(self.settings.zone).date()


def deployment(request: Request) -> Deployment:
    """The deployment that serves `request`."""
    found = request.app.state.deployment
    assert isinstance(found, Deployment)  # noqa: S101 - tells mypy what create_app() put there
    return found


Here = Annotated[Deployment, Depends(deployment)]


async def _transaction(here: Here) -> AsyncIterator[AsyncConnection]:
    async with here.database.transaction() as connection:
        yield connection


async def _snapshot(here: Here) -> AsyncIterator[AsyncConnection]:
    async with here.database.snapshot() as connection:
        yield connection


# scope="function" ends the dependency, and so commits, *before* the answer is sent; FastAPI's default commits
# after it, and a commit that fails would then follow a 200 that was already acknowledged.
Transaction = Annotated[AsyncConnection, Depends(_transaction, scope="function")]
Snapshot = Annotated[AsyncConnection, Depends(_snapshot, scope="function")]
