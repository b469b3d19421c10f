"""The goals of speed and size: which measured figure answers each, and where its limit is.

Figures and limits only; how they are measured, each benchmark says.
"""

from dataclasses import dataclass
from typing import Final

Measured = dict[str, dict[str, float]]
"""Benchmark → figure → value."""


@dataclass(frozen=True)
class Goal:
    """One limit on one figure: at least it, or at most it."""

    number: str
    figure: str
    benchmark: str
    key: str
    limit: float
    unit: str
    at_least: bool = False

    def said(self) -> str:
        """The limit as the table prints it."""
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g} {self.unit}"

    def row(self, measured: Measured) -> tuple[str, str, str, str, str]:
        """Number, figure, goal, measured, and whether it was met."""
        value = measured.get(self.benchmark, {}).get(self.key)
        if value is None:
            return self.number, self.figure, self.said(), "not measured", ""
        met = value >= self.limit if self.at_least else value <= self.limit
        return self.number, self.figure, self.said(), f"{value:,.4g} {self.unit}", "met" if met else "missed"


_HTTP: Final = "{}: over HTTP, p95, ms"

GOALS: Final = (
    *(
        Goal(
            "P0",
            f"due dates in working {unit} on one core",
            "worktime",
            key,
            300_000,
            "a second",
            at_least=True,
        )
        for unit, key in (
            ("days", "due_in_working_days_per_second"),
            ("hours", "due_in_working_hours_per_second"),
        )
    ),
    Goal(
        "P1",
        "batches against bare inserts of the same rows",
        "ingest",
        "P1_batch_ratio",
        0.6,
        "×",
        at_least=True,
    ),
    Goal(
        "P2",
        "events a second until every figure includes them",
        "ingest",
        "P2_events_per_second_until_figures_include_them",
        20_000,
        "events/s",
        at_least=True,
    ),
    Goal("P3", "single posts against a bare route", "ingest", "P3_single_ratio", 1, "×", at_least=True),
    Goal("P3", "slowest of a hundred single posts", "ingest", "P3_single_p99_ms", 30, "ms"),
    Goal(
        "P4",
        "year to date by unit against a scan of the dossiers",
        "figures",
        "large: on_time by unit, times faster than a scan",
        100,
        "×",
        at_least=True,
    ),
    Goal("P4", "the same over HTTP, slowest of twenty", "figures", _HTTP.format("on_time by unit"), 25, "ms"),
    Goal("P4", "of one procedure", "figures", _HTTP.format("on_time by unit of a procedure"), 50, "ms"),
    Goal("P4", "of one sector", "figures", _HTTP.format("on_time by unit of a sector"), 50, "ms"),
    Goal(
        "P5",
        "time for ten times the dossiers",
        "figures",
        "on_time by unit: tenfold dossiers, times",
        1.2,
        "×",
    ),
    Goal("P6", "slowest of a hundred waits until figures show an event", "freshness", "P6_p99_ms", 300, "ms"),
    Goal("P7", "webhooks against a bare loop of httpx", "webhooks", "ratio", 0.7, "×", at_least=True),
    Goal(
        "P7",
        "the same beside a dead endpoint",
        "webhooks",
        "beside_a_dead_endpoint",
        0.95,
        "×",
        at_least=True,
    ),
    Goal(
        "P8", "rebuild, cells included", "rebuild", "P8_events_per_second", 80_000, "events/s", at_least=True
    ),
    Goal("P8", "memory of a rebuild of five times the data", "rebuild", "P8_memory_times", 1.2, "×"),
    Goal("P9", "memory of the API under load", "freshness", "P9_api_mib", 150, "MiB"),
    Goal("P9", "memory of the worker under load", "freshness", "P9_worker_mib", 300, "MiB"),
    Goal("P9", "memory of an import of five times the data", "rebuild", "P9_import_memory_times", 1.2, "×"),
    Goal("P10", "start on existing data until ready", "start", "P10_ready_after_seconds", 3, "s"),
    *(
        Goal("P12", f"a page of the dashboard: {name}", "pages", f"{name}: median, ms", 100, "ms")
        for name in ("overview", "units", "unit", "reports", "data quality")
    ),
)

HEADINGS: Final = ("no.", "figure", "goal", "measured", "")


def table(measured: Measured) -> str:
    """The goals of the benchmarks that ran, as a Markdown table."""
    rows = [HEADINGS, *(goal.row(measured) for goal in GOALS if goal.benchmark in measured)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
