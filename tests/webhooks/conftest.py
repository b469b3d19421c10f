"""A deployment on a driven clock, and a dispatcher with a real sender."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings
from app.webhooks.dispatcher import Dispatcher
from app.webhooks.sender import HttpSender


class DrivenClock:
    """Stands still until it is moved; begins at the present, because receivers refuse old signatures."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def deployment(settings: Settings, database: Database, clock: DrivenClock) -> Deployment:
    exact = settings.model_copy(update={"webhook_retry_jitter": 0.0})
    return Deployment(exact, database, clock)


@pytest.fixture
async def sender(settings: Settings) -> AsyncIterator[HttpSender]:
    made = HttpSender(allow=settings.webhook_allow_networks, timeout=30)
    yield made
    await made.close()


@pytest.fixture
def dispatcher(deployment: Deployment, sender: HttpSender) -> Dispatcher:
    return Dispatcher(deployment, sender)


@pytest.fixture
def logged() -> Iterator[list[structlog.types.EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines
