"""Notices about single dossiers, told as digests by unit and working day, and about sources that fell silent.

It knows when a notice is due and that it is told once; which dossiers those are, `queries` reads.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.called import called_by
from app.directory.tree import chain
from app.events.queries import silent_sources
from app.lagging import queries
from app.lagging.digest_schemas import DossierNotice, SourceSilent
from app.lagging.standing import Present, soon_until
from app.metrics.periods import midnight
from app.settings import Settings
from app.webhooks import outbox
from app.worktime.calendar import Calendar
from app.worktime.timeline import MICROSECOND, instant, microseconds

Kind = Literal["dossier.due_soon", "dossier.overdue", "dossier.apology_due"]
KINDS: Final[tuple[Kind, ...]] = ("dossier.due_soon", "dossier.overdue", "dossier.apology_due")
SILENT: Final = "source.silent"

LISTED: Final = 100
"""Dossiers that one digest names; of more it tells the number."""

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1) // MICROSECOND
_KEPT: Final = timedelta(days=60)
_LOOK_BACK: Final = timedelta(days=60)
"""A source that has been silent for longer is taken for retired; it was told once."""


class Open(NamedTuple):
    """An open dossier that a notice is about, and the instant by which something is due."""

    code: str
    unit: str
    procedure: str | None
    due_at: datetime


async def tell_dossiers(connection: AsyncConnection, present: Present, settings: Settings) -> None:
    """Tell the notices of this working day that have not been told, from the hour at which work begins.

    Due soon: open dossiers due by the end of the second working day after today. Overdue: those that came to be
    overdue since work began on the working day before. Apology due: those whose apology is owed by the end of today.
    """
    begun = _opening(present.calendar, present.today)
    if settings.dossier_notices == "off" or begun is None or present.now < begun:
        return
    single = settings.dossier_notices == "single"
    spans = {
        "dossier.due_soon": (begun, midnight(soon_until(present) + _DAY, present.zone)),
        "dossier.overdue": (_opening_before(present.calendar, present.today), begun),
        "dossier.apology_due": (
            midnight(present.today, present.zone),
            midnight(present.today + _DAY, present.zone),
        ),
    }
    await queries.forget_told_before(connection, present.today - _KEPT, KINDS)
    for kind in KINDS:
        column: Literal["overdue_from", "apology_deadline"] = (
            "apology_deadline" if kind == "dossier.apology_due" else "overdue_from"
        )
        rows = await queries.open_dossiers(connection, column, *spans[kind])
        found = [Open(*row) for row in rows]
        batches = {one.code: [one] for one in found} if single else _by_unit(found)
        fresh = await _fresh(connection, kind, batches, present, single=single)
        await _put(connection, kind, [batches[subject] for subject in sorted(fresh)], present, settings)


async def tell_silent(connection: AsyncConnection, present: Present, settings: Settings) -> None:
    """Tell once of each source that has sent nothing for so many working hours; anew after it has spoken again."""
    hours = settings.source_silent_after
    if not hours:
        return
    since = _worked_back(present.calendar, present.now, hours * _HOUR)
    silent, speaking = await silent_sources(connection, since, present.now - _LOOK_BACK)
    await queries.forget_told(connection, SILENT, speaking)
    fresh = await queries.note_told(connection, SILENT, list(silent), date.min, present.now)
    for source in sorted(fresh):
        data = SourceSilent(source=source, last_recorded_at=silent[source], working_hours=hours)
        await outbox.put(
            connection,
            type=SILENT,
            unit=None,
            lineage=[],
            data=data.model_dump(mode="json"),
            now=present.now,
        )


async def _fresh(
    connection: AsyncConnection,
    kind: Kind,
    batches: Mapping[str, Sequence[Open]],
    present: Present,
    *,
    single: bool,
) -> set[str]:
    """Units, or single dossiers, that had not been told yet: of today, or of the dossier's own due day."""
    if not single:
        return await queries.note_told(connection, kind, list(batches), present.today, present.now)
    by_day: defaultdict[date, list[str]] = defaultdict(list)
    for subject, (one,) in batches.items():
        by_day[one.due_at.astimezone(present.zone).date()].append(subject)
    fresh: set[str] = set()
    for day, subjects in sorted(by_day.items()):
        fresh |= await queries.note_told(connection, kind, subjects, day, present.now)
    return fresh


async def _put(
    connection: AsyncConnection,
    kind: Kind,
    batches: Sequence[Sequence[Open]],
    present: Present,
    settings: Settings,
) -> None:
    units = {batch[0].unit for batch in batches}
    called = await called_by(connection, "unit", units, settings.language, present.today)
    for batch in batches:
        unit = batch[0].unit
        data = DossierNotice.model_validate(
            {
                "unit": {"code": unit, "name": called[unit]},
                "day": present.today,
                "count": len(batch),
                "dossiers": [one._asdict() for one in batch[:LISTED]],
            }
        )
        await outbox.put(
            connection,
            type=kind,
            unit=unit,
            lineage=list(chain(present.parents, unit)),
            data=data.model_dump(mode="json"),
            now=present.now,
        )


def _by_unit(found: Sequence[Open]) -> dict[str, list[Open]]:
    batches: defaultdict[str, list[Open]] = defaultdict(list)
    for one in found:
        batches[one.unit].append(one)
    return batches


def _opening(calendar: Calendar, day: date) -> datetime | None:
    """The instant at which work begins on a local day; None on a day off."""
    windows = calendar.windows(day)
    return datetime.combine(day, windows[0].opens, calendar.zone).astimezone(UTC) if windows else None


def _opening_before(calendar: Calendar, day: date) -> datetime:
    days = calendar.working_days
    before = days.nth(days.count_to(day - _DAY))
    return _opening(calendar, before) or midnight(before, calendar.zone)


def _worked_back(calendar: Calendar, now: datetime, amount: int) -> datetime:
    """The latest instant from which `amount` working microseconds have passed by `now`, within the look-back."""
    end = microseconds(now)
    low, high = end - _LOOK_BACK // MICROSECOND, end
    for place in _halves(high - low):
        if calendar.working_time.between(low + place, end) >= amount:
            low += place
    return instant(low)


def _halves(length: int) -> Iterator[int]:
    step = 1 << length.bit_length()
    while step := step >> 1:
        yield step
