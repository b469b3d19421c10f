"""The one door to counted dossiers: numbers for a period, under filters, by up to two group keys.

Callers know a question and its groups, never a table: pre-counted cells answer what they can answer exactly, and one
statement over the dossier table the rest, to the same numbers. Which dossiers a count counts,
`counted` says; what numbers mean together is the catalogue's.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.metrics import cell_queries
from app.metrics.counted import COUNTED, Count, Edge, State, Test, in_any, taking_part, with_fees
from app.metrics.keys import filters, keys
from app.metrics.periods import TIME_GROUPS, Period, Span, TimeGroup, midnight
from app.metrics.question import Group, Question, TooManyGroups


async def tally(
    connection: AsyncConnection, question: Question, *, zone: tzinfo, now: datetime, limit: int | None = None
) -> list[Group]:
    """The groups that are not empty, in no particular order; without keys exactly one.

    The period's days are those of `zone`; nothing that happens at or after `now` counts. By time every bucket is a
    period of its own with its own E, and buckets that have not begun are absent. Raises TooManyGroups when there are
    more groups, or more buckets, than `limit`.
    """
    times = [by for by in TIME_GROUPS if by in question.by]
    buckets = begun(question.period, times[0], zone, now) if times else [question.period]
    if not buckets:
        return []
    if limit is not None and len(buckets) > limit:
        raise TooManyGroups
    spans = [bucket.span(zone, now) for bucket in buckets]
    most = None if limit is None else limit + 1
    rows = await cell_queries.counted(connection, question, buckets, zone=zone, now=now, limit=most)
    if rows is None:
        statement = _statement(question, spans, timed=bool(times)).limit(most)
        rows = list((await connection.execute(statement)).mappings())
    if limit is not None and len(rows) > limit:
        raise TooManyGroups
    if not rows and not question.by:
        return [Group((), dict.fromkeys(question.counts, 0))]
    return [_group(question, buckets, row) for row in rows]


def begun(period: Period, by: TimeGroup, zone: tzinfo, now: datetime) -> list[Period]:
    """The days, months, quarters or years of the period that have begun."""
    return [bucket for bucket in period.split(by) if midnight(bucket.from_, zone) < now]


def _group(question: Question, buckets: Sequence[Period], row: sa.RowMapping) -> Group:
    keys = (buckets[row["place"] - 1].label(by) if by in TIME_GROUPS else row[by] for by in question.by)
    return Group(tuple(keys), {key: row[key] for key in question.counts})


_INSTANT: Final = sa.DateTime(timezone=True)
INSTANTS: Final = ARRAY(_INSTANT)
_d: Final = dossier.c


def _statement(question: Question, spans: Sequence[Span], *, timed: bool) -> sa.Select[Any]:
    counts = {key: COUNTED[key] for key in question.counts}
    placed = placing(question, counts.values())
    begin: Edge = sa.literal(spans[0].begin)
    end: Edge = sa.literal(spans[-1].end)
    conditions = [*placed.conditions, in_any(counts.values(), begin, end)]
    keys = list(placed.keys)
    if timed:
        place, bucket = buckets({count.state for count in counts.values()}, spans)
        begin, end = bucket.c.begin, bucket.c.end
        keys = [place.label("place"), *keys]
        conditions += [bucket.c.number == place, in_any(counts.values(), begin, end)]
    columns = [count.column(begin, end).label(key) for key, count in counts.items()]
    statement = sa.select(*keys, *columns).select_from(placed.source).where(*conditions).group_by(*keys)
    # Where dossiers are looked for is wider than what is counted: a group that only looks on is empty, and absent.
    return statement.having(sa.or_(*(column.element > 0 for column in columns))) if keys else statement


class Placed(NamedTuple):
    """Where a question's dossiers are: the keys of their groups but for time, the tables, and the conditions."""

    keys: Sequence[sa.ColumnElement[Any]]
    source: sa.FromClause
    conditions: Sequence[Test]


def placing(question: Question, counts: Collection[Count] = ()) -> Placed:
    """Where the dossiers of these counts are, by the question's filters and keys.

    Submissions count for the unit they were submitted to, and came online, whatever became of them.
    """
    submission = any(count.state.submission for count in counts)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "unit": _d.submitted_unit if submission else _d.unit,
        "procedure": _d.procedure,
        "sector": _d.sector,
        "channel": sa.literal("online") if submission else _d.channel,
    }
    source: sa.FromClause = dossier
    if any(count.procedures for count in counts):
        source = with_fees(source)
    conditions = [*taking_part(submission=submission), *filters(question, columns)]
    named, source = keys(question, columns, source)
    return Placed(named, source, conditions)


def buckets(
    states: Collection[State], spans: Sequence[Span]
) -> tuple[sa.ColumnElement[int], sa.TableValuedAlias]:
    """The places of the buckets in which a dossier may stand in these states, counted from 1, and the buckets themselves.

    Places are found by bisection, so that a year by day costs a dossier the days it was alive and not 366 comparisons.
    """
    begins, ends = (sa.literal(list(edges), INSTANTS) for edges in zip(*spans, strict=True))

    def place_of(instant: Edge) -> sa.ColumnElement[int]:
        return sa.func.width_bucket(instant, begins)

    first = sa.func.least(*(place_of(state.since) for state in states))
    last = sa.func.greatest(
        *(
            sa.func.coalesce(place_of(state.until), len(spans)) if state.lasting else place_of(state.until)
            for state in states
        )
    )
    place = sa.func.generate_series(sa.func.greatest(1, first), last).column_valued("place")
    bucket = sa.func.unnest(begins, ends).table_valued(
        sa.column("begin", _INSTANT), sa.column("end", _INSTANT), with_ordinality="number"
    )
    return place, bucket.render_derived(name="bucket")
