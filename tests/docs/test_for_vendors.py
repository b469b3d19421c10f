"""The vendors' guide works as printed: one dossier from its submission to an apology, and each figure moves as it says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import KEY
from tests.docs.newcomer import Terminal, documents
from tests.docs.pages import DOCS, shell_blocks
from tests.processes import serving


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    with serving(database_url, tmp_path) as served, Terminal(served.url) as terminal:
        terminal.run(f"KEY={KEY}")
        yield terminal


def share(figure: Any) -> tuple[int, int]:
    return figure["total"]["numerator"], figure["total"]["denominator"]


def test_a_vendor_brings_a_dossier_from_submission_to_late_with_apology_and_sees_each_figure_move(
    terminal: Terminal,
) -> None:
    start, check, taken, paid, overdue, apology, done, corrected, reconciled = shell_blocks(
        DOCS / "for-vendors.md"
    )
    unit, procedure = documents(terminal.run(start))
    assert (unit["code"], procedure["code"]) == ("VENDOR-1", "1.900901")

    (valid,) = documents(terminal.run(check))
    assert (valid["valid"], valid["invalid"]) == (1, 0)

    *sent, intake, full_online = documents(terminal.run(taken))
    assert [one["accepted"] for one in sent] == [1, 1]
    assert [share(one) for one in (intake, full_online)] == [(1, 1), (1, 1)]

    before, _, after = documents(terminal.run(paid))
    assert [share(one) for one in (before, after)] == [(0, 1), (1, 1)]

    assert [share(one) for one in documents(terminal.run(overdue))] == [(0, 1), (0, 1)]

    _, in_time = documents(terminal.run(apology))
    assert share(in_time) == (1, 1)

    _, on_time, dossier = documents(terminal.run(done))
    assert share(on_time) == (0, 1)
    assert (dossier["verdict"], dossier["findings"]) == ("late", [])

    *_, on_time = documents(terminal.run(corrected))
    assert share(on_time) == (1, 1)

    (agreed,) = documents(terminal.run(reconciled))
    assert agreed["matches"]
