"""Counts fee-bearing procedures, each once in a group, out of how often it was received or paid online there.

It knows which procedures bear a fee, and how dossiers tell of them one by one; whether cells tell it instead, and which
questions there are, it refuses to know.
"""

from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.directory.tables import procedure
from app.dossiers.tables import dossier
from app.metrics.counted import taking_part
from app.metrics.keys import filters, keys
from app.metrics.question import Question

HANDLED: Final = "fee_procedures"
PAID: Final = "fee_procedures_paid_online"

INSTANTS: Final = ARRAY(sa.DateTime(timezone=True))
"""Begins and ends of the buckets of a question, which follow one another: parameters of the statements here."""
_INSTANT: Final = sa.DateTime(timezone=True)


_d: Final = dossier.c


def _bucket() -> sa.TableValuedAlias:
    """The end E of each bucket, by its place counted from 1."""
    ends = sa.func.unnest(sa.bindparam("ends", type_=INSTANTS))
    return ends.table_valued(sa.column("end", _INSTANT), with_ordinality="place").render_derived(
        name="bucket"
    )


def by_procedure(question: Question) -> Question:
    """The question in whose groups every procedure stands by itself."""
    return question if "procedure" in question.by else replace(question, by=(*question.by, "procedure"))


def distinct(question: Question, groups: sa.Select[Any]) -> sa.Select[Any]:
    """The groups of `question`, out of those `by_procedure`; groups without any fee-bearing procedure are absent.

    A procedure bears a fee if the directory has, or had, it with one; or from the first reception of a dossier that
    bears one, of any unit, which is the begin of a range of an index.
    """
    one = groups.cte("one").prefix_with("MATERIALIZED")
    named = sa.select(one.c.procedure).where(one.c.procedure.is_not(None)).distinct().subquery("named")
    since = (
        sa.select(_d.received_at)
        .where(_d.procedure == named.c.procedure, _d.fee_bearing, ~_d.voided, _d.received_at.is_not(None))
        .order_by(_d.received_at)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    charged = sa.exists().where(procedure.c.code == named.c.procedure, procedure.c.fee_required)
    ever = sa.literal_column("'-infinity'::timestamptz", _INSTANT)
    begun = sa.select(named.c.procedure, sa.case((charged, ever), else_=since).label("since"))
    bearing = begun.cte("bearing").prefix_with("MATERIALIZED")  # else it may be found again for every group
    bucket = _bucket()
    found = [one.c[by] for by in question.by if by in one.c]
    columns = [sa.func.count().filter(one.c[key] > 0).label(key) for key in question.counts]
    return (
        sa.select(one.c.place, *found, *columns)
        .select_from(
            one.join(bucket, bucket.c.place == one.c.place).join(
                bearing, sa.and_(bearing.c.procedure == one.c.procedure, bearing.c.since < bucket.c.end)
            )
        )
        .where(sa.or_(*(one.c[key] > 0 for key in question.counts)))
        .group_by(one.c.place, *found)
    )


def from_dossiers(question: Question, *, timed: bool) -> sa.Select[Any]:
    """The groups of a question that is `by_procedure`: receptions and online payments, told one by one.

    A payment counts once its dossier is received, which may be later. Buckets follow one another.
    """
    payment = sa.func.unnest(_d.online_payments).table_valued(sa.column("at", _INSTANT))
    payment = payment.render_derived(name="payment")
    told = sa.union_all(
        _told(question, dossier, _d.received_at, paid=False),
        _told(question, dossier.join(payment, sa.true()), payment.c.at, paid=True),
    ).subquery("told")
    place: sa.ColumnElement[Any] = sa.literal_column("1", sa.Integer)
    if timed:
        place = sa.func.width_bucket(told.c.at, sa.bindparam("begins", type_=INSTANTS))
    placed = sa.select(place.label("place"), told).subquery("placed")
    bucket = _bucket()
    found = [placed.c[by] for by in question.by if by in placed.c]
    counts = {HANDLED: sa.func.count(), PAID: sa.func.count().filter(placed.c.paid)}
    return (
        sa.select(placed.c.place, *found, *(counts[key].label(key) for key in question.counts))
        .select_from(placed.join(bucket, bucket.c.place == placed.c.place))
        .where(placed.c.received_at < bucket.c.end)
        .group_by(placed.c.place, *found)
    )


def _told(
    question: Question, source: sa.FromClause, at: sa.ColumnElement[Any], *, paid: bool
) -> sa.Select[Any]:
    columns: dict[str, sa.ColumnElement[Any]] = {
        name: _d[name] for name in ("unit", "procedure", "sector", "channel")
    }
    named, source = keys(question, columns, source)
    span = (
        at >= sa.bindparam("begin", type_=_INSTANT),
        at < sa.bindparam("end", type_=_INSTANT),
    )
    return (
        sa.select(
            *named, at.label("at"), _d.received_at, sa.literal_column(str(paid), sa.Boolean).label("paid")
        )
        .select_from(source)
        .where(*taking_part(submission=False), *span, *filters(question, columns))
    )
