"""Fee-bearing procedures by unit: which a unit offers, and which had an online payment or a dossier with a fee.

It reads the directory, cells, and of dossiers what cells do not tell; what a scheme makes of it, it refuses to know.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tables import procedure
from app.dossiers.tables import dossier
from app.kit.prepared import prepared
from app.metrics import cell_queries, fee_procedures
from app.metrics.cells import Measure
from app.metrics.periods import Period, Span, midnight
from app.metrics.question import Question
from app.metrics.tables import cell, cell_delta

_DAY: Final = timedelta(days=1)
_LEAP_DAY: Final = (2, 29)


class Offered(NamedTuple):
    """The fee-bearing procedures that a unit offers.

    `paid_online`: those of which one of its dossiers was paid online in the period; `with_fee`: those of which one that
    bears a fee was received in it.
    """

    procedures: AbstractSet[str]
    paid_online: AbstractSet[str]
    with_fee: AbstractSet[str]


_NOTHING: Final = Offered(frozenset(), frozenset(), frozenset())


async def offered(
    connection: AsyncConnection, period: Period, units: Sequence[str] | None, *, zone: tzinfo, now: datetime
) -> dict[str, Offered]:
    """Unit → what it offers, of each of these very units (None: of all) that offers any (domain note §7).

    A unit that `offered_by` names in any entry in force on the period's last day, or today, offers the procedures that
    name it and no others; any other unit those with a dossier that had not ended before the twelve months before E, or
    was paid online in the period. A procedure is fee-bearing if the directory has or had it with a fee, or by a
    fee-bearing dossier of any unit (§6).
    """
    span = period.span(zone, now)
    last = (span.end - timedelta.resolution).astimezone(zone).date()
    charged = (await fee_procedures.charged(connection, None)).before(span.end)
    question = Question((), period, ("unit", "procedure"), units=units, procedures=charged)
    since = min(midnight(_year_before(last), zone), span.begin)
    found = await _by_cells(connection, question, span, since, zone, now)
    if found is None:
        found = await _by_dossiers(connection, question, span, since)
    named = await _by_directory(connection, last, question)
    for unit, codes in named.items():
        _, paid_online, with_fee = found.get(unit, _NOTHING)
        found[unit] = Offered(codes, paid_online & codes, with_fee & codes)
    return {unit: one for unit, one in found.items() if one.procedures}


_d: Final = dossier.c
_BEGIN, _END, _SINCE = (
    sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("begin", "end", "since")
)
_TEXTS: Final = ARRAY(sa.Text)
_CODES: Final = sa.bindparam("procedures", type_=_TEXTS)


async def _by_directory(
    connection: AsyncConnection, last: date, question: Question
) -> Mapping[str, set[str]]:
    """Unit → the fee-bearing procedures that name it in the entry in force on the day `last`; perhaps none do bear one."""
    within = question.units is not None
    statement = prepared(("offered", "directory", within), lambda: _named(within=within))
    named: defaultdict[str, set[str]] = defaultdict(set)
    for row in await statement.rows(connection, {"last": last, **_values(question)}):
        named[row["unit"]].update({row["code"]} if row["bears"] else ())
    return named


def _named(*, within: bool) -> sa.Select[Any]:
    p, last = procedure.c, sa.bindparam("last", type_=sa.Date)
    names = sa.func.unnest(p.offered_by).table_valued("unit", name="named").render_derived()
    unit = names.c.unit
    statement = (
        sa.select(unit, p.code, (p.code == sa.any_(_CODES)).label("bears"))
        .select_from(procedure.join(names, sa.true()))
        .where(
            sa.or_(p.valid_from.is_(None), p.valid_from <= last),
            sa.or_(p.valid_to.is_(None), p.valid_to >= last),
        )
    )
    return statement.where(_is_one_of(unit)) if within else statement


async def _by_dossiers(
    connection: AsyncConnection, question: Question, span: Span, since: datetime
) -> dict[str, Offered]:
    """What units offer by their dossiers since `since`, and by those that are still open."""
    within = question.units is not None
    statement = prepared(("offered", "dossiers", within), lambda: _handled(within=within))
    values = {"begin": span.begin, "end": span.end, "since": since, **_values(question)}
    return _read(await statement.rows(connection, values))


def _handled(*, within: bool) -> sa.Select[Any]:
    """Of every pair of unit and procedure a dossier of each kind is looked for: one is enough, and an index finds it."""
    pair = _every_pair() if within else _pairs()
    its = (~_d.voided, _d.procedure == pair.c.procedure, _d.unit == pair.c.unit, _d.received_at < _END)

    def some(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.exists().where(*its, *conditions)

    later = sa.func.unnest(_d.online_payments).column_valued("later")
    again = sa.select(later).where(later >= _BEGIN, later < _END).correlate(dossier).exists()
    last = _d.online_payments[sa.func.cardinality(_d.online_payments)]
    # Unknown is no fee: what an event or the entry of the day of reception says stands in the dossier.
    with_fee = (_d.fee_bearing, _d.received_at >= _BEGIN)
    told = sa.select(
        pair.c.unit,
        pair.c.procedure,
        sa.or_(some(_d.counted_at >= _SINCE), some(_d.counted_at.is_(None))).label("alive"),
        sa.or_(
            some(_d.paid_online_at >= _BEGIN, _d.paid_online_at < _END),
            some(sa.func.cardinality(_d.online_payments) > 1, last >= _BEGIN, again),
        ).label("paid_online"),
        sa.or_(some(_d.counted_at >= _BEGIN, *with_fee), some(_d.counted_at.is_(None), *with_fee)).label(
            "with_fee"
        ),
    ).subquery("told")
    one = sa.select(told).where(sa.or_(told.c.alive, told.c.paid_online)).subquery("one")
    return _by_unit(one.c, one.c.paid_online, one.c.with_fee)


def _every_pair() -> sa.Subquery:
    units, codes = (
        sa.func.unnest(texts).table_valued(sa.column("text", sa.Text)).render_derived(name=name)
        for name, texts in (("units", sa.bindparam("units", type_=_TEXTS)), ("codes", _CODES))
    )
    pair = sa.select(units.c.text.label("unit"), codes.c.text.label("procedure"))
    return pair.select_from(units.join(codes, sa.true())).subquery("pair")


def _pairs() -> sa.Subquery:
    """The units of each procedure's dossiers, by walking the index of procedures from unit to unit."""
    code = sa.func.unnest(_CODES).column_valued("charged")

    def next_unit(of: sa.ColumnElement[str], *after: sa.ColumnElement[bool]) -> sa.ScalarSelect[str]:
        units = sa.select(_d.unit).where(_d.procedure == of, _d.unit.is_not(None), *after)
        return units.order_by(_d.unit).limit(sa.literal_column("1")).scalar_subquery()

    walked = sa.select(code.label("procedure"), next_unit(code).label("unit")).cte("walked", recursive=True)
    following = next_unit(walked.c.procedure, _d.unit > walked.c.unit)
    walked = walked.union_all(sa.select(walked.c.procedure, following).where(walked.c.unit.is_not(None)))
    return sa.select(walked).where(walked.c.unit.is_not(None)).subquery("pair")


