"""Every statement on the quality of data: findings by source and unit, and patterns that are worth a look.

It knows dossiers and the log. A pattern accuses nobody: it says where to look, and no figure depends on it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.events.tables import event
from app.kit.prepared import prepared
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


def _any(column: sa.ColumnElement[str], values: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.or_(*(column == value for value in values))


class Found(NamedTuple):
    """So many dossiers of a unit (None: unknown), told of by a source, show something of a kind."""

    kind: str
    source: str
    unit: str | None
    dossiers: int


_PATTERNS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "due_moved_after_it_passed": sa.and_(
        _any(_e.type, ("dossier.rescheduled", "dossier.apology_issued")),
        sa.or_(_e.data["due_at"].is_not(None), _e.data["new_due_at"].is_not(None)),
        _e.time > _d.due_original,
    ),
    "finished_at_once": sa.and_(
        _any(_e.type, _FINISHES), _e.time >= _d.received_at, _e.time - _d.received_at < AT_ONCE
    ),
    "back_dated": _e.recorded_at - _e.time > BACK_DATED,
}
"""What is seen on one event and its dossier."""


def _told(units: Sequence[str] | None, span: Span) -> list[sa.ColumnElement[bool]]:
    """Events recorded in the span, of dossiers of these units (None: of all)."""
    within = [
        _e.recorded_at >= sa.bindparam("told_begin", span.begin, sa.DateTime(timezone=True)),
        _e.recorded_at < sa.bindparam("told_end", span.end, sa.DateTime(timezone=True)),
    ]
    if units is not None:
        within.append(_accountable == sa.any_(sa.bindparam("told_units", list(units), ARRAY(sa.Text))))
    return within


async def _rows(
    connection: AsyncConnection,
    name: str,
    units: Sequence[str] | None,
    span: Span,
    written: Callable[[], sa.Select[*tuple[Any, ...]]],
) -> Sequence[sa.RowMapping]:
    """The rows of a statement that has nothing but `_told` for values."""
    given = {"told_begin": span.begin, "told_end": span.end, "told_units": units and list(units)}
    return await prepared(("quality", name, units is None), written).rows(connection, given)


class Seen(NamedTuple):
    """What was found of dossiers, and what was seen on their events."""

    findings: list[Found]
    patterns: list[Found]


async def seen(connection: AsyncConnection, units: Sequence[str] | None, span: Span) -> Seen:
    """How many dossiers of which an event was recorded in the span have a finding, or show a pattern in such an event.

    By kind, source and unit. The events are read once for all, and each dossier is looked at once for each source.
    """
    rows = await _rows(connection, "seen", units, span, lambda: _seen(units, span))
    found = Seen([], [])
    for row in rows:
        one = Found(row["kind"], row["source"], row["unit"], row["dossiers"])
        (found.patterns if row["pattern"] else found.findings).append(one)
    return found


def _seen(units: Sequence[str] | None, span: Span) -> sa.Select[Any]:
    shows = {name: sa.func.bool_or(condition).label(name) for name, condition in _PATTERNS.items()}
    one = (
        sa.select(_e.source, _accountable.label("unit"), _d.findings, *shows.values())
        .select_from(_EVENTS)
        .where(*_told(units, span), sa.or_(_d.findings != sa.literal_column("'{}'"), *_PATTERNS.values()))
        .group_by(_e.source, _d.code)
        .cte("one")
        .prefix_with("MATERIALIZED")
    )
    kind: sa.ColumnElement[str] = sa.func.unnest(one.c.findings, type_=sa.Text)
    parts = [
        sa.select(sa.false().label("pattern"), kind.label("kind"), one.c.source, one.c.unit),
        *(
            sa.select(sa.true(), sa.literal_column(f"'{name}'", sa.Text), one.c.source, one.c.unit).where(
                one.c[name]
            )
            for name in _PATTERNS
        ),
    ]
    told = sa.union_all(*parts).subquery("told")
    return sa.select(told, sa.func.count().label("dossiers")).group_by(*told.c)


class Pause(NamedTuple):
    """A pause that was opened not long before its dossier was due."""

    source: str
    unit: str | None
    code: str
    begin: datetime
    due: datetime


async def late_pauses(connection: AsyncConnection, units: Sequence[str] | None, span: Span) -> list[Pause]:
    """Pauses that were opened within the last days before the due date; how much working time that was, is not told here."""
    rows = await _rows(connection, "pauses", units, span, lambda: _late_pauses(units, span))
    return [Pause(**row) for row in rows]


def _late_pauses(units: Sequence[str] | None, span: Span) -> sa.Select[Any]:
    return (
        sa.select(
            _e.source,
            _accountable.label("unit"),
            _d.code,
            _e.time.label("begin"),
            _d.due_original.label("due"),
        )
        .select_from(_EVENTS)
        .where(
            _any(_e.type, _PAUSES),
            _e.time <= _d.due_original,
            _e.time > _d.due_original - LONGEST_REST,
            *_told(units, span),
        )
    )


async def bulk_finishing(
    connection: AsyncConnection, units: Sequence[str] | None, span: Span, zone: ZoneInfo
) -> list[Found]:
    """How many dossiers were finished in bulk at the end of a month, by source and unit."""
    rows = await _rows(
        connection, f"bulk {zone.key}", units, span, lambda: _bulk_finishing(units, span, zone)
    )
    return [Found(**row) for row in rows]


def _bulk_finishing(units: Sequence[str] | None, span: Span, zone: ZoneInfo) -> sa.Select[Any]:
    finished = _finished(units, span, zone)
    return (
        sa.select(
            sa.literal("finished_in_bulk").label("kind"),
            finished.source,
            finished.unit,
            sa.cast(sa.func.sum(finished.many), sa.BigInteger).label("dossiers"),
        )
        .where(_in_bulk(finished))
        .group_by(finished.source, finished.unit)
    )


def _finished(units: Sequence[str] | None, span: Span, zone: ZoneInfo, *also: sa.ColumnElement[Any]) -> Any:
    """What was finished by source, unit and day, with how many the unit finished on that day and in that month."""
    local = sa.func.timezone(zone.key, _e.time)
    finished = (
        sa.select(
            _e.source,
            _accountable.label("unit"),
            sa.func.date_trunc("day", local).label("day"),
            sa.func.count().label("many"),
            *also,
        )
        .select_from(event.join(dossier, sa.and_(_d.code == _e.subject, _d.ended_at == _e.time)))
        .where(_any(_e.type, _FINISHES), *_told(units, span))
        .group_by(sa.text("1, 2, 3"))  # by place: `unit` is also the name of a column
        .subquery()
    )
    month = sa.func.date_trunc("month", finished.c.day)
    of_day, of_month = (
        sa.func.sum(finished.c.many).over(partition_by=(finished.c.unit, part))
        for part in (finished.c.day, month)
    )
    return (
        sa.select(
            finished, month.label("month"), of_day.label("of_day"), of_month.label("of_month")
        ).subquery()
    ).c


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
    finished = _finished(units, span, zone, sa.func.array_agg(_d.code).label("codes"))
    told = sa.true() if source is None else finished.source == source
    return _d.code.in_(sa.select(sa.func.unnest(finished.codes)).where(_in_bulk(finished), told))


def showing(kind: str, source: str | None, units: Sequence[str] | None, span: Span) -> sa.ColumnElement[bool]:
    """The dossiers that `seen` counts under a kind, told of by a source (None: by any)."""
    has = _PATTERNS.get(kind)
    condition = has if has is not None else _d.findings.contains([kind])
    told = sa.true() if source is None else _e.source == source
    found = sa.select(_e.subject).select_from(_EVENTS).where(condition, told, *_told(units, span))
    return _d.code.in_(found.correlate(None))


def coded(codes: Collection[str]) -> sa.ColumnElement[bool]:
    """The dossiers of these codes."""
    return _d.code == sa.any_(sa.literal(list(codes), ARRAY(sa.Text)))
