"""The worked example of the import page gives the report that the page shows, and then the facts."""

import re
from pathlib import Path

import pytest

from tests.commands import Done, dunghen
from tests.docs.pages import DOCS


def block(kind: str) -> str:
    page = (DOCS / "importing.md").read_text(encoding="utf-8")
    found = re.search(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_worked_example_answers_what_the_page_shows(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ho-so.csv").write_text(block("csv"), encoding="utf-8")
    (tmp_path / "phuong-a.toml").write_text(block("toml"), encoding="utf-8")

    monkeypatch.chdir(tmp_path)

    def taken(*words: str) -> Done:
        return dunghen("import", "ho-so.csv", "--mapping", "phuong-a.toml", *words, url=database_url)

    dry = taken("--dry-run")
    assert (dry.returncode, dry.stdout) == (1, block("text"))
    assert taken("--faults", "loi.csv").stdout.endswith("3 accepted, 0 duplicate, 1 rejected\n")
    assert ",4,Ngày nhận," in (tmp_path / "loi.csv").read_text(encoding="utf-8-sig")
    assert taken().stdout.endswith("0 accepted, 3 duplicate, 1 rejected\n")
