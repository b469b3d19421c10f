"""Places, processes and questions for the tests of the embedded PostgreSQL.

It starts real processes only, and leaves none behind.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]  # its release carries no types
import pytest

from app.kit.postgres import EmbeddedPostgres
from app.kit.postgres_account import ServerAccount

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as several accounts")

_OPENER = """
import os, signal, sys
from contextlib import ExitStack
from pathlib import Path
from app.kit.postgres import EmbeddedPostgres, serve_lock

signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
with ExitStack() as stack:
    if "serve" in sys.argv:
        stack.enter_context(serve_lock(Path(sys.argv[1])))
    stack.enter_context(EmbeddedPostgres.open(Path(sys.argv[1])))
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def fresh_place() -> Iterator[Path]:
    """A folder that other accounts may pass through, unlike pytest's own; servers in it are ended at last."""
    place = Path(tempfile.mkdtemp(prefix="đúng hẹn ")).resolve()
    place.chmod(0o711)
    try:
        yield place
    finally:
        for note in place.rglob("postmaster.pid"):
            with suppress(psutil.NoSuchProcess):
                server = psutil.Process(postmaster(note.parents[1]))
                if server.cwd() == str(note.parent):
                    server.kill()
        shutil.rmtree(place)


@contextmanager
def opener(data_dir: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has opened `data_dir`; it closes when its input ends."""
    with opening(data_dir, *options) as process:
        assert said(process) == "open\n"
        yield process


@contextmanager
def opening(data_dir: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Another process that opens `data_dir` just now, and then says "open"."""
    with (
        subprocess.Popen(
            [sys.executable, "-c", _OPENER, str(data_dir), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
        ending(process),
    ):
        yield process


def said(process: "subprocess.Popen[str]") -> str:
    """The next line that `process` says."""
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def ending(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Kill `process` at last, whatever happens."""
    try:
        yield
    finally:
        process.kill()


def postmaster(data_dir: Path) -> int:
    """The process number of the server of `data_dir`."""
    return int((data_dir / "database" / "postmaster.pid").read_text().splitlines()[0])


def kill_server(data_dir: Path, postgres: EmbeddedPostgres) -> None:
    os.kill(postmaster(data_dir), signal.SIGKILL)
    for _ in range(1000):
        if not postgres.is_running():
            return
        time.sleep(0.01)
    raise AssertionError("the server outlived its kill -9")


def ask(postgres: EmbeddedPostgres, *statements: str) -> Any:
    """The one value that the last statement gives."""

    async def asked() -> Any:
        connection = await asyncpg.connect(postgres.dsn, timeout=10)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(asked())


def as_server(path: Path) -> Path:
    """Hand `path` to the account that runs the server."""
    ServerAccount.of_this_process().own(path)
    return path
