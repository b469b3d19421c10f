"""`make bench`: runs every benchmark, prints what it measured, and writes the raw figures beside it.

It knows which benchmarks there are; what each measures stands in its module.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import calendars, figures, ingest, webhooks, worktime

BENCHMARKS = {
    "worktime": worktime.run,
    "ingest": ingest.run,
    "calendars": calendars.run,
    "webhooks": webhooks.run,
    "figures": figures.run,
}


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("only", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    asked.add_argument("--quick", action="store_true", help="a few minutes at most")
    options = asked.parse_args()
    measured: dict[str, dict[str, float]] = {}
    for name in options.only or BENCHMARKS:
        measured[name] = BENCHMARKS[name](quick=options.quick)
        for figure, value in measured[name].items():
            print(f"{name:10} {figure:60} {value:>14,.2f}")
    at = datetime.now(UTC)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    record = {"at": at.isoformat(), "quick": options.quick, "machine": machine, "measured": measured}
    (results / f"{at:%Y-%m-%dT%H%M%S}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
