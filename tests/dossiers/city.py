"""A city whose due dates are computed: the sample city without the dates on its slips, as many times over as asked for."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from app.demo.days import events_of
from app.demo.places import PROVINCE, SERVICES, WARDS
from app.directory.registrar import put_procedures, put_units
from app.events.envelope import check
from app.events.ingest import Call, Ingest, Sender
from app.kit.deployment import Deployment
from app.kit.ids import uuid7

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
NOW: Final = datetime(2026, 7, 1, 10, tzinfo=ZONE).astimezone(UTC)
"""A Wednesday on which the city is looked at; whatever happens later has not been told yet."""

_SENDER: Final = Sender(key_id="city", unit=None, sources=None, is_admin=True)
_PORTION: Final = 5_000

VERSION: Final[dict[str, Any]] = {
    "effective_from": "2026-03-01",
    "source": {"title": "Công văn mẫu"},
    "days": [
        {"day": "2026-04-15", "kind": "off", "name": "Nghỉ bão"},
        {"day": "2026-06-26", "kind": "half_day", "name": "Nghỉ chiều"},
        {"day": "2026-06-27", "kind": "worked", "name": "Làm bù"},
        {"day": "2026-07-03", "kind": "off", "name": "Nghỉ hoán đổi"},
        {"day": "2027-07-03", "kind": "off", "name": "Nghỉ hoán đổi"},
    ],
}
"""Correct the past and the near future, in the middle of much else that does not feel it."""


def events(days: int, copies: int, since: int = 0) -> Iterator[dict[str, Any]]:
    """Every event up to now of the dossiers filed in the last days before it, in copies numbered from `since` on."""
    last = NOW.astimezone(ZONE).date()
    for passed in range(days):
        for told in _told(last - timedelta(days=passed)):
            for copy in range(since, since + copies):
                yield {
                    **told,
                    "id": f"{told['id']}/{copy}",
                    "subject": f"{told['subject']}/{copy}",
                }


def _told(day: date) -> list[dict[str, Any]]:
    found = [event for event in events_of(day, ZONE) if datetime.fromisoformat(event["time"]) <= NOW]
    for event in found:
        if event["type"] in {"dossier.received", "dossier.supplemented"}:
            event["data"] = {name: value for name, value in event["data"].items() if name != "due_at"}
    return found


async def describe(here: Deployment) -> None:
    """Units and procedures."""
    units = [PROVINCE, *(ward.unit for ward in WARDS)]
    procedures = {f"/{n}": service.procedure for n, service in enumerate(SERVICES)}
    async with here.database.transaction() as connection:
        await put_units(
            connection, {f"/{n}": unit for n, unit in enumerate(units)}, within=None, now=here.clock()
        )
        await put_procedures(connection, procedures, within=None, now=here.clock())


async def send(here: Deployment, told: Iterator[dict[str, Any]]) -> None:
    """Put these events into the log, as a batch of the API would."""
    ingest = Ingest(here.database, here.clock)
    while portion := list(islice(told, _PORTION)):
        checked = [check(msgspec.json.encode(event), here.clock()) for event in portion]
        await ingest.batch(Call(_SENDER, checked, uuid7(here.clock())))
