"""Where the numbers of an answer are read: cells, what is not summed up yet, and the dossiers that correct cut cells.

Which cells cover a period, and what an answer adds up, it does not know.
"""

from collections.abc import Iterable, Mapping
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
    def deadlines(self) -> bool:
        """Whether something counts by a deadline, which may lie ahead."""
        return not DEADLINES.isdisjoint(self.flows)


def any_wrong() -> sa.Select[bool, bool]:
    """The last of all facts, and the first deadline since the cell began: the ends of indexes, not searches."""
    (now,) = _edges("now")
    last = sa.select(sa.func.max(_last_fact())).select_from(dossier).scalar_subquery()
    first = sa.select(sa.func.min(_d.overdue_from)).where(*_falling_due()).scalar_subquery()
    return sa.select(
        sa.func.coalesce(last >= now, sa.false()).label("later_facts"),
        sa.func.coalesce(first < now, sa.false()).label("passed_deadlines"),
    )


Kind = Literal["facts", "deadlines"]


def from_cells(question: Question, asked: Asked, kind: Kind) -> sa.Select[Any]:
    """Cells piece by piece: each is a range of the index, however many cells there are.

    Without OFFSET 0 the planner, who does not know how few the pieces are, may rather read all cells once.
    """
    piece = _table(kind)
    flows = [flow for flow in asked.flows if (flow in DEADLINES) == (kind == "deadlines")]
    told = sa.true() if asked.learns and kind == "facts" else cell.c.learnt.is_(None)
    within = (
        sa.select(*(cell.c[name] for name in KEYS), cell.c.learnt, *(cell.c[flow] for flow in flows))
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
        *(within.c[name] for name in KEYS),
        *(column.label(flow) for column, flow in zip(columns, asked.flows, strict=True)),
    ).select_from(piece.join(within, sa.true()))


def _learnt(learnt: sa.ColumnElement[Any], piece: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    """Whether it was learnt by the end of the bucket, which is that of a cell; so a half's begin tells it."""
    return sa.or_(learnt.is_(None), learnt < piece.c.closed)


def from_deltas(question: Question, asked: Asked, *, cut: bool) -> sa.Select[Any]:
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
        "closed": sa.Date,
    }
    table = sa.func.unnest(
        *(sa.bindparam(f"{kind}_{name}", type_=ARRAY(kept)) for name, kept in columns.items())
    ).table_valued(
        *(sa.column(name, kept) for name, kept in columns.items()),
        with_ordinality="number",
    )
    return table.render_derived(name="piece")


def from_later_facts(question: Question, asked: Asked) -> sa.Select[Any]:
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


def from_passed_deadlines(question: Question, asked: Asked) -> sa.Select[Any]:
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
            *(named[name] for name in KEYS),
            *columns,
        )
        .select_from(dossier.join(flow, sa.true()))
        .where(~_d.voided, *conditions, *filters(question, named))
    )


def _columns(table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    return {name: table.c[name] for name in KEYS}
