from datetime import UTC, datetime, timedelta

import pytest

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.lagging.watch import Watch
from app.settings import Settings


class Wall:
    """A clock that stands still until a test moves it: Friday 2026-03-20, 10:00 in Hanoi."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 20, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def deployment(settings: Settings, database: Database, wall: Wall) -> Deployment:
    """This test's deployment, on a clock that the test sets."""
    return Deployment(settings, database, wall)


@pytest.fixture
def watch(deployment: Deployment) -> Watch:
    return Watch(deployment)
