from collections.abc import Callable
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve()
_KEPT = [above / "shared" / "data" for above in _HERE.parents]
DATA = next((folder for folder in _KEPT if folder.is_dir()), _KEPT[3])
"""Beside the project, or beside the folder in which another working tree of it lies."""


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Where a real log lies; they are not part of the project, and tests on them are skipped where they are not."""

    def found(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not here: the real logs are kept beside the project, in ../shared/data")
        return path

    return found
