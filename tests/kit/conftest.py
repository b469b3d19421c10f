from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.kit.postgres import EmbeddedPostgres
from app.kit.postgres_directory import DataDirectory
from tests.kit.postgres_makers import fresh_place

Lend = Callable[[Path], Path]


@pytest.fixture(scope="session")
def kept_database() -> Iterator[Path]:
    """Where one database waits between the tests, because making one takes most of a test's time."""
    with fresh_place() as place:
        yield place / "database"


@pytest.fixture
def place() -> Iterator[Path]:
    with fresh_place() as fresh:
        yield fresh


@pytest.fixture
def lend(place: Path, kept_database: Path) -> Iterator[Lend]:
    """Make the data directory asked for with a database that other tests have used and stopped cleanly."""
    borrowers: list[Path] = []

    def to(data_dir: Path) -> Path:
        borrowers.append(data_dir)
        if kept_database.exists():
            kept_database.rename(DataDirectory.at(data_dir).cluster)
        else:
            EmbeddedPostgres.open(data_dir).close()
            (data_dir / "postgresql.log").unlink()
        return data_dir

    yield to
    for data_dir in borrowers:
        database = data_dir / "database"
        if database.exists() and not (database / "postmaster.pid").exists():
            database.rename(kept_database)


@pytest.fixture
def data_dir(place: Path, lend: Lend) -> Path:
    """A data directory with a database."""
    return lend(place / "data")
