"""Dossier rows and a small directory for the tests of figures, random but repeatable, crowded around midnights."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from app.directory.tables import procedure, unit
from app.dossiers.tables import dossier
from app.kit.db import Database

Row = dict[str, Any]
Pauses = list[tuple[datetime, datetime | None]]

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

MIDNIGHT = datetime(2026, 2, 28, 17, tzinfo=UTC)
"""2026-03-01 00:00 in Hanoi."""

PARENTS = {"A": None, "B": "A", "C": "A", "D": "B", "E": "B", "F": "C"}
"""The described units; G sends dossiers too, and nobody has described it."""
UNITS = [*PARENTS, "G"]
NAMES_EN = {"A": "City A", "D": "Ward D"}
PROCEDURES = {
    "1.000001": ("land", "full"),
    "1.000002": ("construction", "partial"),
    "1.000003": ("land", "none"),
}
"""Code → sector and service level; 1.000004 is not described."""


def a_dossier(code: str, **columns: Any) -> Row:
    """A row of the table, open and undated unless told otherwise; pauses are (begin, end) pairs."""
    return {
        "code": code,
        "voided": False,
        "unit": "A",
        "procedure": "1.000001",
        "channel": "online",
        "sector": None,
        "service_level": None,
        "received_at": None,
        "counted_at": None,
        "end_kind": None,
        "outcome": None,
        "overdue_from": None,
        "supplement_pauses": [],
        "fee_pauses": [],
        **columns,
    }


def ended(code: str, outcome: str, at: datetime = MIDNIGHT + DAY, **columns: Any) -> dict[str, Any]:
    return a_dossier(
        code, received_at=at - DAY, counted_at=at, end_kind="processed", outcome=outcome, **columns
    )


async def figures(client: httpx.AsyncClient, path: str = "counts", **parameters: Any) -> Any:
    answer = await client.get(f"/v1/metrics/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def store(database: Database, rows: Iterable[Row]) -> None:
    """Put rows into the dossier table as the projector would."""
    async with database.transaction() as connection:
        await connection.execute(sa.insert(dossier), [_columns(row) for row in rows])


def _columns(row: Row) -> Row:
    """The row as stored; what no figure reads stays empty."""
    return {
        "state": "",
        "due_original_is_date": False,
        "due_current_is_date": False,
        "full_eligible": False,
        "document_result": True,
        "repeat_waits": [],
        "online_payments": [],
        "reappointments": 0,
        "findings": [],
        "late_in_data_only": False,
        **{name: value for name, value in row.items() if name in dossier.c},
        "ended_at": row["counted_at"],
        "supplement_waits": _waits(row["supplement_pauses"]),
        "fee_waits": _waits(row["fee_pauses"]),
    }


def _waits(pauses: Pauses) -> list[Range[datetime]]:
    return [Range(begin, end, bounds="(]" if end else "()") for begin, end in pauses]


async def describe(database: Database) -> None:
    """Fill the directory with PARENTS and PROCEDURES."""
    units = [
        {
            "code": code,
            "name": f"Đơn vị {code}",
            "name_en": NAMES_EN.get(code),
            "kind": "ward",
            "parent": parent,
        }
        for code, parent in PARENTS.items()
    ]
    procedures = [
        {
            "code": code,
            "raw_code": code,
            "name": f"Thủ tục {code}",
            "sector": sector,
            "service_level": level,
            "fee_required": False,
            "full_eligible": False,
            "document_result": False,
            "fee_stops_clock": False,
        }
        for code, (sector, level) in PROCEDURES.items()
    ]
    async with database.transaction() as connection:
        await connection.execute(sa.insert(unit), units)
        await connection.execute(sa.insert(procedure), procedures)


def random_dossiers(random: Random, zone: ZoneInfo, first: date, days: int, many: int) -> list[Row]:
    """Rows whose instants crowd around local midnights of `days` days from `first` on."""
    return [_random_dossier(random, zone, first, days, f"D-{number}") for number in range(many)]


def _random_dossier(random: Random, zone: ZoneInfo, first: date, days: int, code: str) -> Row:
    def instant(begin: int, end: int) -> datetime:
        day = first + timedelta(days=random.randint(begin, end))
        if random.random() < 0.4:
            midnight = datetime.combine(day, time(), zone).astimezone(UTC)
            return midnight + random.choice((-1, 0, 0, 1)) * MICROSECOND
        return datetime.combine(day, time(random.randrange(24), random.randrange(60)), zone).astimezone(UTC)

    start = random.randint(0, days)
    received = None if random.random() < 0.05 else instant(start, start)
    row = a_dossier(
        code,
        voided=random.random() < 0.05,
        unit=random.choice(UNITS),
        procedure=random.choice([*PROCEDURES, "1.000004"]),
        channel=random.choice(("online", "counter", "post")),
        service_level=random.choice((None, None, "full", "partial", "none")),
        received_at=received,
    )
    row["sector"], level = PROCEDURES.get(row["procedure"], (None, None))
    row["level"] = row["service_level"] = row["service_level"] or level
    if received is None:
        return {
            **row,
            "counted_at": instant(start, start),
            "end_kind": "intake_refused",
            "outcome": "undated",
        }
    due = None if random.random() < 0.1 else max(instant(start, start + 40), received)
    if random.random() < 0.7:
        row["counted_at"] = max(instant(start, start + 60), received)
        row["end_kind"] = random.choice(("processed", "processed", "returned", "withdrawn", "stopped"))
        row["outcome"] = _outcome(row["counted_at"], due, zone)
    row["overdue_from"] = due if random.random() < 0.9 else None
    for kind in ("supplement_pauses", "fee_pauses"):
        if random.random() < 0.4:
            begin = max(instant(start, start + 20), received)
            end = max(instant(start, start + 40), begin + MICROSECOND)
            row[kind] = [(begin, None if random.random() < 0.4 else end)]
    return row


def _outcome(ended: datetime, due: datetime | None, zone: ZoneInfo) -> str:
    if due is None:
        return "undated"
    if ended > due:
        return "late"
    return "early" if ended.astimezone(zone).date() < due.astimezone(zone).date() else "on_time"
