"""Fee-bearing procedures by unit: which a unit offers, and which had an online payment or a dossier with a fee.

It reads the dossier table and the directory in one statement; what a scheme makes of it, it refuses to know.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tables import procedure
from app.dossiers.tables import dossier
from app.metrics.periods import Period, midnight

_DAY: Final = timedelta(days=1)
_LEAP_DAY: Final = (2, 29)


class Offered(NamedTuple):
    """One fee-bearing procedure that a unit offers, by its dossiers of the last twelve months."""

    unit: str
    procedure: str
    paid_online: bool
    with_fee: bool


async def offered(
    connection: AsyncConnection, period: Period, units: Sequence[str] | None, *, zone: tzinfo, now: datetime
) -> list[Offered]:
    """Of these very units (None: of all), every fee-bearing procedure with a dossier in the twelve months before E.

    `paid_online`: one of its dossiers was paid online in the period; `with_fee`: one that bears a fee was received in
    it. A procedure is fee-bearing by its directory entry or by a fee-bearing dossier of any unit (domain note §6).
    """
    span = period.span(zone, now)
    since = min(midnight(_year_before((span.end - _DAY / 86_400).astimezone(zone).date()), zone), span.begin)
    d, other = dossier.c, dossier.alias("other").c
    payment = sa.func.unnest(d.online_payments).column_valued("payment")
    paid = sa.select(payment).where(payment >= span.begin, payment < span.end).correlate(dossier).exists()
    # One row a procedure, however many periods it has: one that the directory had with a fee is fee-bearing.
    charged = sa.select(procedure.c.code).where(procedure.c.fee_required).distinct().subquery("charged")
    bears = sa.func.coalesce(d.fee_bearing, charged.c.code.is_not(None))
    proven = sa.exists().where(
        other.procedure == d.procedure, other.fee_bearing, ~other.voided, other.received_at < span.end
    )
    conditions = [
        ~d.voided,
        d.unit.is_not(None),
        d.procedure.is_not(None),
        d.received_at < span.end,
        sa.or_(d.counted_at.is_(None), d.counted_at >= since, d.paid_online_at >= since),
        sa.or_(charged.c.code.is_not(None), proven),
    ]
    if units is not None:
        conditions.append(d.unit == sa.any_(sa.literal(list(units), ARRAY(sa.Text))))
    statement = (
        sa.select(
            d.unit,
            d.procedure,
            sa.func.bool_or(paid),
            sa.func.bool_or(sa.and_(bears, d.received_at >= span.begin)),
        )
        .select_from(dossier.outerjoin(charged, charged.c.code == d.procedure))
        .where(*conditions)
        .group_by(d.unit, d.procedure)
    )
    return [Offered(*row) for row in await connection.execute(statement)]


def _year_before(day: date) -> date:
    """The day after the same date of the year before: twelve months end with `day`."""
    before = (
        date(day.year - 1, 2, 28) if (day.month, day.day) == _LEAP_DAY else day.replace(year=day.year - 1)
    )
    return before + _DAY
