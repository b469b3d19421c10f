"""A newcomer: starts the demo in one terminal, and runs the README's lines as they stand in another.

It rewrites nothing but ports and the interpreter's path, because other tests run beside it.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.docs.pages import ROOT
from tests.processes import environment

_DONE = "--- done ---"


@contextmanager
def demo(database_url: str, folder: Path) -> Iterator[str]:
    """`dunghen demo` as `make demo` starts it, but on a free port and this database; its address."""
    given = environment(database_url, {})
    for name in ("DUNGHEN_BOOTSTRAP_KEY", "DUNGHEN_LANGUAGE", "DUNGHEN_WEBHOOK_ALLOW_NETWORKS"):
        del given[name]  # a newcomer has set nothing
    with (
        (folder / "demo.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "demo", "--port", "0", "--data-dir", str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,  # where no developer's .env lies
            env=given,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert "http://" in first, (folder / "demo.log").read_text()
            assert "SAMPLE DATA" in process.stdout.readline()
            yield first.split()[3]
        finally:
            process.terminate()
            process.wait(30)


class Terminal:
    """A shell in the folder of the clone."""

    def __init__(self, address: str) -> None:
        self._rewritten = {
            "http://127.0.0.1:8000": address,
            "127.0.0.1:9000": f"127.0.0.1:{(receiver := free_port())}",
            "receiver.py &": f"receiver.py {receiver} &",
            ".venv/bin/python": sys.executable,
        }
        self._shell = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=os.environ | {"no_proxy": "127.0.0.1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.communicate("kill $(jobs -p)\nexit\n", timeout=10)

    def run(self, block: str) -> str:
        """Run a block and answer what it printed."""
        for old, new in self._rewritten.items():
            block = block.replace(old, new)
        self._write(f"{block}\necho; echo '{_DONE}'\n")
        return "".join(iter(self.line, f"{_DONE}\n"))

    def line(self) -> str:
        """The next line that is printed, also by what runs in the background."""
        assert self._shell.stdout is not None
        line = self._shell.stdout.readline()
        assert line, "the shell ended"
        return line

    def _write(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text)
        self._shell.stdin.flush()


def documents(printed: str) -> list[Any]:
    """The JSON documents that were printed, one behind the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := printed.find("{", at)) >= 0:
        document, at = decoder.raw_decode(printed, at)
        found.append(document)
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
