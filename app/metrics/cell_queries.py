"""Answers a question from cells, when cells can answer it exactly; one statement, so one snapshot.

It reads cells, what is not summed up yet, and the few dossiers to which something happens in the cell that the present
instant cuts in two. What counts are sums of, and which cells cover a period, `cells` says.
"""

import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import reduce
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier, last_edge
from app.metrics.cells import (
    DEADLINES,
    FLOWS,
    MEASURES,
    VERSION,
    Cover,
    Cut,
    Measure,
    Piece,
    Term,
    cover,
    grains,
)
from app.metrics.keys import filters, keys
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

    None when cells cannot tell: a count that they do not hold, an edge inside a cell, or cells that are not counted by
    this version and for this zone.
    """
    if not MEASURES.keys() >= set(question.counts):
        return None
    found = cover(grains(_asked(question)), buckets, zone, now)
    if found is None:
        return None
    statement = _guarded(_groups(question, found, len(buckets)).limit(limit), zone)
    rows = (await connection.execute(statement)).mappings().all()
    if not rows or not rows[0]["kept"]:
        return None
    return [row for row in rows if row["place"] is not None]


def _asked(question: Question) -> frozenset[str]:
    """The keys by which is filtered or grouped."""
    filtered = {"procedure": question.procedures, "sector": question.sectors}
    asked = frozenset(question.by) | {key for key, allowed in filtered.items() if allowed is not None}
    return asked | {"sector"} if question.sector_unknown else asked


def _guarded(groups: sa.Select[Any], zone: tzinfo) -> sa.Select[Any]:
    """The groups, if the cells are counted by the rules of here: no row at all, or `kept` false, says that they are not."""
    kept = sa.and_(cell_rules.c.version == VERSION, cell_rules.c.timezone == str(zone))
    answered = groups.subquery("answered")
    return sa.select(kept.label("kept"), *answered.c).select_from(cell_rules.outerjoin(answered, kept))


def _groups(question: Question, covered: Cover, buckets: int) -> sa.Select[Any]:
    measures = {key: MEASURES[key] for key in question.counts}
    terms = list(dict.fromkeys(term for told in measures.values() for term in told.plus + told.minus))
    standing = any(told.when != "within" for told in measures.values())
    sums = _sums(question, covered, terms, standing=standing).subquery("sums")
    names = [by for by in question.by if by in sums.c]
    if standing:
        sums = _stood(sums, names, len(terms), buckets).subquery("stood")
    places = {term: number for number, term in enumerate(terms)}
    columns = [_count(told, places, sums).label(key) for key, told in measures.items()]
    return sa.select(sums.c.place, *(sums.c[name] for name in names), *columns).where(
        sa.or_(*(column.element > 0 for column in columns))
    )


def _count(told: Measure, places: Mapping[Term, int], sums: sa.FromClause) -> sa.ColumnElement[int]:
    def value(term: Term) -> sa.ColumnElement[int]:
        within = sums.c[f"within_{places[term]}"]
        if told.when == "within":
            return within
        until = sums.c[f"until_{places[term]}"]
        return until - within if told.when == "at_begin" else until

    added = (value(term) for term in told.plus)
    taken_off = (-value(term) for term in told.minus)
    return reduce(operator.add, (*added, *taken_off))


def _stood(sums: sa.Subquery, names: Sequence[str], terms: int, buckets: int) -> sa.Select[Any]:
    """A row for every bucket that a group is known in or after: its flows there, and the sums of all until its end."""

    def over(value: sa.Function[Any]) -> sa.ColumnElement[Any]:
        by = [sums.c[name] for name in names]
        return value.over(partition_by=by or None, order_by=sums.c.place)

    running = sa.select(
        sums,
        over(sa.func.lead(sums.c.place, 1, buckets + 1)).label("next"),
        *(
            sa.cast(over(sa.func.sum(sums.c[f"within_{n}"])), sa.BigInteger).label(f"until_{n}")
            for n in range(terms)
        ),
    ).subquery("running")
    series = sa.func.generate_series(sa.func.greatest(running.c.place, 1), running.c.next - 1)
    bucket = series.table_valued(sa.column("place", sa.Integer)).render_derived(name="bucket")
    own = running.c.place == bucket.c.place
    return sa.select(
        bucket.c.place,
        *(running.c[name] for name in names),
        *(sa.case((own, running.c[f"within_{n}"]), else_=0).label(f"within_{n}") for n in range(terms)),
        *(running.c[f"until_{n}"] for n in range(terms)),
    ).select_from(running.join(bucket, sa.true()))


def _sums(question: Question, covered: Cover, terms: Sequence[Term], *, standing: bool) -> sa.Select[Any]:
    """Flows by place and key. What lies before the period is read only where something stands."""
    flows = list(dict.fromkeys(term.flow for term in terms))
    pieces = [piece for piece in covered.pieces if standing or piece.place > 0]
    parts = [*_cells(question, pieces, flows), _deltas(question, pieces, flows)]
    if covered.cut is not None and (standing or covered.cut.place > 0):
        parts.append(_corrections(question, covered.cut, flows))
    read = sa.union_all(*parts).subquery("read")
    named, source = keys(question, {name: read.c[name] for name in _KEYS}, read)
    totals = (
        sa.func.coalesce(
            sa.func.sum(read.c[term.flow]).filter(
                read.c.channel == term.channel if term.channel is not None else sa.true()
            ),
            0,
        ).label(f"within_{number}")
        for number, term in enumerate(terms)
    )
    return sa.select(read.c.place, *named, *totals).select_from(source).group_by(read.c.place, *named)


def _cells(question: Question, pieces: Sequence[Piece], flows: Sequence[str]) -> Iterator[sa.Select[Any]]:
    """One select a grain, since an index of some grains only is of use only where the grain is written out."""
    for grain in dict.fromkeys(piece.grain for piece in pieces):
        piece = _table([one for one in pieces if one.grain == grain])
        within = sa.and_(cell.c.day >= piece.c.begin, cell.c.day < piece.c.end)
        yield (
            sa.select(piece.c.place, *_kept(cell, piece, flows))
            .select_from(piece.join(cell, within))
            .where(cell.c.grain == sa.literal_column(f"'{grain}'"), *filters(question, _columns(cell)))
        )


def _deltas(question: Question, pieces: Sequence[Piece], flows: Sequence[str]) -> sa.Select[Any]:
    """Pieces follow one another, so the one that a day lies in is found by bisection."""
    piece = _table(pieces)
    begins = sa.literal([one.begin for one in pieces], ARRAY(sa.Date))
    number = sa.func.width_bucket(cell_delta.c.day, begins)
    within = sa.and_(piece.c.number == number, cell_delta.c.day < piece.c.end)
    return (
        sa.select(piece.c.place, *_kept(cell_delta, piece, flows))
        .select_from(cell_delta.join(piece, within))
        .where(*filters(question, _columns(cell_delta)))
    )


def _table(pieces: Sequence[Piece]) -> sa.TableValuedAlias:
    arrays = (
        sa.literal([piece.begin for piece in pieces], ARRAY(sa.Date)),
        sa.literal([piece.end for piece in pieces], ARRAY(sa.Date)),
        sa.literal([piece.place for piece in pieces], ARRAY(sa.Integer)),
        sa.literal([piece.whole for piece in pieces], ARRAY(sa.Boolean)),
    )
    table = sa.func.unnest(*arrays).table_valued(
        sa.column("begin", sa.Date),
        sa.column("end", sa.Date),
        sa.column("place", sa.Integer),
        sa.column("whole", sa.Boolean),
        with_ordinality="number",
    )
    return table.render_derived(name="piece")


def _kept(
    table: sa.Table, piece: sa.TableValuedAlias, flows: Sequence[str]
) -> Iterator[sa.ColumnElement[Any]]:
    yield from (table.c[name] for name in _KEYS)
    for flow in flows:
        column = table.c[flow]
        yield sa.case((piece.c.whole, column), else_=0).label(flow) if flow in DEADLINES else column


def _corrections(question: Question, cut: Cut, flows: Collection[str]) -> sa.Select[Any]:
    """What makes the cut cell right: the facts in it from now on, taken off, and its deadlines before now, added.

    That is where few rows are: facts lie in the past, and most deadlines at the end of a day or in the future.
    """
    begin, now, end = (sa.literal(at, _INSTANT) for at in (cut.begin, cut.now, cut.end))
    flow = (
        sa.func.dossier_flows(
            _d.received_at,
            _d.counted_at,
            _d.service_level,
            _d.outcome,
            _d.end_kind,
            _d.overdue_from,
            _d.supplement_waits,
            _d.fee_waits,
            _d.full_eligible,
            _d.late_in_data_only,
        )
        .table_valued(sa.column("at", _INSTANT), *(sa.column(name, sa.Integer) for name in FLOWS))
        .alias("flow")
    )
    past = flow.c.at < now
    columns = (
        sa.case((past, flow.c[name]), else_=0)
        if name in DEADLINES
        else sa.case((past, 0), else_=-flow.c[name])
        for name in flows
    )
    return (
        sa.select(sa.literal(cut.place, sa.Integer), *(_d[name] for name in _KEYS), *columns)
        .select_from(dossier.join(flow, sa.true()))
        .where(
            ~_d.voided,
            _d.received_at.is_not(None),
            flow.c.at >= begin,
            flow.c.at < end,
            sa.or_(*_touched(flows, begin, now, end)),
            *filters(question, _columns(dossier)),
        )
    )


def _touched(
    flows: Collection[str],
    begin: sa.ColumnElement[datetime],
    now: sa.ColumnElement[datetime],
    end: sa.ColumnElement[datetime],
) -> Iterator[sa.ColumnElement[bool]]:
    """Whose flows may need correcting; every condition has an index of its own."""
    yield sa.and_(_d.received_at >= now, _d.received_at < end)
    yield sa.and_(_d.counted_at >= now, _d.counted_at < end)
    for kind in ("supplement", "fee"):
        if f"waiting_{kind}" in flows:
            waits = f"{kind}_waits"
            last = sa.literal_column(last_edge(f"dossier.{waits}"), _INSTANT)
            yield sa.and_(sa.literal_column(f"dossier.{waits} <> '{{}}'", sa.Boolean), last >= now)
    if "fell_due" in flows:
        late = sa.or_(_d.counted_at.is_(None), _d.counted_at > _d.overdue_from)
        yield sa.and_(_d.overdue_from >= begin, _d.overdue_from < now, ~_d.voided, late)


def _columns(table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    return {name: table.c[name] for name in _KEYS}
