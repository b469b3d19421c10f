import asyncio
from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.properties.arena import Arena


@pytest.fixture
def arena(settings: Settings) -> Iterator[Arena]:
    """A deployment on this test's database, in a loop of its own: properties are driven by a plain function."""
    with asyncio.Runner() as runner:
        made = Arena(runner, settings)
        yield made
        made.close()
