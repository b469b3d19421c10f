"""Sends the generated sample city into the log, evening by evening, through the same door as HTTP.

It knows how far the city was sent already and goes on from there; what happens in the city it refuses to know.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from app.demo.days import events_of
from app.demo.places import SERVICES
from app.demo.queries import holds_others, sent
from app.directory.registrar import put_procedures, put_units
from app.directory.sample import phan_thiet
from app.dossiers.projector import Projector
from app.events.envelope import check
from app.events.ingest import Call, Ingest, Sender
from app.events.samples import SOURCE
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.problems import Problem
from app.kit.text import Text
from app.lagging.queries import put_rule
from app.lagging.rules import Rule
from app.worktime.vietnam import national

_HISTORY: Final = timedelta(days=365)
_EVENING: Final = time(18)
"""Local time of a working day at which the city's one-stop software sends what happened since the last."""

_SENDER: Final = Sender(key_id="demo", unit=None, sources=frozenset({SOURCE}), is_admin=False)

_RULE: Final = Rule(
    key="sample-on-time",
    metric="on_time",
    window="rolling_30d",  # always full, so that there is an alert to see on the first of a month too
    target=Decimal("0.95"),
    min_denominator=15,
    margin=Decimal("0.01"),
)
_NOT_EMPTY: Final = Text(
    "Cơ sở dữ liệu này có dữ liệu khác; dữ liệu mẫu chỉ được nạp vào cơ sở dữ liệu trống. Hãy dùng dunghen serve, hoặc một cơ sở dữ liệu khác.",
    "This database holds other data; the sample city goes only into an empty one. Use dunghen serve, or another database.",
)

Evening = tuple[datetime, list[dict[str, Any]]]


async def load(here: Deployment, progress: Callable[[int, int], None]) -> None:
    """Bring the sample city up to the last evening; a year of it at first, later only the evenings since.

    Broken off, it goes on where it stopped. `progress` is told the events sent and those there are to send.
    Raises Problem conflict, and writes nothing, where the city would be mixed with anybody's own data.
    """
    now, zone = here.clock(), here.settings.zone
    async with here.database.transaction() as connection:
        span = await sent(connection, SOURCE)
        if span is None:
            await _describe(connection, now)
    first, last = span or (now - _HISTORY, now - _HISTORY)
    evenings = _evenings(first.astimezone(zone).date(), last, now, zone)
    total = sum(len(events) for _, events in evenings)
    done = 0
    progress(done, total)
    for evening, events in evenings:
        await _send(here, evening, events)
        done += len(events)
        progress(done, total)
    await Projector(here).run_until_current()


def _evenings(first: date, last: datetime, now: datetime, zone: ZoneInfo) -> list[Evening]:
    """What each evening after `last`, up to `now`, has to send of the dossiers filed from the local day `first` on."""
    happened: defaultdict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for passed in range((now.astimezone(zone).date() - first).days + 1):
        for event in events_of(first + timedelta(days=passed), zone):
            evening = _evening_after(datetime.fromisoformat(event["time"]), zone)
            if last < evening <= now:
                happened[evening].append(event)
    return sorted(happened.items())


def _evening_after(moment: datetime, zone: ZoneInfo) -> datetime:
    """The next evening of a working day, in UTC."""
    day = moment.astimezone(zone).date()
    if moment > datetime.combine(day, _EVENING, zone):
        day += timedelta(days=1)
    while not national(zone).windows(day):
        day += timedelta(days=1)
    return datetime.combine(day, _EVENING, zone).astimezone(UTC)


async def _describe(connection: AsyncConnection, now: datetime) -> None:
    """Units, procedures, and a rule that finds who is behind."""
    units = phan_thiet()
    if await holds_others(connection, SOURCE, [unit.code for unit in units]):
        raise Problem("conflict", _NOT_EMPTY)
    await put_units(connection, {f"/{n}": unit for n, unit in enumerate(units)}, within=None, now=now)
    procedures = {f"/{n}": service.procedure for n, service in enumerate(SERVICES)}
    await put_procedures(connection, procedures, within=None, now=now)
    await put_rule(connection, _RULE)


async def _send(here: Deployment, evening: datetime, events: list[dict[str, Any]]) -> None:
    """Send one evening's events as they would have been sent then: recorded in the evening, not today."""
    ingest = Ingest(here.database, lambda: evening)
    checked = [check(msgspec.json.encode(event), evening) for event in events]
    await ingest.batch(Call(_SENDER, checked, uuid7(evening)))
