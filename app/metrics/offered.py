"""Fee-bearing procedures by unit: which a unit offers, and which had an online payment or a dossier with a fee.

It reads the directory, and asks cells and dossiers; what a scheme makes of it, it refuses to know.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tables import procedure
from app.kit.prepared import prepared
from app.metrics import cell_queries, fee_procedures, pairs
from app.metrics.cells import Measure
from app.metrics.periods import Period, Span, midnight
from app.metrics.question import Question

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
        known = await pairs.known(connection, question, question.period.to + _DAY, zone)
        found = _read(await pairs.handled(connection, known, span, since))
    named = await _by_directory(connection, last, question)
    for unit, codes in named.items():
        _, paid_online, with_fee = found.get(unit, _NOTHING)
        found[unit] = Offered(codes, paid_online & codes, with_fee & codes)
    return {unit: one for unit, one in found.items() if one.procedures}


async def _by_directory(
    connection: AsyncConnection, last: date, question: Question
) -> Mapping[str, set[str]]:
    """Unit → the fee-bearing procedures that name it in the entry in force on the day `last`; perhaps none do bear one."""
    within = question.units is not None
    statement = prepared(("offered", "directory", within), lambda: _named(within=within))
    named: defaultdict[str, set[str]] = defaultdict(set)
    for row in await statement.rows(connection, {"last": last, **pairs.values(question)}):
        named[row["unit"]].update({row["code"]} if row["bears"] else ())
    return named


def _named(*, within: bool) -> sa.Select[Any]:
    p, last = procedure.c, sa.bindparam("last", type_=sa.Date)
    names = sa.func.unnest(p.offered_by).table_valued("unit", name="named").render_derived()
    unit = names.c.unit
    statement = (
        sa.select(unit, p.code, (p.code == sa.any_(pairs.CODES)).label("bears"))
        .select_from(procedure.join(names, sa.true()))
        .where(
            sa.or_(p.valid_from.is_(None), p.valid_from <= last),
            sa.or_(p.valid_to.is_(None), p.valid_to >= last),
        )
    )
    return statement.where(pairs.is_one_of(unit)) if within else statement


_ENDED: Final = ("ended_early", "ended_on_time", "ended_late", "ended_undated")
_ACTIVITY: Final = {
    "handled": Measure("within", ("received", *_ENDED)),
    "paid_online": Measure("within", ("paid_online",)),
    "with_fee": Measure("within", ("received_fee",)),
}


async def _by_cells(
    connection: AsyncConnection, question: Question, span: Span, since: datetime, zone: tzinfo, now: datetime
) -> dict[str, Offered] | None:
    """Unit → what it offers: what was handled in the period, by cells; what was before, and is not, by one dossier each.

    None where cells cannot tell the period.
    """
    groups = await cell_queries.told(connection, question, _ACTIVITY, [question.period], zone=zone, now=now)
    if groups is None:
        return None
    by_unit = cell_queries.Told(("offered", groups.shape), lambda: _active(groups.written()), groups.values)
    rows = await cell_queries.answered(connection, by_unit, zone, None)
    if rows is None:
        return None
    found = _read(rows)
    active = {(unit, code) for unit, one in found.items() for code in one.procedures}
    quiet = await pairs.known(connection, question, question.period.from_, zone) - active
    for unit, code in await pairs.alive(connection, quiet, span, since):
        one = found.get(unit, _NOTHING)
        found[unit] = one._replace(procedures=one.procedures | {code})
    return found


def _active(groups: sa.Select[Any]) -> sa.Select[Any]:
    one = groups.where(groups.selected_columns.unit.is_not(None)).subquery("one")
    place = sa.literal_column("1", sa.Integer).label("place")
    return pairs.by_unit(one.c, one.c.paid_online > 0, one.c.with_fee > 0).add_columns(place)


def _read(rows: Sequence[sa.RowMapping]) -> dict[str, Offered]:
    return {row["unit"]: Offered(*(frozenset(row[name] or ()) for name in Offered._fields)) for row in rows}


def _year_before(day: date) -> date:
    """The day after the same date of the year before: twelve months end with `day`."""
    before = (
        date(day.year - 1, 2, 28) if (day.month, day.day) == _LEAP_DAY else day.replace(year=day.year - 1)
    )
    return before + _DAY
