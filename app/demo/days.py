"""What happens in the sample city: the events of all dossiers that are filed on one local day.

Pure and repeatable: a day gives the same events whenever it is asked for, so that a city can grow day by day.
It refuses to know the present and where events are kept.
"""

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.demo.seasons import volume
from app.demo.story import Dossier, Told
from app.worktime.vietnam import national


def told_of(day: date, zone: ZoneInfo) -> Iterator[Told]:
    """Every event, whenever it happens, of the dossiers filed on `day` in `zone`, with when it can be sent."""
    random = Random(f"dunghen {day}")  # noqa: S311 - a sample, not a secret
    calendar = national(zone)
    for number in range(volume(random, day, calendar)):
        yield from Dossier(random, day, number, calendar).story()


def events_of(day: date, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The same as CloudEvents envelopes alone."""
    return [told.event for told in told_of(day, zone)]
