"""Fee-bearing procedures by unit: which a unit offers, and which had an online payment or a dossier with a fee.

It reads the directory and the dossier table; what a scheme makes of it, it refuses to know.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tables import procedure
from app.dossiers.tables import dossier
from app.kit.prepared import prepared
from app.metrics.periods import Period, Span, midnight

_DAY: Final = timedelta(days=1)
_LEAP_DAY: Final = (2, 29)


class Offered(NamedTuple):
    """One fee-bearing procedure that a unit offers.

    `paid_online`: one of its dossiers with this unit was paid online in the period; `with_fee`: one that bears a fee was
    received in it.
    """

    unit: str
    procedure: str
    paid_online: bool
    with_fee: bool


async def offered(
    connection: AsyncConnection, period: Period, units: Sequence[str] | None, *, zone: tzinfo, now: datetime
) -> list[Offered]:
    """Every fee-bearing procedure that each of these very units (None: of all) offers (domain note §7).

    A unit that `offered_by` names in any entry in force on the period's last day, or today, offers the procedures that
    name it and no others; any other unit those with a dossier in the twelve months before E. A procedure is fee-bearing
    if the directory has or had it with a fee, or by a fee-bearing dossier of any unit (§6).
    """
    span = period.span(zone, now)
    last = (span.end - timedelta.resolution).astimezone(zone).date()
    found = await _by_dossiers(connection, span, last, units, zone)
    named = await _by_directory(connection, span, last, units)
    told = {(one.unit, one.procedure): one for one in found}
    return [
        *(one for one in found if one.unit not in named),
        *(
            told.get((unit, code), Offered(unit, code, paid_online=False, with_fee=False))
            for unit, codes in sorted(named.items())
            for code in sorted(codes)
        ),
    ]


_d: Final = dossier.c
# One row a procedure, however many periods it has: one that the directory had with a fee is fee-bearing.
_charged: Final = sa.select(procedure.c.code).where(procedure.c.fee_required).distinct().subquery("charged")


_BEGIN, _END, _SINCE = (
    sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("begin", "end", "since")
)
_LAST: Final = sa.bindparam("last", type_=sa.Date)


def _proven(code: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a dossier shows, before E, that a procedure bears a fee."""
    other = dossier.alias("other").c
    return sa.exists().where(
        other.procedure == code, other.fee_bearing, ~other.voided, other.received_at < _END
    )


async def _by_directory(
    connection: AsyncConnection, span: Span, last: date, units: Sequence[str] | None
) -> Mapping[str, set[str]]:
    """Unit → the fee-bearing procedures that name it in the entry in force on the day `last`; perhaps none do bear one."""
    statement = prepared(("offered", "directory", units is None), lambda: _named(within=units is not None))
    values = {"end": span.end, "last": last, "units": units and list(units)}
    named: defaultdict[str, set[str]] = defaultdict(set)
    for row in await statement.rows(connection, values):
        named[row["unit"]].update({row["code"]} if row["bears"] else ())
    return named


def _named(*, within: bool) -> sa.Select[Any]:
    p = procedure.c
    names = sa.func.unnest(p.offered_by).table_valued("unit", name="named").render_derived()
    unit = names.c.unit
    bears = sa.or_(sa.exists().where(_charged.c.code == p.code), _proven(p.code))
    statement = (
        sa.select(unit, p.code, bears.label("bears"))
        .select_from(procedure.join(names, sa.true()))
        .where(
            sa.or_(p.valid_from.is_(None), p.valid_from <= _LAST),
            sa.or_(p.valid_to.is_(None), p.valid_to >= _LAST),
        )
    )
    return statement.where(_is_one_of(unit)) if within else statement


async def _by_dossiers(
    connection: AsyncConnection, span: Span, last: date, units: Sequence[str] | None, zone: tzinfo
) -> list[Offered]:
    """Every fee-bearing procedure of a unit's dossiers of the twelve months that end with the day `last`."""
    since = min(midnight(_year_before(last), zone), span.begin)
    statement = prepared(("offered", "dossiers", units is None), lambda: _handled(within=units is not None))
    values = {"begin": span.begin, "end": span.end, "since": since, "units": units and list(units)}
    return [Offered(**row) for row in await statement.rows(connection, values)]


def _handled(*, within: bool) -> sa.Select[Any]:
    payment = sa.func.unnest(_d.online_payments).column_valued("payment")
    paid = sa.select(payment).where(payment >= _BEGIN, payment < _END).correlate(dossier).exists()
    conditions = [
        ~_d.voided,
        _d.unit.is_not(None),
        _d.procedure.is_not(None),
        _d.received_at < _END,
        sa.or_(_d.counted_at.is_(None), _d.counted_at >= _SINCE, _d.paid_online_at >= _SINCE),
        sa.or_(_charged.c.code.is_not(None), _proven(_d.procedure)),
    ]
    if within:
        conditions.append(_is_one_of(_d.unit))
    return (
        sa.select(
            _d.unit,
            _d.procedure,
            sa.func.bool_or(paid).label("paid_online"),
            # Unknown is no fee: what an event or the entry of the day of reception says stands in the dossier.
            sa.func.bool_or(sa.and_(_d.fee_bearing.is_(True), _d.received_at >= _BEGIN)).label("with_fee"),
        )
        .select_from(dossier.outerjoin(_charged, _charged.c.code == _d.procedure))
        .where(*conditions)
        .group_by(_d.unit, _d.procedure)
    )


def _is_one_of(unit: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return unit == sa.any_(sa.bindparam("units", type_=ARRAY(sa.Text)))


def _year_before(day: date) -> date:
    """The day after the same date of the year before: twelve months end with `day`."""
    before = (
        date(day.year - 1, 2, 28) if (day.month, day.day) == _LEAP_DAY else day.replace(year=day.year - 1)
    )
    return before + _DAY
