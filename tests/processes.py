"""Starts the product as a process, as its users do, and stops or kills it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.conftest import KEY

_START_SECONDS = 240
_ADDRESS = re.compile(r"http://[^\s]+:\d+")


class Served:
    """A running `dunghen serve`; its worker is a child of it."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(30)

    def client(self) -> httpx.AsyncClient:
        """A client with the bootstrap key."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)


@contextmanager
def serving(
    database_url: str | None, data_dir: Path, *options: str, command: str = "serve", **settings: str
) -> Iterator[Served]:
    """`dunghen serve`, or `demo`, on a free port, with `DUNGHEN_*` settings given in small letters."""
    with (data_dir / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", command, "--port", "0", "--data-dir", str(data_dir), *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(database_url, settings),
        )
        try:
            yield Served(process, _announced(process, data_dir))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)
            if process.stdout is not None:
                process.stdout.close()


def environment(database_url: str | None, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a test's process: ours without its settings, and what the test says.

    Modules are compiled once and kept, as where the product is installed, whatever is usual where the tests run.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUNGHEN_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    given = {
        "bootstrap_key": KEY,
        "language": "en",
        "calendar": "plain",
        "dossier_notices": "off",
        "source_silent_after": "0",
        "webhook_allow_networks": "127.0.0.0/8,::1/128",
        **settings,
    }
    if database_url is not None:
        given["database_url"] = database_url
    return kept | {f"DUNGHEN_{name.upper()}": value for name, value in given.items()}


def _announced(process: "subprocess.Popen[str]", data_dir: Path) -> str:
    assert process.stdout is not None
    begun = time.monotonic()
    while time.monotonic() - begun < _START_SECONDS:
        line = process.stdout.readline()
        if found := _ADDRESS.search(line):
            return found[0]
        if not line and process.poll() is not None:
            break
    raise AssertionError(f"it did not start: {(data_dir / 'serve.log').read_text()}")
