"""Answers a question from cells, when cells can answer it exactly; one statement, so one snapshot.

It reads cells, what is not summed up yet, and the few dossiers to which something happens in the cells that the present
instant cuts in two. What counts are sums of, and which cells cover a period, `cells` says.
"""

import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import reduce
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.kit.prepared import prepared
from app.metrics import fee_procedures
from app.metrics.cell_reads import (
    KEYS,
    Asked,
    any_wrong,
    from_cells,
    from_deltas,
    from_later_facts,
    from_passed_deadlines,
)
from app.metrics.cells import (
    MEASURES,
    VERSION,
    Cover,
    Cut,
    Family,
    Measure,
    Piece,
    cover,
    family,
    spans,
)
from app.metrics.fee_procedures import Charged
from app.metrics.keys import keyed, keys, shape, values
from app.metrics.periods import Period
from app.metrics.question import Question
from app.metrics.tables import cell_rules


class Told(NamedTuple):
    """Groups of place (counted from 1) and keys as cells tell them: how their statement is written, and its values.

    Equal shapes are written alike.
    """

    shape: Hashable
    written: Callable[[], sa.Select[Any]]
    values: Mapping[str, Any]


async def told(
    connection: AsyncConnection,
    question: Question,
    measures: Mapping[str, Measure],
    buckets: Sequence[Period],
    *,
    zone: tzinfo,
    now: datetime,
) -> Told | None:
    """Groups with these measures, under the question's filters and keys; None where cells of no kind know these.

    To be asked in a snapshot.
    """
    asked = _asked(question, measures)
    found = None if asked is None else cover(spans(asked.family, asked.flows), buckets, zone, now)
    if asked is None or found is None or (asked.learns and not found.learns()):
        return None
    wrong = _Wrong() if found.cut is None else await _wrong(connection, found.cut, asked.deadlines)
    cut, single = found.cut is not None, len(buckets) == 1
    return Told(
        (tuple(measures.items()), question.by, shape(question), wrong, cut, single),
        lambda: _groups(question, asked, wrong, cut=cut, single=single),
        {"places": len(buckets), **values(question), **_covered(asked, found)},
    )


async def answered(
    connection: AsyncConnection, told: Told, zone: tzinfo, most: int | None
) -> list[sa.RowMapping] | None:
    """At most so many rows; None where cells are not counted by this version and for this zone."""
    statement = prepared(("cells", told.shape), lambda: _guarded(told.written()))
    rows = await statement.rows(connection, {"zone": str(zone), "most": most, **told.values})
    if not rows or not rows[0]["kept"]:
        return None
    return [row for row in rows if row["place"] is not None]


async def counted(
    connection: AsyncConnection,
    question: Question,
    buckets: Sequence[Period],
    *,
    zone: tzinfo,
    now: datetime,
    limit: int | None,
    charged: Charged | None = None,
) -> list[sa.RowMapping] | None:
    """Rows of place, keys and counts, empty groups left out, at most `limit`.

    With `charged` these procedures are counted, and not dossiers. To be asked in a snapshot. None when cells cannot tell:
    a count that they do not hold, an edge inside a cell, or cells that are not counted by this version and for this zone.
    """
    if not MEASURES.keys() >= set(question.counts):
        return None
    measures = {key: MEASURES[key] for key in question.counts}
    of = question if charged is None else fee_procedures.by_procedure(question, charged)
    groups = await told(connection, of, measures, buckets, zone=zone, now=now)
    if groups is not None and charged is not None:
        ends = [bucket.span(zone, now).end for bucket in buckets]
        groups = _procedures(groups, question, charged.values(ends))
    return None if groups is None else await answered(connection, groups, zone, limit)


def _procedures(groups: Told, question: Question, values: Mapping[str, Any]) -> Told:
    return Told(
        ("procedures", question.by, groups.shape),
        lambda: fee_procedures.distinct(question, groups.written()),
        {**groups.values, **values},
    )


class _Wrong(NamedTuple):
    """What makes cut cells wrong: facts at or after now, and deadlines that have passed since the cell began.

    Most often there is none of either; then the statement need not name the dossiers, and takes half the time to plan.
    """

    later_facts: bool = False
    passed_deadlines: bool = False


async def _wrong(connection: AsyncConnection, cut: Cut, deadlines: frozenset[str]) -> _Wrong:
    (found,) = await prepared(("cut", deadlines), lambda: any_wrong(deadlines)).rows(
        connection, {f"cut_{name}": value for name, value in cut._asdict().items()}
    )
    return _Wrong(found["later_facts"], found["passed_deadlines"])


def _asked(question: Question, measures: Mapping[str, Measure]) -> Asked | None:
    found = family(keyed(question))
    if found is None or len({measure[3:] for measure in measures.values()}) > 1:
        return None
    flows = dict.fromkeys(flow for told in measures.values() for flow in told.plus + told.minus)
    return Asked(found, measures, tuple(flows))


def _covered(asked: Asked, covered: Cover) -> dict[str, Any]:
    """The parameters that say which cells are read, and where the present instant cuts them."""
    given: dict[str, Any] = {}
    for name, pieces in (("facts", covered.facts), ("deadlines", covered.deadlines)):
        read = [piece for piece in pieces if asked.standing or piece.place > 0]
        given |= _pieces(name, asked.family, read, covered)
    if covered.cut is not None:
        given |= {f"cut_{name}": value for name, value in covered.cut._asdict().items()}
    if asked.deadlines and covered.cut is not None:
        given["due_until"] = max((piece.end for piece in covered.deadlines), default=date.min)
    return given


