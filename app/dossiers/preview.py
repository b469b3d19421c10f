"""Which dossiers a version of a calendar would change, before anybody puts it in force.

It folds under both calendars, the one in force and the one with the version, and compares the rows. It writes nothing.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers import queries
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Policy
from app.dossiers.fold import fold
from app.dossiers.projector import calendar_keys, instants, policy_for, stored_facts
from app.dossiers.row import row
from app.dossiers.tables import dossier
from app.dossiers.views import verdict
from app.kit.deployment import Deployment
from app.worktime.calendar import Calendar
from app.worktime.versions import Span, difference

_PORTION: Final = 500
"""Dossiers folded in one go: the requests of others are answered between two portions."""


@dataclass(slots=True)
class Count:
    """How many dossiers change: at all, in a due date, in their verdict at the moment of asking."""

    dossiers: int = 0
    due_date: int = 0
    verdict: int = 0

    def add(self, change: "Change", now: datetime) -> None:
        """Count one more."""
        self.dossiers += 1
        self.due_date += "due_original" in change.columns or "due_current" in change.columns
        self.verdict += verdict(change.before, now) != verdict(change.after, now)


class Pair(NamedTuple):
    """A calendar as it is in force, and as it would be with one version more."""

    before: Calendar
    after: Calendar

    @property
    def span(self) -> Span | None:
        """The first and the last local day on which they differ."""
        return difference(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Change:
    """One dossier whose row would change, as it is and as it would be, and the columns that differ."""

    before: Dossier
    after: Dossier
    columns: tuple[str, ...]

    @property
    def unit(self) -> str | None:
        """Who is accountable for it."""
        return self.before.unit or self.before.submitted_unit


async def changes(
    connection: AsyncConnection,
    here: Deployment,
    pair: Pair,
    *,
    units: Collection[str] | None = None,
    after: str = "",
) -> AsyncIterator[Change]:
    """Every dossier that the version changes, in the order of the table's codes, of these units, after one code.

    Ask in a snapshot. What the log says counts, also where the table is still behind it.
    """
    settings, span = here.settings, pair.span
    if span is None or pair.before.key not in await calendar_keys(connection, settings):
        return
    touched = queries.feeling(*instants(span, settings.zone), here.clock())
    if units is not None:
        accountable = sa.func.coalesce(dossier.c.unit, dossier.c.submitted_unit)
        touched &= accountable == sa.any_(sa.literal(list(units), sa.ARRAY(sa.Text)))
    while codes := await queries.codes_where(connection, touched, after, _PORTION):
        facts = await stored_facts(connection, codes)
        policy = await policy_for(connection, facts.values(), settings)
        drafted = _with(policy, pair)
        for code in codes:
            change = _compared(fold(code, facts[code], policy), fold(code, facts[code], drafted))
            if change is not None:
                yield change
        after = codes[-1]


def _with(policy: Policy, pair: Pair) -> Policy:
    """The policy with the version's calendar wherever its key is followed."""
    return replace(
        policy,
        calendar=pair.after if policy.calendar.key == pair.after.key else policy.calendar,
        intake={
            unit: [
                one._replace(calendar=pair.after) if one.calendar.key == pair.after.key else one
                for one in periods
            ]
            for unit, periods in policy.intake.items()
        },
    )


def _compared(before: Dossier | None, after: Dossier | None) -> Change | None:
    if before is None or after is None:
        return None
    held, expected = row(before), row(after)
    columns = tuple(name for name, value in held.items() if value != expected[name])
    return Change(before, after, columns) if columns else None
