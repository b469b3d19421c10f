"""Where the numbers of an answer are read: cells, what is not summed up yet, and the dossiers that correct cut cells.

Which cells cover a period, and what an answer adds up, it does not know.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.dossiers.tables import LAST_FACT, dossier
from app.metrics.cells import DEADLINES, FLOWS, INPUTS, LEARNT, Family, Measure
from app.metrics.keys import filters
from app.metrics.question import Question
from app.metrics.tables import cell, cell_delta

KEYS: Final = ("unit", "procedure", "sector", "channel")
_INSTANT: Final = sa.DateTime(timezone=True)
_d: Final = dossier.c


class Asked(NamedTuple):
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
        """Whether something counts only once it was learnt."""
        return not LEARNT.isdisjoint(self.flows)

    @property
    def deadlines(self) -> frozenset[str]:
        """The flows that lie at deadlines, which may be ahead."""
        return DEADLINES.intersection(self.flows)


def any_wrong(deadlines: AbstractSet[str]) -> sa.Select[bool, bool]:
    """The last of all facts, and the first such deadline since the cell began: the ends of indexes, not searches."""
    due_from, now = _edges("due_from", "now")
    last = sa.select(sa.func.max(_last_fact())).select_from(dossier).scalar_subquery()
    passed: list[sa.ColumnElement[bool]] = [sa.false()]
    for deadline, *conditions in _passing(deadlines):
        first = sa.select(sa.func.min(deadline)).where(~_d.voided, deadline >= due_from, *conditions)
        passed.append(sa.func.coalesce(first.scalar_subquery() < now, sa.false()))
    return sa.select(
        sa.func.coalesce(last >= now, sa.false()).label("later_facts"),
        sa.or_(*passed).label("passed_deadlines"),
    )


Kind = Literal["facts", "deadlines"]


def from_cells(question: Question, asked: Asked, kind: Kind) -> sa.Select[Any]:
    """Cells piece by piece: each is a range of the index, however many cells there are.

    Without OFFSET 0 the planner, who does not know how few the pieces are, may rather read all cells once.
    """
    piece = _table(kind)
    flows = [flow for flow in asked.flows if (flow in DEADLINES) == (kind == "deadlines")]
    told = cell.c.since.is_(None) if LEARNT.isdisjoint(flows) else sa.true()
    within = (
        sa.select(*(cell.c[name] for name in KEYS), cell.c.since, *(cell.c[flow] for flow in flows))
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
    own = _own(within.c.since, piece)
    columns = (
        (sa.case((own, within.c[flow]), else_=0) if flow in LEARNT else within.c[flow])
        if flow in flows
        else sa.literal_column("0", sa.Integer)
        for flow in asked.flows
    )
    return sa.select(
        piece.c.place,
        *(within.c[name] for name in KEYS),
        *(column.label(flow) for column, flow in zip(columns, asked.flows, strict=True)),
    ).select_from(piece.join(within, sa.true()))


def _own(since: sa.ColumnElement[Any], piece: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    """Whether what was learnt belongs to the bucket, which begins with a half; so a half's begin tells it."""
    return sa.or_(since.is_(None), since >= piece.c.since)


def from_deltas(question: Question, asked: Asked, *, cut: bool) -> sa.Select[Any]:
    """Pieces follow one another, so the one that a day lies in is found by bisection."""
    piece = _table("facts")
    begins = sa.bindparam("facts_begin", type_=ARRAY(sa.Date))
    number = sa.func.width_bucket(cell_delta.c.day, begins)
    within = sa.and_(piece.c.number == number, cell_delta.c.day < piece.c.end)
    own = _own(cell_delta.c.since, piece)
    passed = cell_delta.c.day < sa.bindparam("due_until", type_=sa.Date)

    def column(flow: str) -> sa.ColumnElement[int]:
        counts = ([own] if flow in LEARNT else []) + ([passed] if flow in DEADLINES and cut else [])
        return sa.case((sa.and_(*counts), cell_delta.c[flow]), else_=0) if counts else cell_delta.c[flow]

    return (
        sa.select(
            piece.c.place,
            *(cell_delta.c[name] for name in KEYS),
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
        "since": sa.Date,
    }
    table = sa.func.unnest(
        *(sa.bindparam(f"{kind}_{name}", type_=ARRAY(kept)) for name, kept in columns.items())
    ).table_valued(
        *(sa.column(name, kept) for name, kept in columns.items()),
        with_ordinality="number",
    )
    return table.render_derived(name="piece")


def from_later_facts(question: Question, asked: Asked) -> sa.Select[Any]:
    """The facts in the cut cells from now on, taken off: few, since facts lie in the past."""
    now, end = _edges("now", "end")
    flow = _flows()

    def column(name: str) -> sa.ColumnElement[int]:
        return sa.literal_column("0", sa.Integer) if name in DEADLINES else -_of_bucket(flow, name)

    return _of_dossiers(
        question,
        flow,
        (column(name).label(name) for name in asked.flows),
        _last_fact() >= now,
        flow.c.at >= now,
        flow.c.at < end,
    )


def from_passed_deadlines(question: Question, asked: Asked) -> sa.Select[Any]:
    """The deadlines of the cut cell before now: of a day there are few, since most lie at its end."""
    due_from, now = _edges("due_from", "now")
    flow = _flows()

    def column(name: str) -> sa.ColumnElement[int]:
        return _of_bucket(flow, name) if name in DEADLINES else sa.literal_column("0", sa.Integer)

    passing = (
        sa.and_(deadline >= due_from, deadline < now, *conditions)
        for deadline, *conditions in _passing(asked.deadlines)
    )
    return _of_dossiers(
        question,
        flow,
        (column(name).label(name) for name in asked.flows),
        sa.or_(*passing),
        flow.c.at >= due_from,
        flow.c.at < now,
    )


def _of_bucket(flow: sa.TableValuedAlias, name: str) -> sa.ColumnElement[int]:
    """What a flow adds to the bucket that the cut lies in."""
    (begin,) = _edges("begin")
    own = sa.or_(flow.c.since_at.is_(None), flow.c.since_at >= begin)
    return sa.case((own, flow.c[name]), else_=0) if name in LEARNT else flow.c[name]


def _last_fact() -> sa.ColumnElement[datetime]:
    return sa.literal_column(LAST_FACT, _INSTANT)


def _passing(deadlines: AbstractSet[str]) -> Iterator[tuple[Any, ...]]:
    """The deadlines at which such flows lie, each with the conditions of the index that finds it.

    Most dossiers end before their deadline passes: where only lateness is asked for, those are not read.
    """
    late = sa.or_(_d.counted_at.is_(None), _d.counted_at > _d.overdue_from)
    if deadlines:
        yield (_d.overdue_from,) if deadlines & {"due", "due_kept"} else (_d.overdue_from, late)
    if "received_fell_late" in deadlines:
        yield _d.portal_overdue_from, _d.portal_overdue_from.is_distinct_from(_d.overdue_from)


def _edges(*names: str) -> tuple[sa.ColumnElement[datetime], ...]:
    return tuple(sa.bindparam(f"cut_{name}", type_=_INSTANT) for name in names)


def _flows() -> sa.TableValuedAlias:
    columns: tuple[sa.ColumnClause[Any], ...] = (
        sa.column("at", _INSTANT),
        sa.column("since_at", _INSTANT),
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
            *(named[name] for name in KEYS),
            *columns,
        )
        .select_from(dossier.join(flow, sa.true()))
        .where(~_d.voided, *conditions, *filters(question, named))
    )


def _columns(table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    return {name: table.c[name] for name in KEYS}
