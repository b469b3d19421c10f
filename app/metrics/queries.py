"""The one door to counted dossiers: numbers for a period, under filters, by up to two group keys.

It reads the dossier table in one statement; callers know a question and its groups, never a table, so that
pre-counted cells can answer behind the same door. What the numbers mean together is the catalogue's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
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
    buckets = _begun(question.period, times[0], zone, now) if times else [question.period]
    if not buckets:
        return []
    if limit is not None and len(buckets) > limit:
        raise TooManyGroups
    spans = [bucket.span(zone, now) for bucket in buckets]
    statement = _statement(question, spans, timed=bool(times)).limit(None if limit is None else limit + 1)
    rows = (await connection.execute(statement)).mappings().all()
    if limit is not None and len(rows) > limit:
        raise TooManyGroups
    return [_group(question, buckets, row) for row in rows]


def _begun(period: Period, by: TimeGroup, zone: tzinfo, now: datetime) -> list[Period]:
    return [bucket for bucket in period.split(by) if midnight(bucket.from_, zone) < now]


def _group(question: Question, buckets: Sequence[Period], row: sa.RowMapping) -> Group:
    keys = (buckets[row["place"] - 1].label(by) if by in TIME_GROUPS else row[by] for by in question.by)
    return Group(tuple(keys), {key: row[key] for key in question.counts})


_Edge = sa.ColumnElement[datetime]
_Test = sa.ColumnElement[bool]
_State = Callable[[_Edge, _Edge], _Test]

_INSTANT: Final = sa.DateTime(timezone=True)
_d: Final = dossier.c


def _received(begin: _Edge, end: _Edge) -> _Test:
    return sa.and_(_d.received_at >= begin, _d.received_at < end)


def _ended(begin: _Edge, end: _Edge) -> _Test:
    return sa.and_(_d.counted_at >= begin, _d.counted_at < end)


def _alive(begin: _Edge, end: _Edge) -> _Test:
    return sa.and_(_d.received_at < end, sa.or_(_d.counted_at.is_(None), _d.counted_at >= begin))


def _carried_over(begin: _Edge, _: _Edge) -> _Test:
    return _alive(begin, begin)


def _in_progress(_: _Edge, end: _Edge) -> _Test:
    return _alive(end, end)


_SCOPES: Final[Mapping[_State, _State]] = {
    _received: _received,
    _ended: _ended,
    _carried_over: _alive,
    _in_progress: _alive,
}
"""Where the dossiers of each state are looked for; a period's scope is the union of its buckets' scopes."""


class _Count(NamedTuple):
    """Dossiers in a state of the period that also pass a test at E."""

    state: _State
    test: Callable[[_Edge], _Test] = lambda _: sa.true()

    def column(self, key: str, begin: _Edge, end: _Edge) -> sa.ColumnElement[int]:
        return sa.func.count().filter(self.state(begin, end), self.test(end)).label(key)


def _is(column: sa.ColumnElement[Any], value: str) -> Callable[[_Edge], _Test]:
    return lambda _: column == value


# Domain note §6. `overdue_from` and the waits answer for any instant, past or present; waits are (begin, end].
_COUNTS: Final[Mapping[str, _Count]] = {
    "received": _Count(_received),
    **{
        f"received_{channel}": _Count(_received, _is(_d.channel, channel))
        for channel in ("online", "counter", "post")
    },
    **{
        f"received_level_{level}": _Count(_received, _is(_d.service_level, level))
        for level in ("full", "partial", "none")
    },
    "received_level_unknown": _Count(_received, lambda _: _d.service_level.is_(None)),
    "carried_over": _Count(_carried_over),
    **{
        f"resolved_{outcome}": _Count(_ended, _is(_d.outcome, outcome))
        for outcome in ("early", "on_time", "late", "undated")
    },
    "withdrawn": _Count(_ended, _is(_d.end_kind, "withdrawn")),
    "stopped": _Count(_ended, _is(_d.end_kind, "stopped")),
    "in_progress_not_due": _Count(
        _in_progress, lambda end: sa.or_(_d.overdue_from.is_(None), _d.overdue_from >= end)
    ),
    "in_progress_overdue": _Count(_in_progress, lambda end: _d.overdue_from < end),
    "waiting_supplement": _Count(_in_progress, _d.supplement_waits.contains),
    "waiting_fee": _Count(_in_progress, _d.fee_waits.contains),
}


def _statement(question: Question, spans: Sequence[Span], *, timed: bool) -> sa.Select[Any]:
    begin: _Edge = sa.literal(spans[0].begin)
    end: _Edge = sa.literal(spans[-1].end)
    scopes = {_SCOPES[_COUNTS[key].state] for key in question.counts}
    keys, source = _keys(question)
    conditions = [~_d.voided, _d.received_at.is_not(None), _in_any(scopes, begin, end), *_filters(question)]
    if timed:
        place, bucket = _buckets(spans)
        begin, end = bucket.c.begin, bucket.c.end
        keys = [place.label("place"), *keys]
        conditions += [bucket.c.number == place, _in_any(scopes, begin, end)]
    counts = [_COUNTS[key].column(key, begin, end) for key in question.counts]
    return sa.select(*keys, *counts).select_from(source).where(*conditions).group_by(*keys)


def _in_any(scopes: Iterable[_State], begin: _Edge, end: _Edge) -> _Test:
    return sa.or_(*(scope(begin, end) for scope in scopes))


def _keys(question: Question) -> tuple[list[sa.ColumnElement[Any]], sa.FromClause]:
    source: sa.FromClause = dossier
    columns: dict[str, sa.ColumnElement[Any]] = {
        "unit": _d.unit,
        "child": _d.unit,
        "procedure": _d.procedure,
        "sector": _d.sector,
        "channel": _d.channel,
    }
    for by in question.by:
        if groups := question.regroup.get(by):
            group = _groups(by, groups)
            source = source.outerjoin(group, group.c.code == columns[by])
            columns[by] = sa.func.coalesce(group.c.group, columns[by])
    return [columns[by].label(by) for by in question.by if by in columns], source


def _groups(by: str, groups: Mapping[str, str]) -> sa.TableValuedAlias:
    """Code → group as a table of two columns; the codes are different, so that joining it repeats no dossier."""
    codes, grouped = (sa.literal(list(side), ARRAY(sa.Text)) for side in (groups.keys(), groups.values()))
    pairs = sa.func.unnest(codes, grouped).table_valued(
        sa.column("code", sa.Text), sa.column("group", sa.Text)
    )
    return pairs.render_derived(name=f"{by}_groups")


def _filters(question: Question) -> Iterator[_Test]:
    for column, allowed in (
        (_d.unit, question.units),
        (_d.procedure, question.procedures),
        (_d.sector, question.sectors),
        (_d.channel, question.channels),
    ):
        if allowed is not None:
            yield column == sa.any_(sa.literal(list(allowed), ARRAY(sa.Text)))


def _buckets(spans: Sequence[Span]) -> tuple[sa.ColumnElement[int], sa.TableValuedAlias]:
    """The places of the buckets that a dossier touches, counted from 1, and the buckets themselves.

    Places are found by bisection, so that a year by day costs a dossier the days it was alive and not 366 comparisons.
    """
    begins, ends = (sa.literal(list(edges), ARRAY(_INSTANT)) for edges in zip(*spans, strict=True))
    received, counted = (sa.func.width_bucket(instant, begins) for instant in (_d.received_at, _d.counted_at))
    place = sa.func.generate_series(
        sa.func.greatest(1, sa.func.least(received, counted)),
        sa.func.greatest(received, sa.func.coalesce(counted, len(spans))),
    ).column_valued("place")
    bucket = sa.func.unnest(begins, ends).table_valued(
        sa.column("begin", _INSTANT), sa.column("end", _INSTANT), with_ordinality="number"
    )
    return place, bucket.render_derived(name="bucket")
