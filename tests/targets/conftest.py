import pytest

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings
from tests.lagging.conftest import Wall


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def deployment(settings: Settings, database: Database, wall: Wall) -> Deployment:
    """This test's deployment, on a clock that the test sets: Friday 2026-03-20, 10:00 in Hanoi."""
    return Deployment(settings, database, wall)
