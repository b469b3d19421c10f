from datetime import UTC, datetime

import pytest

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings


class Wall:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 20, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def deployment(settings: Settings, database: Database, wall: Wall) -> Deployment:
    """This test's deployment, on a clock that the test sets."""
    return Deployment(settings, database, wall)
