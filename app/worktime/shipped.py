"""The calendars that ship with the product, by their keys.

It refuses to know which one a deployment follows.
"""

from typing import Literal
from zoneinfo import ZoneInfo

from app.worktime.calendar import Calendar, plain
from app.worktime.vietnam import national

Key = Literal["vn", "plain"]


def shipped(key: Key, zone: ZoneInfo) -> Calendar:
    """`vn`: Vietnam's office hours, public holidays and make-up days; `plain`: the same hours, Monday to Friday."""
    return national(zone) if key == "vn" else plain(zone)
