"""The rates and statistics of the domain note §6 in plain Python, row by row; it shares no code with the product."""

from collections.abc import Callable, Iterable
from datetime import datetime
from fractions import Fraction
from statistics import median, quantiles
from typing import Any, NamedTuple

from tests.figures.recount import Bucket, Row

Codes = set[str]


class Parts(NamedTuple):
    """The dossiers, or procedures, of a rate; and how many are left out, by reason."""

    numerator: Codes
    denominator: Codes
    excluded: dict[str, int]


def _by(bucket: Bucket, instant: datetime | None) -> bool:
    """Whether something had happened by E."""
    return instant is not None and instant < bucket.end


def _in(bucket: Bucket, instant: datetime | None) -> bool:
    return instant is not None and bucket.begin <= instant < bucket.end


def _waits(bucket: Bucket, pauses: list[tuple[datetime, datetime | None]]) -> bool:
    return any(begin < bucket.end and (end is None or bucket.end <= end) for begin, end in pauses)


def _dossiers(rows: Iterable[Row], bucket: Bucket) -> list[Row]:
    """Those that figures are about: not voided, and received by E."""
    return [row for row in rows if not row["voided"] and _by(bucket, row["received_at"])]


def _ended(row: Row, bucket: Bucket) -> bool:
    return _by(bucket, row["counted_at"])


def _ended_when(row: Row) -> datetime:
    found = row.get("ended_at", row["counted_at"])
    assert isinstance(found, datetime)
    return found


def _codes(rows: Iterable[Row]) -> Codes:
    return {row["code"] for row in rows}


def _split(
    rows: list[Row], kept: Callable[[Row], bool], excluded: dict[str, list[Row]] | None = None
) -> Parts:
    left_out = excluded or {}
    gone = _codes(row for rows in left_out.values() for row in rows)
    rows = [row for row in rows if row["code"] not in gone]
    return Parts(
        _codes(filter(kept, rows)), _codes(rows), {why: len(found) for why, found in left_out.items()}
    )


def _late(rows: list[Row], bucket: Bucket) -> list[Row]:
    return [
        row
        for row in rows
        if (_in(bucket, row["counted_at"]) and row["outcome"] == "late")
        or (not _ended(row, bucket) and _by(bucket, row["overdue_from"]))
    ]


def _portal_keeps(row: Row, bucket: Bucket) -> bool:
    if _ended(row, bucket):
        return bool(_ended_when(row) <= row["portal_due"])
    return not _by(bucket, row["portal_overdue_from"]) and not _waits(bucket, row["repeat_pauses"])


def parts(  # noqa: PLR0911 - a return for every line of the table
    metric: str, all_rows: list[Row], rows: list[Row], bucket: Bucket, fees: set[str]
) -> Parts:
    """The rate over `rows`, of all rows there are; `fees` are the procedures of which the directory says so."""
    of_them = _dossiers(rows, bucket)
    received = [row for row in of_them if _in(bucket, row["received_at"])]
    if metric == "on_time":
        ended = [row for row in of_them if _in(bucket, row["counted_at"])]
        undated = [row for row in ended if row["outcome"] == "undated"]
        return _split(ended, lambda row: row["outcome"] in {"early", "on_time"}, {"undated": undated})
    if metric == "on_time_of_due":
        due = [
            row for row in of_them if _in(bucket, row["due_original"]) and _by(bucket, row["overdue_from"])
        ]
        return _split(
            due, lambda row: row["counted_at"] is not None and _ended_when(row) <= row["due_original"]
        )
    if metric == "on_time_of_received":
        undated = [row for row in received if row["portal_due"] is None]
        return _split(received, lambda row: _portal_keeps(row, bucket), {"undated": undated})
    if metric == "on_time_of_workload":
        load = [row for row in of_them if row["counted_at"] is None or row["counted_at"] >= bucket.begin]
        late = _codes(_late(load, bucket))
        return _split(load, lambda row: row["code"] not in late)
    if metric.startswith("apology"):
        late_ones = _late(of_them, bucket)
        in_time = metric == "apology_in_time"
        return _split(
            late_ones,
            lambda row: (
                _by(bucket, row["apology_at"])
                and not (
                    in_time
                    and (row["apology_deadline"] is None or row["apology_at"] > row["apology_deadline"])
                )
            ),
        )
    if metric == "intake_on_time":
        return _intake(rows, bucket)
    if metric == "online_payment_procedures":
        return _procedures(all_rows, rows, bucket, fees)
    return _online(metric, received, bucket)


