"""The figures counted again in plain Python, straight from their definitions; it shares no code with the product."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Counts = dict[str, int]

_LEVELS = ("full", "partial", "none")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def label(day: date, by: str, *, report: bool) -> str:
    """The month, quarter or year of a day; reporting months begin on the 15th of the month before."""
    year, month = day.year, day.month
    if report and day.day >= 15:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    if by == "day":
        return str(day)
    return {"year": f"{year}", "quarter": f"{year}-Q{1 + (month - 1) // 3}", "month": f"{year}-{month:02}"}[
        by
    ]


@dataclass(frozen=True)
class Bucket:
    begin: datetime
    end: datetime
    labels: dict[str, str]
    days: tuple[date, date]


def buckets(
    first: date, last: date, times: list[str], zone: ZoneInfo, now: datetime, *, report: bool
) -> list[Bucket]:
    """Runs of days with the same labels, each a period of its own; those that have not begun are left out."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    runs: list[tuple[list[str], list[date]]] = []
    for day in days:
        labels = [label(day, by, report=report) for by in times]
        if not runs or runs[-1][0] != labels:
            runs.append((labels, []))
        runs[-1][1].append(day)
    found = []
    for labels, run in runs:
        begin, end = midnight(run[0], zone), midnight(run[-1] + timedelta(days=1), zone)
        if begin < now or not times:
            named = dict(zip(times, labels, strict=True))
            found.append(Bucket(min(begin, now), min(end, now), named, (run[0], run[-1])))
    return found


def count(rows: Iterable[Row], bucket: Bucket) -> Counts:
    """Every count of the domain note §6 for the period [begin, E)."""
    found: Counts = defaultdict(int)
    for row in rows:
        received, ended = row["received_at"], row["counted_at"]
        if row["voided"] or received is None or received >= bucket.end:
            continue
        ended_by_e = ended is not None and ended < bucket.end
        if ended is not None and ended < bucket.begin:
            continue
        names = _named(row, bucket, ended_by_e=ended_by_e)
        for name in names:
            found[name] += 1
    found["residual"] = found["received"] + found["carried_over"] - found["resolved"] - found["in_progress"]
    return found


def _named(row: Row, bucket: Bucket, *, ended_by_e: bool) -> list[str]:
    if row["received_at"] >= bucket.begin:
        level = row["level"] if row["level"] in _LEVELS else "unknown"
        names = ["received", f"received_{row['channel']}", f"received_level_{level}"]
    else:
        names = ["carried_over"]
    if ended_by_e:
        return [
            *names,
            "resolved",
            f"resolved_{row['outcome']}",
            *({"withdrawn", "stopped"} & {row["end_kind"]}),
            *(["late_in_data_only"] if row["late_in_data_only"] else []),
        ]
    late = row["overdue_from"] is not None and row["overdue_from"] < bucket.end
    names += ["in_progress", "in_progress_overdue" if late else "in_progress_not_due"]
    for kind in ("supplement", "fee"):
        if any(
            begin < bucket.end and (end is None or bucket.end <= end) for begin, end in row[f"{kind}_pauses"]
        ):
            names.append(f"waiting_{kind}")
    return names


def decimals(numerator: int, denominator: int) -> float | None:
    if not denominator:
        return None
    thousandths = Fraction(numerator, denominator) * 10**6
    return int(thousandths + Fraction(1, 2)) / 10**6


def is_empty(counts: Counts) -> bool:
    """Whether no dossier takes part in the counts."""
    return not any(counts[part] for part in ("received", "carried_over"))


Key = tuple[str | None, ...]


def grouped(
    rows: Iterable[Row], periods: list[Bucket], keys: list[Callable[[Row, Bucket], str | None]]
) -> dict[Key, tuple[Bucket, list[Row]]]:
    """The rows of every group, each with the period that it is counted in."""
    found: dict[Key, tuple[Bucket, list[Row]]] = {}
    rows = list(rows)
    for bucket in periods:
        for row in rows:
            key = tuple(key(row, bucket) for key in keys)
            found.setdefault(key, (bucket, []))[1].append(row)
    return found
