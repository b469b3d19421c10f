"""The national calendar of Vietnam as it ships: public holidays and make-up days of 2015 to 2030, read from `vietnam.csv`.

It refuses to know later corrections: those are versions of their own, put in force by an administrator.
"""

import csv
from datetime import date
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.kit.text import Text
from app.worktime.calendar import DAY_OFF, MONDAY_TO_FRIDAY, OFFICE_HOURS, Calendar, ListedDay, Version
from app.worktime.versions import overlay


class NamedDay(NamedTuple):
    """A day that differs from its week, with its name in Vietnamese and English."""

    day: date
    is_worked: bool
    vi: str
    en: str


@cache
def named_days() -> tuple[NamedDay, ...]:
    """The shipped days in order: holidays by Labour Code 2019, article 112, swaps by the government's notices."""
    rows = files("app.worktime").joinpath("vietnam.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        NamedDay(date.fromisoformat(row["day"]), row["kind"] == "worked", row["name_vi"], row["name_en"])
        for row in csv.DictReader(rows)
    )


@cache
def national(zone: ZoneInfo) -> Calendar:
    """The shipped version of the national calendar; make-up days have full office hours."""
    return overlay("vn", zone, (shipped_version(),))


@cache
def shipped_version() -> Version:
    """Version 1 of the national calendar."""
    days = {
        row.day: ListedDay(OFFICE_HOURS if row.is_worked else DAY_OFF, Text(row.vi, row.en))
        for row in named_days()
    }
    return Version(1, week=MONDAY_TO_FRIDAY, days=days)
