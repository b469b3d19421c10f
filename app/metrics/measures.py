"""The other door: durations of a period, under filters, by up to two group keys, summed and ranked.

It reads dossiers and events in one statement and gives whole microseconds; what is shown of them is the catalogue's.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.events.tables import event
from app.metrics.counted import COUNTED, Edge
from app.metrics.fee_procedures import INSTANTS
from app.metrics.keys import filters
from app.metrics.keys import keys as group_keys
from app.metrics.metric import Statistic
from app.metrics.periods import TIME_GROUPS, Span
from app.metrics.queries import begun, placing
from app.metrics.question import Measured, Question, TooManyGroups

_MICROSECONDS: Final = 1_000_000


async def measure(
    connection: AsyncConnection,
    statistic: Statistic,
    question: Question,
    *,
    zone: tzinfo,
    now: datetime,
    limit: int | None = None,
) -> list[Measured]:
    """The groups that are not empty, in no particular order; without keys exactly one.

    Days, `now` and `limit` are as for `tally`; the counts of the question are not looked at.
    """
    times = [by for by in TIME_GROUPS if by in question.by]
    periods = begun(question.period, times[0], zone, now) if times else [question.period]
    if not periods:
        return []
    if limit is not None and len(periods) > limit:
        raise TooManyGroups
    spans = [period.span(zone, now) for period in periods]
    values = _events(question) if statistic.by_source else _dossiers(question)
    statement = _statement(values, spans, timed=bool(times)).limit(None if limit is None else limit + 1)
    rows = (await connection.execute(statement)).mappings().all()
    if limit is not None and len(rows) > limit:
        raise TooManyGroups
    if not rows and not question.by:
        return [Measured((), 0, 0, (0, 0), (0, 0))]
    return [
        Measured(
            tuple(
                periods[row["place"] - 1].label(by) if by in TIME_GROUPS else row[by] for by in question.by
            ),
            row["size"],
            int(row["total"]),
            (row["median_low"], row["median_high"]),
            (row["p90_low"], row["p90_high"]),
        )
        for row in rows
    ]


class _Values(NamedTuple):
    """Durations: what they are ordered by and its whole microseconds; the instant of each; keys, tables, conditions."""

    value: sa.ColumnElement[Any]
    microseconds: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[int]]
    instant: Edge
    keys: Sequence[sa.ColumnElement[Any]]
    source: sa.FromClause
    conditions: Sequence[sa.ColumnElement[bool]]


def _dossiers(question: Question) -> _Values:
    """Working time from reception to result, of dossiers by their end."""
    placed = placing(question, [COUNTED["resolved_late"]])
    conditions = [*placed.conditions, dossier.c.processing.is_not(None)]
    return _Values(
        sa.type_coerce(dossier.c.processing, sa.BigInteger),
        lambda value: value,
        sa.type_coerce(dossier.c.counted_at, sa.DateTime(timezone=True)),
        placed.keys,
        placed.source,
        conditions,
    )


def _events(question: Question) -> _Values:
    """From happening to recording, of events by their recording; a clock that runs ahead gives 0."""
    accountable = sa.func.coalesce(dossier.c.unit, dossier.c.submitted_unit)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "unit": accountable,
        "procedure": dossier.c.procedure,
        "sector": dossier.c.sector,
        "channel": dossier.c.channel,
        "source": event.c.source,
    }
    source: sa.FromClause = event
    conditions = list(filters(question, columns))
    if conditions or set(question.by) - {"source", *TIME_GROUPS}:
        source = event.outerjoin(dossier, dossier.c.code == event.c.subject)
    keys, source = group_keys(question, columns, source)
    delay = sa.func.greatest(
        event.c.recorded_at - event.c.time, sa.literal_column("interval '0'", sa.Interval)
    )
    return _Values(
        sa.type_coerce(delay, sa.Interval),
        lambda value: sa.cast(sa.extract("epoch", value) * _MICROSECONDS, sa.BigInteger),
        sa.type_coerce(event.c.recorded_at, sa.DateTime(timezone=True)),
        keys,
        source,
        conditions,
    )


def _statement(values: _Values, spans: Sequence[Span], *, timed: bool) -> sa.Select[Any]:
    keys = list(values.keys)
    if timed:
        begins = sa.literal([span.begin for span in spans], INSTANTS)
        keys.insert(0, sa.func.width_bucket(values.instant, begins).label("place"))
    # Equal durations are counted before they are ordered: a source that sends once a day has few different ones.
    counted = (
        sa.select(*keys, values.value.label("value"), sa.func.count().label("many"))
        .select_from(values.source)
        .where(*values.conditions, values.instant >= spans[0].begin, values.instant < spans[-1].end)
        .group_by(*keys, values.value)
        .subquery("counted")
    )
    kept = [counted.c[key.name] for key in keys]
    many = sa.func.sum(counted.c.many)
    numbered = sa.select(
        *kept,
        values.microseconds(counted.c.value).label("value"),
        counted.c.many,
        sa.cast(many.over(partition_by=kept or None, order_by=counted.c.value), sa.BigInteger).label("upto"),
        sa.cast(many.over(partition_by=kept or None), sa.BigInteger).label("size"),
    ).subquery("numbered")
    value, size = numbered.c.value, numbered.c.size

    def ranked(tenths: int, further: int) -> sa.ColumnElement[int]:
        """The value so many tenths of the way from the first to the last; `further` 1: the one after it, if any."""
        rank = sa.func.least(tenths * (size - 1) // 10 + 1 + further, size)
        return sa.func.min(value).filter(numbered.c.upto >= rank)

    kept = [numbered.c[key.name] for key in keys]
    total = sa.func.sum(sa.cast(value, sa.Numeric) * numbered.c.many)
    return sa.select(
        *kept,
        size,
        total.label("total"),
        ranked(5, 0).label("median_low"),
        ranked(5, 1).label("median_high"),
        ranked(9, 0).label("p90_low"),
        ranked(9, 1).label("p90_high"),
    ).group_by(*kept, size)
