"""Answers a question from cells, when cells can answer it exactly; one statement, so one snapshot.

It reads cells, what is not summed up yet, and the few dossiers to which something happens in the cells that the present
instant cuts in two. What counts are sums of, and which cells cover a period, `cells` says.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import reduce
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import LAST_FACT, dossier
from app.kit.prepared import Prepared, prepared
from app.metrics.cells import (
    DEADLINES,
    FLOWS,
    INPUTS,
    LEARNT,
    MEASURES,
    SPANS,
    VERSION,
    Cover,
    Cut,
    Family,
    Measure,
    Piece,
    cover,
    family,
)
from app.metrics.keys import filters, keyed, keys, shape, values
from app.metrics.periods import Period
from app.metrics.question import Question
from app.metrics.tables import cell, cell_delta, cell_rules

_KEYS: Final = ("unit", "procedure", "sector", "channel")
_INSTANT: Final = sa.DateTime(timezone=True)
_d: Final = dossier.c


async def counted(
    connection: AsyncConnection,
    question: Question,
    buckets: Sequence[Period],
    *,
    zone: tzinfo,
    now: datetime,
    limit: int | None,
) -> list[sa.RowMapping] | None:
    """Rows of place (counted from 1), keys and counts, empty groups left out, at most `limit`.

    To be asked in a snapshot. None when cells cannot tell: a count that they do not hold, an edge inside a cell, or cells that are not counted by
    this version and for this zone.
    """
    asked = _asked(question)
    found = None if asked is None else cover(SPANS[asked.family], buckets, zone, now)
    if asked is None or found is None or (asked.learns and not found.learns()):
        return None
    wrong = _Wrong() if found.cut is None else await _wrong(connection, found.cut)
    statement = prepared(
        ("cells", question.counts, shape(question), wrong, found.cut is None, len(buckets) == 1),
        lambda: _guarded(
            _groups(question, asked, wrong, cut=found.cut is not None, single=len(buckets) == 1)
        ),
    )
    rows = await _rows(connection, statement, question, asked, found, len(buckets), str(zone), limit)
    if not rows or not rows[0]["kept"]:
        return None
    return [row for row in rows if row["place"] is not None]


class _Wrong(NamedTuple):
    """What makes cut cells wrong: facts at or after now, and deadlines that have passed since the cell began.

    Most often there is none of either; then the statement need not name the dossiers, and takes half the time to plan.
    """

    later_facts: bool = False
    passed_deadlines: bool = False


async def _wrong(connection: AsyncConnection, cut: Cut) -> _Wrong:
    (found,) = await prepared("cut", _any_wrong).rows(
        connection, {f"cut_{name}": value for name, value in cut._asdict().items()}
    )
    return _Wrong(found["later_facts"], found["passed_deadlines"])


def _any_wrong() -> sa.Select[bool, bool]:
    """The last of all facts, and the first deadline since the cell began: the ends of indexes, not searches."""
    (now,) = _edges("now")
    last = sa.select(sa.func.max(_last_fact())).select_from(dossier).scalar_subquery()
    first = sa.select(sa.func.min(_d.overdue_from)).where(*_falling_due()).scalar_subquery()
    return sa.select(
        sa.func.coalesce(last >= now, sa.false()).label("later_facts"),
        sa.func.coalesce(first < now, sa.false()).label("passed_deadlines"),
    )


class _Asked(NamedTuple):
    """What a question's counts need: which cells, which flows of these, and in what way."""

    family: Family
    measures: Mapping[str, Measure]
    flows: tuple[str, ...]

    @property
    def standing(self) -> bool:
        """Whether something that stands at an instant is asked for, so that all before the period is read too."""
        return any(measure.when != "within" for measure in self.measures.values())

    @property
    def learns(self) -> bool:
        return not LEARNT.isdisjoint(self.flows)

    @property
    def deadlines(self) -> bool:
        return not DEADLINES.isdisjoint(self.flows)


def _asked(question: Question) -> _Asked | None:
    if not MEASURES.keys() >= set(question.counts):
        return None
    found = family(keyed(question))
    measures = {key: MEASURES[key] for key in question.counts}
    if found is None or len({measure.submission for measure in measures.values()}) > 1:
        return None
    flows = dict.fromkeys(flow for told in measures.values() for flow in told.plus + told.minus)
    return _Asked(found, measures, tuple(flows))


