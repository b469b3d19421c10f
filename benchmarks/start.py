"""From the command `serve` on a data directory that was used before until it says that it is ready (P10).

Goal: at most 3 s. The database was stopped cleanly and has some dossiers; modules are compiled, as where they are installed.
"""

import asyncio
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Final

from app.kit.postgres import EmbeddedPostgres
from benchmarks.client import Connection as Http
from benchmarks.product import BOOTSTRAP, a_database, a_folder, command, environment, fill

ROUNDS: Final = 5


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    with a_folder() as home:
        asyncio.run(_prepared(home / "data", 1_000 if quick else 100_000))
        _start(home / "data")  # folds what was put there, and compiles
        starts = [_start(home / "data") for _ in range(2 if quick else ROUNDS)]
    return {"P10_ready_after_seconds": median(starts), "slowest_start_seconds": max(starts)}


async def _prepared(data: Path, dossiers: int) -> None:
    with EmbeddedPostgres.open(data) as postgres:
        async with a_database(postgres.url) as database:
            await fill(database, dossiers)


def _start(data: Path) -> float:
    """Seconds until `/health/ready` says yes; then it is stopped cleanly."""
    began = time.perf_counter()
    words = command("serve", "--port", "0", "--data-dir", str(data))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            port = int(process.stdout.readline().split("http://127.0.0.1:")[1].split()[0])
            asyncio.run(_until_ready(port))
            return time.perf_counter() - began
        finally:
            process.terminate()


async def _until_ready(port: int) -> None:
    http = await Http.open(port, BOOTSTRAP)
    while True:
        status, _ = await http.get("/health/ready")
        if status == 200:
            break
        await asyncio.sleep(0.02)
    http.close()
