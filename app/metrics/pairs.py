"""Pairs of a unit and a procedure: which there are, and which have a dossier that was handled in some time.

It asks cells for the pairs, where they are usable, and looks for one dossier of each; what it means to offer a
procedure, it refuses to know.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, tzinfo
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.kit.prepared import prepared
from app.metrics import cell_queries
from app.metrics.counted import last_payment, paid_online, payments
from app.metrics.periods import Span
from app.metrics.question import Question
from app.metrics.tables import cell, cell_delta

_d: Final = dossier.c
_BEGIN, _END, _SINCE = (
    sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("begin", "end", "since")
)
TEXTS: Final = ARRAY(sa.Text)
CODES: Final = sa.bindparam("procedures", type_=TEXTS)


_Row = sa.Select[Sequence[str], Sequence[str]]

Pairs = AbstractSet[tuple[str, str]]
"""Pairs of a unit and a procedure."""


async def known(connection: AsyncConnection, question: Question, until: date, zone: tzinfo) -> Pairs:
    """The pairs that a dossier of before the local day `until` was of, and perhaps some more."""
    within = question.units is not None
    if await cell_queries.usable(connection, zone):
        statement = prepared(("pairs", "cells", within), lambda: _from_cells(within=within))
    else:
        statement = prepared(("pairs", "dossiers", within), lambda: _from_dossiers(within=within))
    (found,) = await statement.rows(connection, {"until": until, **values(question)})
    return set(zip(found["units"] or (), found["procedures"] or (), strict=True))


def _from_cells(*, within: bool) -> _Row:
    """In cells, or not summed up yet."""
    until = sa.bindparam("until", type_=sa.Date)
    return _one_row(
        sa.union(
            _of(cell, cell.c.grain == "unit procedure year", cell.c.day < until, within=within),
            _of(cell_delta, cell_delta.c.day < until, within=within),
        )
    )


def _from_dossiers(*, within: bool) -> _Row:
    return _one_row(_of(dossier, within=within).distinct())


def _of(table: sa.Table, *conditions: sa.ColumnElement[bool], within: bool) -> sa.Select[Any]:
    unit, code = table.c.unit, table.c.procedure
    allowed = (is_one_of(unit),) if within else ()
    return sa.select(unit, code).where(unit.is_not(None), code == sa.any_(CODES), *allowed, *conditions)


def _one_row(pairs: sa.SelectBase) -> _Row:
    pair = pairs.subquery("pair").c
    units, codes = (sa.func.array_agg(text, type_=TEXTS) for text in (pair.unit, pair.procedure))
    return sa.select(units.label("units"), codes.label("procedures"))


async def handled(
    connection: AsyncConnection, pairs: Pairs, span: Span, since: datetime
) -> Sequence[sa.RowMapping]:
    """Unit → those procedures of these pairs that it handled, as `by_unit` tells them.

    Of each a dossier is looked for that was paid online in [begin, E), one that bears a fee and was received in it, and,
    if there is none, one that had not ended before `since`. One is enough, and an index finds it.
    """
    values = {"begin": span.begin, "end": span.end, "since": since, **_as_values(pairs)}
    return await prepared(("pairs", "handled"), _handled).rows(connection, values)


def _handled() -> sa.Select[Any]:
    pair = _pair()

    def some(*conditions: sa.ColumnElement[bool], of: sa.FromClause = pair) -> sa.ColumnElement[bool]:
        return sa.exists().where(*_its(of), *conditions)

    # Unknown is no fee: what an event or the entry of the day of reception says stands in the dossier.
    with_fee = (_d.fee_bearing, _d.received_at >= _BEGIN)
    shown = (
        sa.select(
            pair.c.unit,
            pair.c.procedure,
            sa.or_(
                some(_d.paid_online_at >= _BEGIN, _d.paid_online_at < _END),
                some(payments > 1, last_payment >= _BEGIN, paid_online(_BEGIN, _END)),
            ).label("paid_online"),
            sa.or_(some(_d.counted_at >= _BEGIN, *with_fee), some(_d.counted_at.is_(None), *with_fee)).label(
                "with_fee"
            ),
        )
        .offset(sa.literal_column("0"))  # else each is looked for again wherever it is named
        .subquery("shown")
    )
    alive = sa.or_(some(_d.counted_at >= _SINCE, of=shown), some(_d.counted_at.is_(None), of=shown))
    one = sa.select(shown).where(sa.or_(shown.c.paid_online, shown.c.with_fee, alive)).subquery("one")
    return by_unit(one.c, one.c.paid_online, one.c.with_fee)


def _its(pair: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The dossiers of a pair of unit and procedure that were received before E."""
    of = (_d.procedure == pair.c.procedure, _d.unit == pair.c.unit)
    return [~_d.voided, *of, _d.received_at < _END]


def _pair() -> sa.TableValuedAlias:
    pair = sa.func.unnest(sa.bindparam("units", type_=TEXTS), CODES).table_valued(
        sa.column("unit", sa.Text), sa.column("procedure", sa.Text)
    )
    return pair.render_derived(name="pair")


async def alive(
    connection: AsyncConnection, pairs: Pairs, span: Span, since: datetime
) -> Sequence[tuple[str, str]]:
    """Which of these pairs have a dossier, received before E, that had not ended before `since`."""
    if not pairs:
        return []
    values = {"end": span.end, "since": since, **_as_values(pairs)}
    rows = await prepared(("pairs", "alive"), _alive).rows(connection, values)
    return [(row["unit"], row["procedure"]) for row in rows]


def _alive() -> sa.Select[Any]:
    pair = _pair()
    ended, is_open = (
        sa.exists().where(*_its(pair), at) for at in (_d.counted_at >= _SINCE, _d.counted_at.is_(None))
    )
    return sa.select(pair.c.unit, pair.c.procedure).where(sa.or_(ended, is_open))


def _as_values(pairs: Pairs) -> dict[str, list[str]]:
    """In the order of the index that looks for them."""
    ordered = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
    return {"units": [unit for unit, _ in ordered], "procedures": [code for _, code in ordered]}


def by_unit(
    pair: sa.ColumnCollection[str, Any], paid_online: sa.ColumnElement[bool], with_fee: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """One row a unit, out of one a pair: its procedures, and those of them that were paid online, or bore a fee."""
    procedures = sa.func.array_agg(pair.procedure, type_=TEXTS)
    return sa.select(
        pair.unit,
        procedures.label("procedures"),
        procedures.filter(paid_online).label("paid_online"),
        procedures.filter(with_fee).label("with_fee"),
    ).group_by(pair.unit)


def values(question: Question) -> dict[str, Any]:
    """The procedures and units of a question, as the statements of here and `is_one_of` take them."""
    return {"procedures": question.procedures, "units": question.units and list(question.units)}


def is_one_of(unit: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a unit is one of those asked for."""
    return unit == sa.any_(sa.bindparam("units", type_=ARRAY(sa.Text)))
