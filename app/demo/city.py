"""Sends the generated sample city into the log, evening by evening, through the same door as HTTP.

It knows how far the city was sent already and goes on from there; what happens in the city it refuses to know.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from app.demo.days import told_of
from app.demo.places import SERVICES, SILENT, SOURCES
from app.demo.promises import RULES, Signed, signed
from app.demo.queries import holds_others, sent
from app.directory.registrar import put_procedures, put_units
from app.directory.sample import phan_thiet
from app.dossiers import processes
from app.events.envelope import check
from app.events.ingest import Call, Ingest, Sender
from app.events.samples import SOURCE
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.problems import Problem
from app.kit.text import Text
from app.lagging.queries import put_rule
from app.metrics import periods
from app.targets import queries as targets
from app.worktime.vietnam import national

_HISTORY: Final = timedelta(weeks=78)
"""A year and a half: this year, the whole of the last beside it, and the reform while it is less old."""

_SPOKE: Final = _HISTORY - timedelta(days=12)
"""For so long after the first day the source that falls silent speaks."""

_EVENING: Final = time(18)
"""Local time of a working day at which the city's one-stop software sends what happened since the last."""

_SENDER: Final = Sender(key_id="demo", unit=None, sources=SOURCES, is_admin=False)

_NOT_EMPTY: Final = Text(
    "Cơ sở dữ liệu này có dữ liệu khác; dữ liệu mẫu chỉ được nạp vào cơ sở dữ liệu trống. Hãy dùng dunghen serve, hoặc một cơ sở dữ liệu khác.",
    "This database holds other data; the sample city goes only into an empty one. Use dunghen serve, or another database.",
)

Evening = tuple[datetime, list[dict[str, Any]]]


async def load(here: Deployment, progress: Callable[[int, int], None]) -> None:
    """Bring the sample city up to the last evening; a year and a half at first, later only the evenings since.

    Broken off, it goes on where it stopped. `progress` is told the steps done and those there are: events to send, and
    dossiers to fold. Raises Problem conflict, and writes nothing, where the city would be mixed with anybody's own data.
    """
    now, zone = here.clock(), here.settings.zone
    async with here.database.transaction() as connection:
        span = await sent(connection, SOURCE)
        if span is None:
            await _describe(connection, now)
        await _sign(connection, now, zone)
    first, last = span or (_begin(now, zone), datetime.min.replace(tzinfo=UTC))
    evenings = _evenings(first.astimezone(zone).date(), last, now, zone)
    total = sum(len(events) for _, events in evenings)
    dossiers = len({event["subject"] for _, events in evenings for event in events})
    done = 0
    progress(done, total + dossiers)
    for evening, events in evenings:
        await _send(here, evening, events)
        done += len(events)
        progress(done, total + dossiers)
    await processes.run_until_current(
        here, lambda folded: progress(total + min(folded, dossiers), total + dossiers)
    )


def _begin(now: datetime, zone: ZoneInfo) -> datetime:
    """The Monday with which the history begins: a day on which the first source has something to tell."""
    day = (now - _HISTORY).astimezone(zone).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), zone)


def _evenings(first: date, last: datetime, now: datetime, zone: ZoneInfo) -> list[Evening]:
    """What each evening after `last`, up to `now`, has to send of the dossiers filed from the local day `first` on."""
    happened: defaultdict[datetime, list[dict[str, Any]]] = defaultdict(list)
    silence = datetime.combine(first + _SPOKE, time(), zone)
    for passed in range((now.astimezone(zone).date() - first).days + 1):
        for at, event in told_of(first + timedelta(days=passed), zone):
            if at > now or (event["source"] == SILENT and at > silence):
                continue
            evening = _evening_after(at, zone)
            if last < evening <= now:
                happened[evening].append(event)
    return sorted(happened.items(), key=lambda told: told[0])


def _evening_after(moment: datetime, zone: ZoneInfo) -> datetime:
    """The next evening of a working day, in UTC."""
    day = moment.astimezone(zone).date()
    if moment > datetime.combine(day, _EVENING, zone):
        day += timedelta(days=1)
    while not national(zone).windows(day):
        day += timedelta(days=1)
    return datetime.combine(day, _EVENING, zone).astimezone(UTC)


async def _describe(connection: AsyncConnection, now: datetime) -> None:
    """Units, procedures, and rules that find who is behind."""
    units = phan_thiet()
    if await holds_others(connection, SOURCES, [unit.code for unit in units]):
        raise Problem("conflict", _NOT_EMPTY)
    await put_units(connection, {f"/{n}": unit for n, unit in enumerate(units)}, within=None, now=now)
    procedures = {f"/{n}": service.procedure for n, service in enumerate(SERVICES)}
    await put_procedures(connection, procedures, within=None, now=now)
    for rule in RULES:
        await put_rule(connection, rule)


async def _sign(connection: AsyncConnection, now: datetime, zone: ZoneInfo) -> None:
    """Put what was signed by today into the register, as far as it is not there; what somebody changed stays."""
    await targets.keep_writers_out(connection)
    promised = defaultdict[str, list[Signed]](list)
    for one in signed(now.astimezone(zone).date()):
        promised[one.id].append(one)
    stored = await targets.versions(connection, promised)
    for name, versions in promised.items():
        for number, one in enumerate(versions, 1):
            row = _row(one, number, now)
            if number > len(stored.get(name, ())) and not await targets.same_days(connection, row):
                await targets.add_commitment(connection, row)


def _row(one: Signed, version: int, now: datetime) -> dict[str, Any]:
    period = periods.parse(one.period)
    return {
        **one.row(),
        "version": version,
        "period_from": period.from_,
        "period_to": period.to,
        "recorded_at": now,
        "recorded_by": _SENDER.key_id,
    }


async def _send(here: Deployment, evening: datetime, events: list[dict[str, Any]]) -> None:
    """Send one evening's events as they would have been sent then: recorded in the evening, not today."""
    ingest = Ingest(here.database, lambda: evening)
    checked = [check(msgspec.json.encode(event), evening) for event in events]
    await ingest.batch(Call(_SENDER, checked, uuid7(evening)))