def _online(metric: str, received: list[Row], bucket: Bucket) -> Parts:
    def online(row: Row) -> bool:
        return bool(row["channel"] == "online")

    def full_online(row: Row) -> bool:
        return online(row) and row["level"] == "full"

    if metric == "online":
        return _split(received, online)
    if metric == "full_online":
        unknown = [row for row in received if row["level"] is None]
        full = [row for row in received if row["level"] in {"full", None}]
        return _split(full, full_online, {"service_level_unknown": unknown})
    if metric == "full_online_of_all":
        return _split(received, full_online)
    if metric == "full_online_of_eligible":
        return _split([row for row in received if row["full_eligible"]], full_online)
    if metric == "online_with_result":
        return _split(
            received,
            lambda row: (
                online(row) and (not row["document_result"] or _by(bucket, row["electronic_result_at"]))
            ),
        )
    assert metric == "online_payment"
    unknown = [row for row in received if row["fee_bearing"] is None]
    bearing = [row for row in received if row["fee_bearing"] is not False]
    return _split(
        bearing,
        lambda row: any(_by(bucket, paid) for paid in row["online_payments"]),
        {"fee_unknown": unknown},
    )


def _intake(rows: list[Row], bucket: Bucket) -> Parts:
    filed = [
        row
        for row in rows
        if not row["voided"]
        and _in(bucket, row["submitted_at"])
        and row["intake_deadline"] is not None
        and (_by(bucket, row["intake_answered_at"]) or _by(bucket, row["intake_deadline"]))
    ]
    return _split(
        filed,
        lambda row: (
            _by(bucket, row["intake_answered_at"]) and row["intake_answered_at"] <= row["intake_deadline"]
        ),
    )


def _procedures(all_rows: list[Row], rows: list[Row], bucket: Bucket, fees: set[str]) -> Parts:
    bearing = fees | {row["procedure"] for row in _dossiers(all_rows, bucket) if row["fee_bearing"]}
    paid, met = set(), set()
    for row in _dossiers(rows, bucket):
        if any(_in(bucket, at) for at in row["online_payments"]):
            paid.add(row["procedure"])
        if _in(bucket, row["received_at"]):
            met.add(row["procedure"])
    return Parts(paid & bearing, (paid | met) & bearing, {})


def durations(metric: str, rows: list[Row], bucket: Bucket) -> list[int]:
    """Whole microseconds, of dossiers or of events."""
    if metric == "processing_time":
        ended = [row for row in _dossiers(rows, bucket) if _in(bucket, row["counted_at"])]
        return [row["processing"] for row in ended if row["end_kind"] in {"processed", "returned"}]
    told = [row for row in rows if _in(bucket, row["recorded_at"])]
    delays = [row["recorded_at"] - row["time"] for row in told]
    return [max(0, (delay.days * 86_400 + delay.seconds) * 10**6 + delay.microseconds) for delay in delays]


UNITS = {"processing_time": ("working_hour", 3_600_000_000), "reporting_delay": ("second", 1_000_000)}


def statistic(metric: str, values: list[int]) -> dict[str, Any]:
    """As it is answered."""
    unit, microseconds = UNITS[metric]
    if not values:
        return {"count": 0, "mean": None, "median": None, "p90": None, "unit": unit}
    exact = [Fraction(value, microseconds) for value in values]
    p90 = quantiles(exact, n=10, method="inclusive")[8] if len(exact) > 1 else exact[0]
    return {
        "count": len(exact),
        "mean": shown(sum(exact, Fraction()) / len(exact)),
        "median": shown(median(exact)),
        "p90": shown(p90),
        "unit": unit,
    }


def shown(value: Fraction) -> float:
    return int(value * 10**6 + Fraction(1, 2)) / 10**6
