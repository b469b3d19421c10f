"""Every statement on the quality of data: findings by source and unit, and patterns that are worth a look.

It knows dossiers and the log. A pattern accuses nobody: it says where to look, and no figure depends on it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.events.tables import event
from app.metrics.periods import Span

_d, _e = dossier.c, event.c
_EVENTS: Final = event.join(dossier, _d.code == _e.subject)
_accountable: Final = sa.func.coalesce(_d.unit, _d.submitted_unit)

BACK_DATED: Final = timedelta(days=3)
"""An event that is told later than this after it happened counts as back-dated."""
AT_ONCE: Final = timedelta(minutes=1)
LONGEST_REST: Final = timedelta(days=15)
"""Longer than any run of days off: working time is looked for no further back."""

BULK: Final = 10
"""So many dossiers finished by a unit on one of the last two days of a month, if more than a third of that month's."""

_FINISHES: Final = ("dossier.processed", "dossier.returned")
_PAUSES: Final = ("dossier.supplement_requested", "dossier.fee_requested")


class Found(NamedTuple):
    """So many dossiers of a unit (None: unknown), told of by a source, show something of a kind."""

    kind: str
    source: str
    unit: str | None
    dossiers: int


_PATTERNS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "due_moved_after_it_passed": sa.and_(
        _e.type.in_(("dossier.rescheduled", "dossier.apology_issued")),
        sa.or_(_e.data["due_at"].is_not(None), _e.data["new_due_at"].is_not(None)),
        _e.time > _d.due_original,
    ),
    "finished_at_once": sa.and_(
        _e.type.in_(_FINISHES), _e.time >= _d.received_at, _e.time - _d.received_at < AT_ONCE
    ),
    "back_dated": _e.recorded_at - _e.time > BACK_DATED,
}
"""What is seen on one event and its dossier."""


def _told(units: Sequence[str] | None, span: Span) -> list[sa.ColumnElement[bool]]:
    """Events recorded in the span, of dossiers of these units (None: of all)."""
    within = [_e.recorded_at >= span.begin, _e.recorded_at < span.end]
    if units is not None:
        within.append(_accountable == sa.any_(sa.literal(list(units), ARRAY(sa.Text))))
    return within


async def findings(connection: AsyncConnection, units: Sequence[str] | None, span: Span) -> list[Found]:
    """How many dossiers of which an event was recorded in the span have a finding, by kind, source and unit."""
    finding = sa.func.unnest(_d.findings).table_valued("kind", name="finding").render_derived()
    source = _EVENTS.join(finding, sa.true())
    return await _counted(connection, source, finding.c.kind, sa.true(), units, span)


SEEN: Final = tuple(_PATTERNS)
"""The patterns that `pattern` counts."""


async def pattern(
    connection: AsyncConnection, name: str, units: Sequence[str] | None, span: Span
) -> list[Found]:
    """How many dossiers show this pattern in an event recorded in the span, by source and unit."""
    return await _counted(connection, _EVENTS, sa.literal(name), _PATTERNS[name], units, span)


async def _counted(
    connection: AsyncConnection,
    source: sa.FromClause,
    kind: sa.ColumnElement[str],
    condition: sa.ColumnElement[bool],
    units: Sequence[str] | None,
    span: Span,
) -> list[Found]:
    statement = (
        sa.select(
            kind.label("kind"),
            _e.source,
            _accountable.label("unit"),
            sa.func.count(sa.distinct(_d.code)).label("dossiers"),
        )
        .select_from(source)
        .where(condition, *_told(units, span))
        .group_by(sa.text("1, 2, 3"))  # by place: `unit` is also the name of a column
    )
    return [Found(*row) for row in await connection.execute(statement)]


class Pause(NamedTuple):
    """A pause that was opened not long before its dossier was due."""

    source: str
    unit: str | None
    code: str
    begin: datetime
    due: datetime


async def late_pauses(connection: AsyncConnection, units: Sequence[str] | None, span: Span) -> list[Pause]:
    """Pauses that were opened within the last days before the due date; how much working time that was, is not told here."""
    statement = (
        sa.select(_e.source, _accountable, _d.code, _e.time, _d.due_original)
        .select_from(_EVENTS)
        .where(
            _e.type.in_(_PAUSES),
            _e.time <= _d.due_original,
            _e.time > _d.due_original - LONGEST_REST,
            *_told(units, span),
        )
    )
    return [Pause(*row) for row in await connection.execute(statement)]


async def bulk_finishing(
    connection: AsyncConnection, units: Sequence[str] | None, span: Span, zone: ZoneInfo
) -> list[Found]:
    """How many dossiers were finished in bulk at the end of a month, by source and unit."""
    finished = _finished(units, span, zone)
    statement = (
        sa.select(
            sa.literal("finished_in_bulk").label("kind"),
            finished.source,
            finished.unit,
            sa.func.count().label("dossiers"),
        )
        .where(_in_bulk(finished))
        .group_by(finished.source, finished.unit)
    )
    return [Found(*row) for row in await connection.execute(statement)]


def _finished(units: Sequence[str] | None, span: Span, zone: ZoneInfo) -> Any:
    """What was finished, with how many a unit finished on that day and in that month."""
    local = sa.func.timezone(zone.key, _e.time)
    day, month = sa.func.date_trunc("day", local), sa.func.date_trunc("month", local)
    return (
        sa.select(
            _d.code,
            _e.source,
            _accountable.label("unit"),
            day.label("day"),
            month.label("month"),
            sa.func.count().over(partition_by=(_accountable, day)).label("of_day"),
            sa.func.count().over(partition_by=(_accountable, month)).label("of_month"),
        )
        .select_from(event.join(dossier, sa.and_(_d.code == _e.subject, _d.ended_at == _e.time)))
        .where(_e.type.in_(_FINISHES), *_told(units, span))
        .subquery()
        .c
    )


def _in_bulk(finished: Any) -> sa.ColumnElement[bool]:
    last_days = sa.text("interval '1 month' - interval '2 days'")
    return sa.and_(
        finished.day >= finished.month + last_days,
        finished.of_day >= BULK,
        3 * finished.of_day > finished.of_month,
    )


def finished_in_bulk(
    source: str | None, units: Sequence[str] | None, span: Span, zone: ZoneInfo
) -> sa.ColumnElement[bool]:
    """The dossiers that `bulk_finishing` counts, told of by a source (None: by any)."""
    finished = _finished(units, span, zone)
    told = sa.true() if source is None else finished.source == source
    return _d.code.in_(sa.select(finished.code).where(_in_bulk(finished), told))


def showing(kind: str, source: str | None, units: Sequence[str] | None, span: Span) -> sa.ColumnElement[bool]:
    """The dossiers that `findings` or `pattern` counts under a kind, told of by a source (None: by any)."""
    has = _PATTERNS.get(kind)
    condition = has if has is not None else _d.findings.contains([kind])
    told = sa.true() if source is None else _e.source == source
    found = sa.select(_e.subject).select_from(_EVENTS).where(condition, told, *_told(units, span))
    return _d.code.in_(found.correlate(None))


def coded(codes: Collection[str]) -> sa.ColumnElement[bool]:
    """The dossiers of these codes."""
    return _d.code == sa.any_(sa.literal(list(codes), ARRAY(sa.Text)))
