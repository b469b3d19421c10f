"""The product as its own processes, as an operator starts it; and what they hold in memory.

It starts, finds and measures processes; what is asked of them, the benchmarks say.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # its release carries no types

from app.events.envelope import Event, check
from app.events.ingest import Call, Ingest, Sender
from app.kit.clock import system_clock
from app.kit.db import Database
from app.kit.ids import uuid7
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from benchmarks.load import body, lives

BOOTSTRAP: Final = "benchmark-key-0123456789"
_MIB: Final = 1024 * 1024
_SENDER: Final = Sender("benchmark", None, None, is_admin=True)


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder of one benchmark, which the database's own account can enter."""
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as home:
        os.chmod(home, 0o755)  # noqa: PTH101, S103 - as above
        yield Path(home)


@contextmanager
def a_server() -> Iterator[str]:
    """The address of an embedded PostgreSQL with durable commits."""
    with a_folder() as home, EmbeddedPostgres.open(home / "data") as postgres:
        yield postgres.url


@asynccontextmanager
async def a_database(url: str) -> AsyncIterator[Database]:
    """That server's database, migrated."""
    database = Database(url, application_name="benchmark")
    await upgrade(database)
    yield database
    await database.close()


async def fill(database: Database, dossiers: int) -> None:
    """Put the lives of so many dossiers into the log, six events each."""
    ingest = Ingest(database, system_clock)
    for first in range(0, dossiers, 1_000):
        made = lives(6 * min(1_000, dossiers - first))
        checked = [check(body(event), system_clock()) for event in made]
        events = [event for event in checked if isinstance(event, Event)]
        await ingest.batch(Call(_SENDER, events, uuid7(system_clock())))


def command(*words: str) -> list[str]:
    """A command of ours for `Popen`."""
    return [sys.executable, "-m", "app.cli", *words]


def environment(url: str | None = None) -> dict[str, str]:
    """What a process of ours is started with. Compiled modules are kept for the next start, as where it is installed."""
    settings = {
        "DUNGHEN_BOOTSTRAP_KEY": BOOTSTRAP,
        "DUNGHEN_LOG_LEVEL": "error",
        "DUNGHEN_SECRET_KEY": BOOTSTRAP * 2,
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "dunghen-bench-pycache"),
    }
    return {**os.environ, **settings, **({"DUNGHEN_DATABASE_URL": url} if url else {})}


@dataclass
class Product:
    """A running `dunghen serve`, or what it is compared with: its port, what it holds in memory, what time it used."""

    port: int
    process: psutil.Process

    def api_mib(self) -> float:
        """Resident memory of the API."""
        return float(self.process.memory_info().rss / _MIB)

    def processor_seconds(self) -> float:
        """What the API used of a core since it began: this a neighbour's work does not slow down much."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def worker_mib(self) -> float:
        """Resident memory of the worker beside it, 0 without one."""
        workers = [child for child in self.process.children() if "worker" in child.cmdline()]
        return float(sum(worker.memory_info().rss for worker in workers) / _MIB)


@contextmanager
def served(url: str, *options: str) -> Iterator[Product]:
    """`dunghen serve` on a server's database."""
    words = command("serve", "--port", "0", *options)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment(url)) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            port = int(process.stdout.readline().split("http://127.0.0.1:")[1].split()[0])
            yield Product(port, psutil.Process(process.pid))
        finally:
            process.terminate()


async def peak_mib(words: list[str], url: str) -> float:
    """Run a command to its end; the most resident memory that one of its processes held. Raises RuntimeError when it fails."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(words, stdout=told, stderr=told, env=environment(url))  # noqa: ASYNC220 - it is only started
        watched, peak = psutil.Process(process.pid), 0
        while process.poll() is None:
            try:
                parts = (watched, *watched.children())
                peak = max(peak, *(part.memory_info().rss for part in parts))
            except psutil.Error:
                break
            await asyncio.sleep(0.02)
        if process.wait() != 0:
            told.seek(0)
            raise RuntimeError(told.read().decode(errors="replace"))
    return peak / _MIB
