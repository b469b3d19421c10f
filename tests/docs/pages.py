"""The documents as the tests read them: files of the tree, tables, links and shell blocks.

It knows Markdown as far as the documents use it, and none of their contents.
"""

import re
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_ROW = re.compile(r"^\| (`[^|]*) \|(.*)\|$", re.MULTILINE)
_NAME = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_COMMAND = re.compile(r"^\$ (?:\.venv/bin/)?dunghen (.*)$", re.MULTILINE)
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> list[Path]:
    """Every file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for name in listed.stdout.split("\0") if (path := ROOT / name).is_file()]


def rows(page: str, heading: str = "") -> dict[str, str]:
    """What stands in the first column of the tables below a heading, in backticks → the rest of the row."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if heading:
        text = text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return {name: rest for cell, rest in _ROW.findall(text) for name in _NAME.findall(cell)}


def links(page: Path) -> list[str]:
    """The targets of a page's links, without what lies behind `#`."""
    return _LINK.findall(page.read_text(encoding="utf-8"))


def shell_blocks(page: Path) -> list[str]:
    """The blocks that a reader is to run as they stand."""
    return _SHELL.findall(page.read_text(encoding="utf-8"))


def commands_shown(page: Path) -> list[tuple[str, list[str]]]:
    """Each `dunghen` at a prompt of a page: where it stands, and the words behind it up to a redirection or a remark."""
    told = page.read_text(encoding="utf-8")
    return [
        (f"{page.name}: {line}", shlex.split(re.split(r"\s[>|#]", line)[0]))
        for line in _COMMAND.findall(told)
    ]