_ENDED: Final = ("ended_early", "ended_on_time", "ended_late", "ended_undated")
_ACTIVITY: Final = {
    "handled": Measure("within", ("received", *_ENDED)),
    "paid_online": Measure("within", ("paid_online",)),
    "with_fee": Measure("within", ("received_fee",)),
}


async def _by_cells(
    connection: AsyncConnection, question: Question, span: Span, since: datetime, zone: tzinfo, now: datetime
) -> dict[str, Offered] | None:
    """As `_by_dossiers`: what was handled in the period, by cells; what was before, and is not, by one dossier each."""
    groups = await cell_queries.told(connection, question, _ACTIVITY, [question.period], zone=zone, now=now)
    if groups is None:
        return None
    by_unit = cell_queries.Told(("offered", groups.shape), lambda: _active(groups.written()), groups.values)
    rows = await cell_queries.answered(connection, by_unit, zone, None)
    if rows is None:
        return None
    found = _read(rows)
    within = question.units is not None
    statement = prepared(("offered", "known", within), lambda: _known(within=within))
    known = await statement.rows(connection, {"first": question.period.from_, **_values(question)})
    quiet = [
        (row["unit"], code)
        for row in known
        for code in set(row["procedures"]) - found.get(row["unit"], _NOTHING).procedures
    ]
    for unit, code in await _still_offered(connection, quiet, span, since):
        one = found.get(unit, _NOTHING)
        found[unit] = one._replace(procedures=one.procedures | {code})
    return found


