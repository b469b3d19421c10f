"""Counts fee-bearing procedures, each once in a group, out of how often it was received or paid online there.

It knows which procedures bear a fee, and how dossiers tell of them one by one; whether cells tell it instead, and which
questions there are, it refuses to know.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tables import procedure
from app.dossiers.tables import dossier
from app.events.instants import EARLIEST
from app.kit.prepared import prepared
from app.metrics.counted import last_payment, payments, taking_part
from app.metrics.keys import filters, keys
from app.metrics.question import Question

HANDLED: Final = "fee_procedures"
PAID: Final = "fee_procedures_paid_online"

INSTANTS: Final = ARRAY(sa.DateTime(timezone=True))
"""Begins and ends of the buckets of a question, which follow one another: parameters of the statements here."""
_INSTANT: Final = sa.DateTime(timezone=True)
_EVER: Final = datetime(EARLIEST, 1, 1, tzinfo=UTC)
"""No event is of before this."""

_d: Final = dossier.c


def _bucket() -> sa.TableValuedAlias:
    """The end E of each bucket, by its place counted from 1."""
    ends = sa.func.unnest(sa.bindparam("ends", type_=INSTANTS))
    return ends.table_valued(sa.column("end", _INSTANT), with_ordinality="place").render_derived(
        name="bucket"
    )


class Charged(NamedTuple):
    """Procedures that bear a fee, and since when each is known to: whenever the directory has or had it with one, from ever."""

    codes: list[str]
    since: list[datetime]

    def before(self, end: datetime) -> list[str]:
        """Those that are known to before an instant."""
        return [code for code, since in zip(self.codes, self.since, strict=True) if since < end]

    def values(self, ends: Sequence[datetime]) -> dict[str, Any]:
        """The parameters of `distinct`, for buckets with these ends: of procedures, those that some of them are too early for."""
        later = [
            (code, since) for code, since in zip(self.codes, self.since, strict=True) if since >= ends[0]
        ]
        return {
            "ends": ends,
            "later_codes": [code for code, _ in later],
            "later_since": [since for _, since in later],
        }


async def charged(connection: AsyncConnection, wanted: Sequence[str] | None) -> Charged:
    """Those of `wanted` (None: of all) that bear a fee: by the directory, or by the first dossier received with one."""
    rows = await prepared("charged", _charged).rows(connection, {})
    found = [row for row in rows if wanted is None or row["procedure"] in wanted]
    return Charged([row["procedure"] for row in found], [row["since"] for row in found])


def _charged() -> sa.Select[Any]:
    """The index of fee-bearing dossiers is walked from procedure to procedure; what lies between is not read."""
    found = (
        sa.select(_d.procedure, _d.received_at)
        .where(_d.fee_bearing, ~_d.voided, _d.procedure.is_not(None), _d.received_at.is_not(None))
        .order_by(_d.procedure, _d.received_at)
        .limit(sa.literal_column("1"))
    )
    walked = sa.select(found.subquery("first")).cte("walked", recursive=True)
    following = found.where(_d.procedure > walked.c.procedure).lateral("following")
    walked = walked.union_all(sa.select(following).select_from(walked.join(following, sa.true())))
    known = sa.select(procedure.c.code, sa.literal(_EVER, _INSTANT)).where(procedure.c.fee_required)
    both = sa.union_all(sa.select(walked.c.procedure, walked.c.received_at.label("since")), known).subquery(
        "both"
    )
    return sa.select(both.c.procedure, sa.func.min(both.c.since).label("since")).group_by(both.c.procedure)


def by_procedure(question: Question, charged: Charged) -> Question:
    """The question in whose groups every fee-bearing procedure stands by itself."""
    by = question.by if "procedure" in question.by else (*question.by, "procedure")
    return replace(question, by=by, procedures=charged.codes)


def distinct(question: Question, groups: sa.Select[Any]) -> sa.Select[Any]:
    """The groups of `question`, out of those `by_procedure`: a procedure counts once it is known to bear a fee before E."""
    one = groups.subquery("one")
    later = sa.func.unnest(
        sa.bindparam("later_codes", type_=ARRAY(sa.Text)), sa.bindparam("later_since", type_=INSTANTS)
    ).table_valued(sa.column("code", sa.Text), sa.column("since", _INSTANT))
    later = later.render_derived(name="later")
    bucket = _bucket()
    unknown = sa.exists().where(later.c.code == one.c.procedure, later.c.since >= bucket.c.end)
    found = [one.c[by] for by in question.by if by in one.c]
    columns = [sa.func.count().filter(one.c[key] > 0).label(key) for key in question.counts]
    return (
        sa.select(one.c.place, *found, *columns)
        .select_from(one.join(bucket, bucket.c.place == one.c.place))
        .where(~unknown, sa.or_(*(one.c[key] > 0 for key in question.counts)))
        .group_by(one.c.place, *found)
    )


def from_dossiers(question: Question, *, timed: bool) -> sa.Select[Any]:
    """The groups of a question that is `by_procedure`: receptions and online payments, told one by one.

    A payment counts once its dossier is received, which may be later. Buckets follow one another. First payments, which
    most often are the only ones, have an index that tells all that is asked of them.
    """
    begin, end = (sa.bindparam(name, type_=_INSTANT) for name in ("begin", "end"))
    later = sa.func.unnest(_d.online_payments[2:payments]).table_valued(sa.column("at", _INSTANT))
    later = later.render_derived(name="later")
    several = (payments > 1, _d.paid_online_at < end, last_payment >= begin)
    told = sa.union_all(
        _told(question, dossier, _d.received_at, paid=False),
        _told(question, dossier, _d.paid_online_at, paid=True),
        _told(question, dossier.join(later, sa.true()), later.c.at, paid=True).where(*several),
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