async def _rows(
    connection: AsyncConnection,
    statement: Prepared,
    question: Question,
    asked: _Asked,
    covered: Cover,
    buckets: int,
    zone: str,
    limit: int | None,
) -> Sequence[sa.RowMapping]:
    given: dict[str, Any] = {"zone": zone, "places": buckets, "most": limit, **values(question)}
    facts = [piece for piece in covered.facts if asked.standing or piece.place > 0]
    given |= _pieces("facts", asked.family, facts, covered)
    if asked.deadlines:
        given |= _pieces("deadlines", asked.family, covered.deadlines, covered)
    if covered.cut is not None:
        given |= {f"cut_{name}": value for name, value in covered.cut._asdict().items()}
    if asked.deadlines and covered.cut is not None:
        given["due_until"] = max((piece.end for piece in covered.deadlines), default=date.min)
    return await statement.rows(connection, given)


def _pieces(name: str, cells: Family, pieces: Sequence[Piece], covered: Cover) -> dict[str, list[Any]]:
    return {
        f"{name}_grain": [f"{cells} {piece.span}" for piece in pieces],
        f"{name}_begin": [piece.begin for piece in pieces],
        f"{name}_end": [piece.end for piece in pieces],
        f"{name}_place": [piece.place for piece in pieces],
        # What runs until now has learnt all there is, but for the corrections.
        f"{name}_closed": [covered.closed.get(piece.place, date.max) for piece in pieces],
    }


def _guarded(groups: sa.Select[Any]) -> sa.Select[Any]:
    """The groups, if the cells are counted by the rules of here: no row at all, or `kept` false, says that they are not."""
    zone = sa.bindparam("zone", type_=sa.Text)
    kept = sa.and_(cell_rules.c.version == VERSION, cell_rules.c.timezone == zone)
    answered = groups.limit(sa.bindparam("most", type_=sa.Integer)).subquery("answered")
    return sa.select(kept.label("kept"), *answered.c).select_from(cell_rules.outerjoin(answered, kept))


def _groups(question: Question, asked: _Asked, wrong: _Wrong, *, cut: bool, single: bool) -> sa.Select[Any]:
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


def _sums(question: Question, asked: _Asked, wrong: _Wrong, *, cut: bool, single: bool) -> sa.Select[Any]:
    """Flows by place and key; of a single bucket also until its end, which needs no running sum."""
    parts = [_cells(question, asked, "facts"), _deltas(question, asked, cut=cut)]
    if asked.deadlines:
        parts.append(_cells(question, asked, "deadlines"))
    if wrong.later_facts:
        parts.append(_later_facts(question, asked))
    if wrong.passed_deadlines and asked.deadlines:
        parts.append(_passed_deadlines(question, asked))
    read = sa.union_all(*parts).subquery("read")
    named, source = keys(question, {name: read.c[name] for name in _KEYS}, read)
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


Kind = str
"""`facts` or `deadlines`."""


def _cells(question: Question, asked: _Asked, kind: Kind) -> sa.Select[Any]:
    """Cells piece by piece: each is a range of the index, however many cells there are.

    Without OFFSET 0 the planner, who does not know how few the pieces are, may rather read all cells once.
    """
    piece = _table(kind)
    flows = [flow for flow in asked.flows if (flow in DEADLINES) == (kind == "deadlines")]
    told = sa.true() if asked.learns and kind == "facts" else cell.c.learnt.is_(None)
    within = (
        sa.select(*(cell.c[name] for name in _KEYS), cell.c.learnt, *(cell.c[flow] for flow in flows))
        .where(
            cell.c.grain == piece.c.grain,
            cell.c.day >= piece.c.begin,
            cell.c.day < piece.c.end,
            told,
            *filters(question, _columns(cell)),
        )
        .offset(sa.literal_column("0"))
        .lateral("within")
    )
    learnt = _learnt(within.c.learnt, piece)
    columns = (
        (sa.case((learnt, within.c[flow]), else_=0) if flow in LEARNT else within.c[flow])
        if flow in flows
        else sa.literal_column("0", sa.Integer)
        for flow in asked.flows
    )
    return sa.select(
        piece.c.place,
        *(within.c[name] for name in _KEYS),
        *(column.label(flow) for column, flow in zip(columns, asked.flows, strict=True)),
    ).select_from(piece.join(within, sa.true()))