def _active(groups: sa.Select[Any]) -> sa.Select[Any]:
    one = groups.where(groups.selected_columns.unit.is_not(None)).subquery("one")
    place = sa.literal_column("1", sa.Integer).label("place")
    return _by_unit(one.c, one.c.paid_online > 0, one.c.with_fee > 0).add_columns(place)


def _known(*, within: bool) -> sa.Select[Any]:
    """Unit → the procedures that any of its dossiers of before the period was of: in cells, or not summed up yet."""
    first = sa.bindparam("first", type_=sa.Date)
    either = sa.union(
        *(
            sa.select(table.c.unit, table.c.procedure).where(
                table.c.day < first,
                table.c.unit.is_not(None),
                table.c.procedure == sa.any_(_CODES),
                *([cell.c.grain == "unit procedure year"] if table is cell else []),
                *([_is_one_of(table.c.unit)] if within else []),
            )
            for table in (cell, cell_delta)
        )
    ).subquery("either")
    procedures = sa.func.array_agg(either.c.procedure, type_=_TEXTS)
    return sa.select(either.c.unit, procedures.label("procedures")).group_by(either.c.unit)


async def _still_offered(
    connection: AsyncConnection, pairs: Sequence[tuple[str, str]], span: Span, since: datetime
) -> Sequence[tuple[str, str]]:
    """Which of these pairs of unit and procedure have a dossier that had not ended before the twelve months."""
    if not pairs:
        return []
    units, codes = zip(*pairs, strict=True)
    values = {"end": span.end, "since": since, "units": list(units), "procedures": list(codes)}
    rows = await prepared(("offered", "still"), _still).rows(connection, values)
    return [(row["unit"], row["procedure"]) for row in rows]


def _still() -> sa.Select[Any]:
    pair = sa.func.unnest(sa.bindparam("units", type_=_TEXTS), _CODES).table_valued(
        sa.column("unit", sa.Text), sa.column("procedure", sa.Text)
    )
    pair = pair.render_derived(name="pair")
    its = (~_d.voided, _d.procedure == pair.c.procedure, _d.unit == pair.c.unit, _d.received_at < _END)
    ended, is_open = (
        sa.exists().where(*its, at) for at in (_d.counted_at >= _SINCE, _d.counted_at.is_(None))
    )
    return sa.select(pair.c.unit, pair.c.procedure).where(sa.or_(ended, is_open))


def _by_unit(
    pair: sa.ColumnCollection[str, Any], paid_online: sa.ColumnElement[bool], with_fee: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """One row a unit, out of one for each procedure that it offers."""
    procedures = sa.func.array_agg(pair.procedure, type_=_TEXTS)
    return sa.select(
        pair.unit,
        procedures.label("procedures"),
        procedures.filter(paid_online).label("paid_online"),
        procedures.filter(with_fee).label("with_fee"),
    ).group_by(pair.unit)


def _read(rows: Sequence[sa.RowMapping]) -> dict[str, Offered]:
    return {row["unit"]: Offered(*(frozenset(row[name] or ()) for name in Offered._fields)) for row in rows}


def _values(question: Question) -> dict[str, Any]:
    return {"procedures": question.procedures, "units": question.units and list(question.units)}


def _is_one_of(unit: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return unit == sa.any_(sa.bindparam("units", type_=ARRAY(sa.Text)))


def _year_before(day: date) -> date:
    """The day after the same date of the year before: twelve months end with `day`."""
    before = (
        date(day.year - 1, 2, 28) if (day.month, day.day) == _LEAP_DAY else day.replace(year=day.year - 1)
    )
    return before + _DAY
