"""Which dossiers each count counts, and when: the domain note §6 as conditions on the dossier table.

It knows the table's columns; questions, periods and groups it does not know, nor what counts mean together.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.directory.tables import procedure
from app.dossiers.tables import dossier

Edge = sa.ColumnElement[datetime]
Test = sa.ColumnElement[bool]
Between = Callable[[Edge, Edge], Test]
"""A condition on a period [begin, E)."""

_d: Final = dossier.c


@dataclass(frozen=True, eq=False)
class State:
    """What dossiers are or undergo in a period.

    `scope` is where they are looked for: the scope of a period is the union of its parts' scopes. `since` and `until`
    are the first and the last instant at which a dossier stands in a part; a `lasting` one without a last stands in all
    from then on. `submission`: it is about submissions, which count for the unit they were submitted to, received or not.
    """

    holds: Between
    scope: Between
    since: Edge
    until: Edge
    lasting: bool = False
    submission: bool = False


def _within(instant: Edge) -> Between:
    return lambda begin, end: sa.and_(instant >= begin, instant < end)


def _at(instant: Edge, *, submission: bool = False) -> State:
    return State(_within(instant), _within(instant), instant, instant, submission=submission)


def _alive(begin: Edge, end: Edge) -> Test:
    return sa.and_(_d.received_at < end, sa.or_(_d.counted_at.is_(None), _d.counted_at >= begin))


def _lasting(holds: Between) -> State:
    return State(holds, _alive, _d.received_at, _d.counted_at, lasting=True)


def _due(begin: Edge, end: Edge) -> Test:
    """Due in the period; a pause begun by the due date that lasts at E has put it off (domain note §6)."""
    return sa.and_(_within(_d.due_original)(begin, end), _d.overdue_from < end, _d.received_at < end)


def paid_online(begin: Edge, end: Edge) -> Test:
    """Whether a dossier, received before E, was paid online in [begin, E): any of its payments."""
    paid = sa.func.unnest(_d.online_payments).column_valued("paid")
    return sa.and_(_d.received_at < end, sa.exists().where(paid >= begin, paid < end))


def _received_or_paid_online(begin: Edge, end: Edge) -> Test:
    return sa.or_(_received.holds(begin, end), paid_online(begin, end))


payments: Final = sa.func.cardinality(_d.online_payments)
last_payment: Final = _d.online_payments[payments]

_received: Final = _at(_d.received_at)
_ended: Final = _at(_d.counted_at)
_carried_over: Final = _lasting(lambda begin, _: _alive(begin, begin))
_in_progress: Final = _lasting(lambda _, end: _alive(end, end))
_falling_due: Final = State(_due, _within(_d.due_original), _d.due_original, _d.due_original)
_submitted: Final = _at(_d.submitted_at, submission=True)
_handling_fees: Final = State(
    _received_or_paid_online,
    _received_or_paid_online,
    sa.func.least(_d.received_at, _d.paid_online_at),
    sa.func.greatest(_d.received_at, last_payment),
)
_paying: Final = State(paid_online, paid_online, _d.paid_online_at, last_payment)


def _always(_: Edge) -> Test:
    return sa.true()


@dataclass(frozen=True)
class Count:
    """Dossiers in a state of the period that also pass a test at E; or, distinct, their fee-bearing procedures."""

    state: State
    test: Callable[[Edge], Test] = _always
    procedures: bool = False

    def condition(self, begin: Edge, end: Edge) -> Test:
        """Whether a dossier counts in the period [begin, E)."""
        return sa.and_(self.state.holds(begin, end), self.test(end))

    def column(self, begin: Edge, end: Edge) -> sa.ColumnElement[int]:
        """Their number in the period [begin, E)."""
        return sa.func.count().filter(self.condition(begin, end))


_of_fee: Final = (
    sa.select(_d.procedure, sa.func.min(_d.received_at).label("since"))
    .where(_d.fee_bearing, ~_d.voided, _d.received_at.is_not(None))
    .group_by(_d.procedure)
    .subquery("of_fee")
)
"""Procedures of fee-bearing dossiers, and since when they are known to be such."""

_with_fee: Final = sa.select(procedure.c.code).where(procedure.c.fee_required).distinct().subquery("with_fee")
"""Procedures that the directory has, or had, with a fee."""


def with_fees(source: sa.FromClause) -> sa.FromClause:
    """`source`, which holds the dossiers, with what tells whether a procedure bears a fee."""
    source = source.outerjoin(_with_fee, _with_fee.c.code == _d.procedure)
    return source.outerjoin(_of_fee, _of_fee.c.procedure == _d.procedure)


def _bears_fee(end: Edge) -> Test:
    return sa.or_(_with_fee.c.code.is_not(None), _of_fee.c.since < end)


def _is(column: sa.ColumnElement[Any], value: str) -> Callable[[Edge], Test]:
    return lambda _: column == value


def _if(*tests: Test) -> Callable[[Edge], Test]:
    return lambda _: sa.and_(*tests)


def _late_to_the_portal(end: Edge) -> Test:
    """Decision 766/QĐ-TTg: ended after its due date; or open and overdue, or waiting again, at E."""
    open_late = sa.or_(_d.portal_overdue_from < end, _d.repeat_waits.contains(end))
    return sa.and_(
        _d.portal_due.is_not(None),
        sa.case((_d.counted_at < end, _d.ended_at > _d.portal_due), else_=open_late),
    )


def _apologised(test: Test | None = None) -> Callable[[Edge], Test]:
    return lambda end: sa.and_(_d.apology_at < end, sa.true() if test is None else test)


def _also(first: Callable[[Edge], Test], second: Callable[[Edge], Test]) -> Callable[[Edge], Test]:
    return lambda end: sa.and_(first(end), second(end))


def _overdue(end: Edge) -> Test:
    return _d.overdue_from < end


_ONLINE: Final = _d.channel == "online"
_FULL: Final = _d.service_level == "full"
_APOLOGY_KEPT: Final = _d.apology_at <= _d.apology_deadline
_FINISHED: Final = sa.or_(_d.end_kind == "processed", _d.end_kind == "returned")
_late: Final = _is(_d.outcome, "late")

# Domain note §6. `overdue_from` and the waits answer for any instant, past or present; waits are (begin, end].
COUNTED: Final[Mapping[str, Count]] = {
    "received": Count(_received),
    **{
        f"received_{channel}": Count(_received, _is(_d.channel, channel))
        for channel in ("online", "counter", "post")
    },
    **{
        f"received_level_{level}": Count(_received, _is(_d.service_level, level))
        for level in ("full", "partial", "none")
    },
    "received_level_unknown": Count(_received, _if(_d.service_level.is_(None))),
    "received_full_online": Count(_received, _if(_ONLINE, _FULL)),
    "received_eligible": Count(_received, _if(_d.full_eligible)),
    "received_eligible_full_online": Count(_received, _if(_d.full_eligible, _ONLINE, _FULL)),
    "received_online_with_result": Count(
        _received, lambda end: sa.and_(_ONLINE, sa.or_(~_d.document_result, _d.electronic_result_at < end))
    ),
    "received_fee": Count(_received, _if(_d.fee_bearing)),
    "received_fee_paid_online": Count(
        _received, lambda end: sa.and_(_d.fee_bearing, _d.paid_online_at < end)
    ),
    "received_fee_unknown": Count(_received, _if(_d.fee_bearing.is_(None))),
    "received_dated": Count(_received, _if(_d.portal_due.is_not(None))),
    "received_undated": Count(_received, _if(_d.portal_due.is_(None))),
    "received_late": Count(_received, _late_to_the_portal),
    "carried_over": Count(_carried_over),
    **{
        f"resolved_{outcome}": Count(_ended, _is(_d.outcome, outcome))
        for outcome in ("early", "on_time", "late", "undated")
    },
    "resolved_late_apologised": Count(_ended, _also(_late, _apologised())),
    "resolved_late_apologised_in_time": Count(_ended, _also(_late, _apologised(_APOLOGY_KEPT))),
    **{
        f"finished_{outcome}": Count(_ended, _if(_d.outcome == outcome, _FINISHED))
        for outcome in ("early", "on_time", "undated")
    },
    **{
        f"{kind}_not_late": Count(_ended, _if(_d.end_kind == kind, _d.outcome != "late"))
        for kind in ("withdrawn", "stopped", "intake_refused")
    },
    "withdrawn": Count(_ended, _is(_d.end_kind, "withdrawn")),
    "stopped": Count(_ended, _is(_d.end_kind, "stopped")),
    "late_in_data_only": Count(_ended, _if(_d.late_in_data_only)),
    "due": Count(_falling_due),
    "due_kept": Count(_falling_due, _if(sa.or_(_d.outcome == "early", _d.outcome == "on_time"))),
    "in_progress_not_due": Count(
        _in_progress, lambda end: sa.or_(_d.overdue_from.is_(None), _d.overdue_from >= end)
    ),
    "in_progress_overdue": Count(_in_progress, _overdue),
    "in_progress_overdue_apologised": Count(_in_progress, _also(_overdue, _apologised())),
    "in_progress_overdue_apologised_in_time": Count(
        _in_progress, _also(_overdue, _apologised(_APOLOGY_KEPT))
    ),
    "waiting_supplement": Count(_in_progress, _d.supplement_waits.contains),
    "waiting_supplement_not_due": Count(
        _in_progress,
        lambda end: sa.and_(_d.supplement_waits.contains(end), _overdue(end).is_not(sa.true())),
    ),
    "waiting_fee": Count(_in_progress, _d.fee_waits.contains),
    "submitted": Count(_submitted, lambda end: sa.or_(_d.intake_answered_at < end, _d.intake_deadline < end)),
    "submitted_answered_in_time": Count(
        _submitted,
        lambda end: sa.and_(_d.intake_answered_at < end, _d.intake_answered_at <= _d.intake_deadline),
    ),
    "fee_procedures": Count(_handling_fees, _bears_fee, procedures=True),
    "fee_procedures_paid_online": Count(_paying, _bears_fee, procedures=True),
}


def taking_part(*, submission: bool) -> list[Test]:
    """Dossiers that figures are about: not voided, and received; or, of submissions, those that are owed an answer."""
    return [~_d.voided, (_d.intake_deadline if submission else _d.received_at).is_not(None)]


def in_any(counts: Iterable[Count], begin: Edge, end: Edge) -> Test:
    """Where in the table the dossiers of these counts are, in the period [begin, E)."""
    scopes = {count.state.scope: count.state for count in counts}
    return sa.or_(*(state.scope(begin, end) for state in scopes.values()))