def _learnt(learnt: sa.ColumnElement[Any], piece: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    """Whether it was learnt by the end of the bucket, which is that of a cell; so a half's begin tells it."""
    return sa.or_(learnt.is_(None), learnt < piece.c.closed)


def _deltas(question: Question, asked: _Asked, *, cut: bool) -> sa.Select[Any]:
    """Pieces follow one another, so the one that a day lies in is found by bisection."""
    piece = _table("facts")
    begins = sa.bindparam("facts_begin", type_=ARRAY(sa.Date))
    number = sa.func.width_bucket(cell_delta.c.day, begins)
    within = sa.and_(piece.c.number == number, cell_delta.c.day < piece.c.end)
    learnt = _learnt(cell_delta.c.learnt, piece)
    passed = cell_delta.c.day < sa.bindparam("due_until", type_=sa.Date)

    def column(flow: str) -> sa.ColumnElement[int]:
        if flow in LEARNT:
            return sa.case((learnt, cell_delta.c[flow]), else_=0)
        if flow in DEADLINES and cut:
            return sa.case((passed, cell_delta.c[flow]), else_=0)
        return cell_delta.c[flow]

    return (
        sa.select(
            piece.c.place,
            *(cell_delta.c[name] for name in _KEYS),
            *(column(flow).label(flow) for flow in asked.flows),
        )
        .select_from(cell_delta.join(piece, within))
        .where(*filters(question, _columns(cell_delta)))
    )


def _table(kind: Kind) -> sa.TableValuedAlias:
    columns = {
        "grain": sa.Text,
        "begin": sa.Date,
        "end": sa.Date,
        "place": sa.Integer,
        "closed": sa.Date,
    }
    table = sa.func.unnest(
        *(sa.bindparam(f"{kind}_{name}", type_=ARRAY(kept)) for name, kept in columns.items())
    ).table_valued(
        *(sa.column(name, kept) for name, kept in columns.items()),
        with_ordinality="number",
    )
    return table.render_derived(name="piece")


def _later_facts(question: Question, asked: _Asked) -> sa.Select[Any]:
    """The facts in the cut cells from now on, taken off, and what counted before, but is learnt from now on.

    That is where few rows are: facts lie in the past.
    """
    begin, now, end = _edges("begin", "now", "end")
    flow = _flows()

    def column(name: str) -> sa.ColumnElement[int]:
        if name in DEADLINES:
            return sa.literal_column("0", sa.Integer)
        return -flow.c[name]

    return _of_dossiers(
        question,
        flow,
        (column(name).label(name) for name in asked.flows),
        _last_fact() >= now,
        flow.c.at < end,
        sa.or_(flow.c.at >= now, sa.and_(flow.c.at >= begin, flow.c.learnt_at >= now)),
    )


def _passed_deadlines(question: Question, asked: _Asked) -> sa.Select[Any]:
    """The deadlines of the cut cell before now: of a day there are few, since most lie at its end."""
    due_from, now = _edges("due_from", "now")
    flow = _flows()

    def column(name: str) -> sa.ColumnElement[int]:
        return flow.c[name] if name in DEADLINES else sa.literal_column("0", sa.Integer)

    return _of_dossiers(
        question,
        flow,
        (column(name).label(name) for name in asked.flows),
        *_falling_due(),
        _d.overdue_from < now,
        flow.c.at >= due_from,
        flow.c.at < now,
    )


def _last_fact() -> sa.ColumnElement[datetime]:
    return sa.literal_column(LAST_FACT, _INSTANT)


def _falling_due() -> tuple[sa.ColumnElement[bool], ...]:
    """Deadlines since the cut cell began, as the index has it that finds them."""
    (due_from,) = _edges("due_from")
    open_then = sa.or_(_d.counted_at.is_(None), _d.counted_at > _d.overdue_from)
    return ~_d.voided, open_then, _d.overdue_from >= due_from


def _edges(*names: str) -> tuple[sa.ColumnElement[datetime], ...]:
    return tuple(sa.bindparam(f"cut_{name}", type_=_INSTANT) for name in names)


def _flows() -> sa.TableValuedAlias:
    columns: tuple[sa.ColumnClause[Any], ...] = (
        sa.column("at", _INSTANT),
        sa.column("learnt_at", _INSTANT),
        sa.column("unit", sa.Text),
        sa.column("channel", sa.Text),
        *(sa.column(name, sa.Integer) for name in FLOWS),
    )
    return sa.func.dossier_flows(*(_d[name] for name in INPUTS)).table_valued(*columns).alias("flow")


def _of_dossiers(
    question: Question,
    flow: sa.TableValuedAlias,
    columns: Iterable[sa.ColumnElement[int]],
    *conditions: sa.ColumnElement[bool],
) -> sa.Select[Any]:
    named = {
        "unit": flow.c.unit,
        "procedure": _d.procedure,
        "sector": _d.sector,
        "channel": flow.c.channel,
    }
    return (
        sa.select(
            sa.bindparam("cut_place", type_=sa.Integer).label("place"),
            *(named[name] for name in _KEYS),
            *columns,
        )
        .select_from(dossier.join(flow, sa.true()))
        .where(~_d.voided, *conditions, *filters(question, named))
    )


def _columns(table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    return {name: table.c[name] for name in _KEYS}
