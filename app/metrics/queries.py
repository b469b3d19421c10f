"""The one door to counted dossiers: numbers for a period, under filters, by up to two group keys.

Callers know a question and its groups, never a table: pre-counted cells answer what they can answer exactly, and one
statement over the dossier table the rest, to the same numbers. Which dossiers a count counts,
`counted` says; what numbers mean together is the catalogue's.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.kit.prepared import prepared
from app.metrics import cell_queries, fee_procedures
from app.metrics.cells import is_plain
from app.metrics.counted import COUNTED, Count, Edge, State, Test, in_any, taking_part, with_fees
from app.metrics.fee_procedures import INSTANTS, Charged
from app.metrics.keys import filters, keys, shape, values
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
    most = None if limit is None else limit + 1
    found: dict[tuple[str | None, ...], dict[str, int]] = {} if question.by else {(): {}}
    for counts in _apart(question.counts):
        part = replace(question, counts=counts)
        for keys_, rows in await _counted(connection, part, buckets, zone=zone, now=now, limit=most):
            for row in rows:
                found.setdefault(_keys(question, buckets, row), {}).update({key: row[key] for key in keys_})
    if limit is not None and len(found) > limit:
        raise TooManyGroups
    return [Group(keys, {key: told.get(key, 0) for key in question.counts}) for keys, told in found.items()]


_Counted = tuple[tuple[str, ...], Sequence[sa.RowMapping]]
"""Counts, and the rows that have them."""


async def _counted(
    connection: AsyncConnection,
    question: Question,
    buckets: Sequence[Period],
    *,
    zone: tzinfo,
    now: datetime,
    limit: int | None,
) -> list[_Counted]:
    """By cells as many of the counts as they can tell, and the rest by dossiers.

    All by dossiers, what stands at an instant would have every dossier read that was alive then.
    """
    procedures = any(COUNTED[key].procedures for key in question.counts)
    charged = await fee_procedures.charged(connection, question.procedures) if procedures else None

    async def by_cells(counts: tuple[str, ...]) -> list[_Counted] | None:
        asked = replace(question, counts=counts)
        rows = await cell_queries.counted(
            connection, asked, buckets, zone=zone, now=now, limit=limit, charged=charged
        )
        return None if rows is None else [(counts, rows)]

    async def by_dossiers(counts: tuple[str, ...]) -> list[_Counted]:
        spans = [bucket.span(zone, now) for bucket in buckets]
        timed = not set(TIME_GROUPS).isdisjoint(question.by)
        asked = replace(question, counts=counts)
        rows = await _from_dossiers(connection, asked, spans, timed=timed, limit=limit, charged=charged)
        return [(counts, rows)]

    whole = await by_cells(question.counts)
    if whole is not None:
        return whole
    plain = tuple(filter(is_plain, question.counts))
    rest = tuple(key for key in question.counts if key not in plain)
    # Submissions stand under other units: asked together with anything else, all of it does.
    apart = plain and rest and not any(COUNTED[key].state.submission for key in rest)
    some = await by_cells(plain) if apart else None
    return await by_dossiers(question.counts) if some is None else [*some, *await by_dossiers(rest)]


def begun(period: Period, by: TimeGroup, zone: tzinfo, now: datetime) -> list[Period]:
    """The days, months, quarters or years of the period that have begun."""
    return [bucket for bucket in period.split(by) if midnight(bucket.from_, zone) < now]


def _keys(question: Question, buckets: Sequence[Period], row: sa.RowMapping) -> tuple[str | None, ...]:
    return tuple(buckets[row["place"] - 1].label(by) if by in TIME_GROUPS else row[by] for by in question.by)


def _apart(counts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Counts of dossiers, and of procedures: dossiers are counted once, procedures once in each group."""
    for procedures in (False, True):
        if some := tuple(key for key in counts if COUNTED[key].procedures is procedures):
            yield some


_INSTANT: Final = sa.DateTime(timezone=True)
_d: Final = dossier.c


async def _from_dossiers(
    connection: AsyncConnection,
    question: Question,
    spans: Sequence[Span],
    *,
    timed: bool,
    limit: int | None,
    charged: Charged | None,
) -> Sequence[sa.RowMapping]:
    told = question if charged is None else fee_procedures.by_procedure(question, charged)

    def written() -> sa.Select[Any]:
        if charged is None:
            return _statement(question, timed=timed)
        return fee_procedures.distinct(question, fee_procedures.from_dossiers(told, timed=timed))

    statement = prepared(
        ("dossiers", question.counts, question.by, shape(told), timed),
        lambda: written().limit(sa.bindparam("most", type_=sa.Integer)),
    )
    edges = {"begins": [span.begin for span in spans], "ends": [span.end for span in spans]}
    given = {"begin": spans[0].begin, "end": spans[-1].end, "most": limit, **edges, **values(told)}
    if charged is not None:
        given |= charged.values(edges["ends"])
    return await statement.rows(connection, given)


def _statement(question: Question, *, timed: bool) -> sa.Select[Any]:
    counts = {key: COUNTED[key] for key in question.counts}
    placed = placing(question, counts.values())
    begin: Edge = sa.bindparam("begin", type_=_INSTANT)
    end: Edge = sa.bindparam("end", type_=_INSTANT)
    conditions = [*placed.conditions, in_any(counts.values(), begin, end)]
    keys = list(placed.keys)
    if timed:
        place, bucket = buckets({count.state for count in counts.values()})
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


def buckets(states: Collection[State]) -> tuple[sa.ColumnElement[int], sa.TableValuedAlias]:
    """The places of the buckets in which a dossier may stand in these states, counted from 1, and the buckets themselves.

    Places are found by bisection, so that a year by day costs a dossier the days it was alive and not 366 comparisons.
    """
    begins, ends = (sa.bindparam(edges, type_=INSTANTS) for edges in ("begins", "ends"))

    def place_of(instant: Edge) -> sa.ColumnElement[int]:
        return sa.func.width_bucket(instant, begins)

    first = sa.func.least(*(place_of(state.since) for state in states))
    last = sa.func.greatest(
        *(
            sa.func.coalesce(place_of(state.until), sa.func.cardinality(begins))
            if state.lasting
            else place_of(state.until)
            for state in states
        )
    )
    place = sa.func.generate_series(sa.func.greatest(1, first), last).column_valued("place")
    bucket = sa.func.unnest(begins, ends).table_valued(
        sa.column("begin", _INSTANT), sa.column("end", _INSTANT), with_ordinality="number"
    )
    return place, bucket.render_derived(name="bucket")
