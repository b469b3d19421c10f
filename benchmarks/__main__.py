"""`make bench`: runs every benchmark, prints goal and measured, and writes both with the raw figures to `results/`.

It knows which benchmarks there are; what each measures stands in its module.
"""

import argparse
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # its release carries no types

from app.kit.postgres_programs import Programs
from benchmarks import calendars, figures, freshness, ingest, pages, rebuild, start, webhooks, worktime
from benchmarks.goals import Measured, table

BENCHMARKS: Final = {
    "worktime": worktime.run,
    "ingest": ingest.run,
    "freshness": freshness.run,
    "rebuild": rebuild.run,
    "start": start.run,
    "calendars": calendars.run,
    "webhooks": webhooks.run,
    "figures": figures.run,
    "pages": pages.run,
}
RESULTS: Final = Path(__file__).parent / "results"


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("only", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    asked.add_argument("--quick", action="store_true", help="a few minutes at most")
    options = asked.parse_args()
    begin, busy = datetime.now(UTC), psutil.getloadavg()[0]
    measured: Measured = {}
    for name in options.only or BENCHMARKS:
        measured[name] = BENCHMARKS[name](quick=options.quick)
        for figure, value in measured[name].items():
            print(f"{name:10} {figure:60} {value:>14,.2f}", flush=True)
    print("", table(measured), sep="\n")
    _write(begin, {"quick": options.quick, "machine": _machine(busy), "measured": measured})


def _machine(busy: float) -> dict[str, Any]:
    """What a reader must know of the machine; nothing that names it. `busy` is how many processes wanted a core before."""
    server = [str(Programs.bundled().path("postgres")), "--version"]
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "wanted_cores_before": round(busy, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "postgresql": subprocess.check_output(server, text=True).split()[-1],
    }


def _write(begin: datetime, record: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    named = RESULTS / f"{begin:%Y-%m-%dT%H%M%S}{'-quick' if record['quick'] else ''}"
    told = {"at": begin.isoformat(timespec="seconds"), **record}
    named.with_suffix(".json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    machine = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in record["machine"].items())
    form = "the quick form" if record["quick"] else "the whole form"
    named.with_suffix(".md").write_text(
        f"# Measured on {begin:%Y-%m-%d %H:%M} UTC, {form}\nMachine: {machine}.\n\n{table(record['measured'])}\n"
    )


if __name__ == "__main__":
    main()