def _pieces(name: str, cells: Family, pieces: Sequence[Piece], covered: Cover) -> dict[str, list[Any]]:
    return {
        f"{name}_grain": [f"{cells} {piece.span}" for piece in pieces],
        f"{name}_begin": [piece.begin for piece in pieces],
        f"{name}_end": [piece.end for piece in pieces],
        f"{name}_place": [piece.place for piece in pieces],
        f"{name}_since": [covered.begins.get(piece.place, date.max) for piece in pieces],
    }


async def usable(connection: AsyncConnection, zone: tzinfo) -> bool:
    """Whether cells are counted by this version and for this zone."""
    rows = await prepared("usable", lambda: sa.select(_KEPT.label("kept"))).rows(
        connection, {"zone": str(zone)}
    )
    return any(row["kept"] for row in rows)


_KEPT: Final = sa.and_(
    cell_rules.c.version == VERSION, cell_rules.c.timezone == sa.bindparam("zone", type_=sa.Text)
)


def _guarded(groups: sa.Select[Any]) -> sa.Select[Any]:
    """The groups, if the cells are counted by the rules of here: no row at all, or `kept` false, says that they are not."""
    answered = groups.limit(sa.bindparam("most", type_=sa.Integer)).subquery("answered")
    return sa.select(_KEPT.label("kept"), *answered.c).select_from(cell_rules.outerjoin(answered, _KEPT))


def _groups(question: Question, asked: Asked, wrong: _Wrong, *, cut: bool, single: bool) -> sa.Select[Any]:
    sums = _sums(question, asked, wrong, cut=cut, single=single).subquery("sums")
    names = [by for by in question.by if by in sums.c]
    if asked.standing and not single:
        sums = _stood(sums, names, asked.flows).subquery("stood")
    columns = [_count(told, sums).label(key) for key, told in asked.measures.items()]
    return sa.select(sums.c.place, *(sums.c[name] for name in names), *columns).where(
        sa.or_(*(column.element > 0 for column in columns))
    )


def _count(told: Measure, sums: sa.FromClause) -> sa.ColumnElement[int]:
    def value(flow: str) -> sa.ColumnElement[int]:
        within = sums.c[f"within_{flow}"]
        if told.when == "within":
            return within
        until = sums.c[f"until_{flow}"]
        return until - within if told.when == "at_begin" else until

    added = (value(flow) for flow in told.plus)
    taken_off = (-value(flow) for flow in told.minus)
    return reduce(operator.add, (*added, *taken_off))


def _stood(sums: sa.Subquery, names: Sequence[str], flows: Sequence[str]) -> sa.Select[Any]:
    """A row for every bucket that a group is known in or after: its flows there, and the sums of all until its end."""
    places = sa.bindparam("places", type_=sa.Integer)

    def over(value: sa.Function[Any]) -> sa.ColumnElement[Any]:
        by = [sums.c[name] for name in names]
        return value.over(partition_by=by or None, order_by=sums.c.place)

    running = sa.select(
        sums,
        over(sa.func.lead(sums.c.place, 1, places + 1)).label("next"),
        *(
            sa.cast(over(sa.func.sum(sums.c[f"within_{flow}"])), sa.BigInteger).label(f"until_{flow}")
            for flow in flows
        ),
    ).subquery("running")
    series = sa.func.generate_series(sa.func.greatest(running.c.place, 1), running.c.next - 1)
    bucket = series.table_valued(sa.column("place", sa.Integer)).render_derived(name="bucket")
    own = running.c.place == bucket.c.place
    return sa.select(
        bucket.c.place,
        *(running.c[name] for name in names),
        *(sa.case((own, running.c[f"within_{flow}"]), else_=0).label(f"within_{flow}") for flow in flows),
        *(running.c[f"until_{flow}"] for flow in flows),
    ).select_from(running.join(bucket, sa.true()))


def _sums(question: Question, asked: Asked, wrong: _Wrong, *, cut: bool, single: bool) -> sa.Select[Any]:
    """Flows by place and key; of a single bucket also until its end, which needs no running sum."""
    parts = [from_cells(question, asked, "facts"), from_deltas(question, asked, cut=cut)]
    if asked.deadlines:
        parts.append(from_cells(question, asked, "deadlines"))
    if wrong.later_facts:
        parts.append(from_later_facts(question, asked))
    if wrong.passed_deadlines and asked.deadlines:
        parts.append(from_passed_deadlines(question, asked))
    read = sa.union_all(*parts).subquery("read")
    named, source = keys(question, {name: read.c[name] for name in KEYS}, read)
    totals = {flow: sa.func.sum(read.c[flow]) for flow in asked.flows}
    if not single:
        within = (total.label(f"within_{flow}") for flow, total in totals.items())
        return sa.select(read.c.place, *named, *within).select_from(source).group_by(read.c.place, *named)
    inside = read.c.place == 1
    return (
        sa.select(
            sa.literal_column("1", sa.Integer).label("place"),
            *named,
            *(
                sa.func.coalesce(total.filter(inside), 0).label(f"within_{flow}")
                for flow, total in totals.items()
            ),
            *(total.label(f"until_{flow}") for flow, total in totals.items()),
        )
        .select_from(source)
        .group_by(*named)
    )
