"""Everything derived again from the log (P8), and what rebuild and import hold in memory as the data grows (P8, P9).

Goals: 80,000 events a second, cells included; memory flat, which is told as the ratio of what five times the data takes.
"""

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import Final

from benchmarks.load import lives
from benchmarks.product import a_database, a_folder, a_server, command, fill, peak_mib

EVENTS: Final = 6
"""Of a dossier."""
TIMES: Final = 5


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    return asyncio.run(_measured(4_000 if quick else 200_000))


async def _measured(dossiers: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with a_server() as url:
        async with a_database(url) as database:
            await fill(database, dossiers)
        few, _ = await _rebuilt(url)
        async with a_database(url) as database:
            await fill(database, dossiers * (TIMES - 1))
        many, took = await _rebuilt(url)
    figures["rebuilt_events"] = EVENTS * TIMES * dossiers
    figures["P8_events_per_second"] = EVENTS * TIMES * dossiers / took
    figures["P8_memory_times"] = many / few
    figures["rebuild_mib"] = many
    figures |= await _imported(dossiers // TIMES)
    return figures


async def _rebuilt(url: str) -> tuple[float, float]:
    """The most MiB that `dunghen rebuild` held, and how many seconds it took, its start included."""
    began = time.perf_counter()
    peak = await peak_mib(command("rebuild"), url)
    return peak, time.perf_counter() - began


async def _imported(dossiers: int) -> dict[str, float]:
    """The most that `dunghen import` held, of a file of lines and of one that is five times as long."""
    held = []
    with a_folder() as folder, a_server() as url:
        for times in (1, TIMES):
            file = folder / f"{times}.ndjson.gz"
            _write(file, dossiers * times)
            held.append(await peak_mib(command("import", str(file)), url))
    return {"import_mib": held[1], "P9_import_memory_times": held[1] / held[0]}


def _write(file: Path, dossiers: int) -> None:
    with gzip.open(file, "wt", compresslevel=1) as lines:
        for first in range(0, dossiers, 1_000):
            for event in lives(EVENTS * min(1_000, dossiers - first)):
                lines.write(json.dumps(event) + "\n")
