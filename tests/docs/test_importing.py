"""The worked example of the import page gives the report that the page shows, and then the facts."""

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS
from tests.processes import environment


def block(kind: str) -> str:
    page = (DOCS / "importing.md").read_text(encoding="utf-8")
    found = re.search(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_worked_example_answers_what_the_page_shows(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "ho-so.csv").write_text(block("csv"), encoding="utf-8")
    (tmp_path / "phuong-a.toml").write_text(block("toml"), encoding="utf-8")

    def dunghen(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [
            sys.executable,
            "-m",
            "app.cli",
            "import",
            "ho-so.csv",
            "--mapping",
            "phuong-a.toml",
            *words,
        ]
        given = environment(database_url, {"log_level": "error"})
        return subprocess.run(
            command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False, timeout=60
        )

    dry = dunghen("--dry-run")
    assert (dry.returncode, dry.stdout) == (1, block("text"))
    assert dunghen("--faults", "loi.csv").stdout.endswith("3 accepted, 0 duplicate, 1 rejected\n")
    assert ",4,Ngày nhận," in (tmp_path / "loi.csv").read_text(encoding="utf-8-sig")
    assert dunghen().stdout.endswith("0 accepted, 3 duplicate, 1 rejected\n")
