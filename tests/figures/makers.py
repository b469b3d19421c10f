"""Dossier rows and a small directory for the tests of figures, random but repeatable, crowded around midnights."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from app.directory.tables import procedure, unit
from app.dossiers.tables import dossier
from app.events.tables import event
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
FEE_REQUIRED = {"1.000002"}


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
        "repeat_pauses": [],
        "full_eligible": False,
        "document_result": True,
        "fee_bearing": None,
        "online_payments": [],
        "electronic_result_at": None,
        "apology_at": None,
        "apology_deadline": None,
        "due_original": None,
        "portal_due": None,
        "portal_overdue_from": None,
        "submitted_at": None,
        "submitted_unit": None,
        "intake_answered_at": None,
        "intake_deadline": None,
        "processing": None,
        "late_in_data_only": False,
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
        "reappointments": 0,
        "findings": [],
        **{name: value for name, value in row.items() if name in dossier.c},
        "ended_at": row.get("ended_at", row["counted_at"]),
        "paid_online_at": min(row["online_payments"], default=None),
        "repeat_waits": _waits(row["repeat_pauses"]),
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
            "fee_required": code in FEE_REQUIRED,
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


def _random_dossier(random: Random, zone: ZoneInfo, first: date, days: int, code: str) -> Row:  # noqa: C901 - each branch is one more thing that may befall a dossier
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
    row |= {
        "full_eligible": random.random() < 0.5,
        "document_result": random.random() < 0.5,
        "fee_bearing": random.choice((None, False, False, True)),
        "online_payments": sorted(instant(start, start + 60) for _ in range(random.choice((0, 0, 1, 2)))),
        "electronic_result_at": random.choice((None, instant(start, start + 60))),
        "apology_at": random.choice((None, instant(start, start + 60))),
        "late_in_data_only": random.random() < 0.2,
    }
    if received is None or random.random() < 0.5:
        submitted = instant(start - 3, start)
        row |= {
            "submitted_at": submitted,
            "submitted_unit": random.choice(UNITS),
            "intake_answered_at": random.choice((None, max(instant(start, start + 3), submitted))),
            "intake_deadline": random.choice((None, *4 * (instant(start, start + 3),))),
        }
    if received is None:
        return {
            **row,
            "counted_at": instant(start, start),
            "end_kind": "intake_refused",
            "outcome": "undated",
        }
    due = None if random.random() < 0.1 else max(instant(start, start + 40), received)
    if due is not None and random.random() < 0.1:
        due = received - random.choice((MICROSECOND, HOUR, DAY, 20 * DAY))
    if random.random() < 0.7:
        row["counted_at"] = max(instant(start, start + 60), received)
        row["end_kind"] = random.choice(("processed", "processed", "returned", "withdrawn", "stopped"))
        row["outcome"] = _outcome(row["counted_at"], due, zone)
        if random.random() < 0.1:
            row["ended_at"], row["counted_at"] = received - DAY, received
            row["outcome"] = _outcome(row["ended_at"], due, zone)
        if row["end_kind"] in {"processed", "returned"}:
            row["processing"] = random.choice((0, 1, 7, 3_600_000_000, random.randrange(10**12)))
    row |= {"due_original": due, "overdue_from": due if random.random() < 0.9 else None}
    if due is not None:
        row["apology_deadline"] = random.choice((row["apology_at"], due - DAY))
        if random.random() < 0.3 and row["overdue_from"]:
            row["overdue_from"] += DAY
        row["portal_due"] = due + random.choice((0, 0, 2)) * DAY
        row["portal_overdue_from"] = random.choice((None, *3 * (row["portal_due"],)))
    for kind in ("supplement_pauses", "fee_pauses", "repeat_pauses"):
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


def random_events(random: Random, rows: list[Row]) -> list[Row]:
    """Events of these dossiers, and of one that is not there, told late and sometimes before they happened."""
    found = []
    for number, row in enumerate([*rows, {"code": "unheard of", "received_at": MIDNIGHT}]):
        for place in range(random.choice((0, 1, 2))):
            recorded = row["received_at"] or MIDNIGHT
            delay = random.choice((timedelta(), MICROSECOND, HOUR, 9 * DAY, -HOUR))
            found.append(
                {
                    "source": random.choice(("/a", "/b", "/c")),
                    "id": f"{number}-{place}",
                    "type": "dossier.stopped",
                    "subject": row["code"],
                    "time": recorded - delay,
                    "recorded_at": recorded,
                    "data": {},
                    "digest": b"",
                    "receipt": UUID(int=0),
                }
            )
    return found


async def record(database: Database, events: list[Row]) -> None:
    """Put events into the log as they are."""
    async with database.transaction() as connection:
        await connection.execute(sa.insert(event), events)
