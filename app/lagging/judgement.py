"""One judgement by one rule: every unit's figure against what it owes, and the alerts and messages that follow.

It writes down what `rules` decides, in the transaction it is handed; when units are judged, `watch` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.tree import chain
from app.kit.ids import uuid7
from app.kit.text import Language
from app.lagging import queries
from app.lagging.notices import tell_at_risk, tell_escalated, tell_lagging, tell_recovered
from app.lagging.rules import (
    Decision,
    Figure,
    Pending,
    Rule,
    decide,
    held,
    is_behind,
    is_due,
    period,
    projected,
    turned,
    warned,
    window_end,
)
from app.lagging.standing import METRICS, Present, figures, outlooks
from app.metrics.metric import Rate
from app.metrics.periods import Period
from app.targets.budget import AT_ONE_INSTANT
from app.targets.queries import register
from app.targets.register import Promise, Register

Row = queries.Row

_NOTHING: Final = Figure(0, 0)


@dataclass(frozen=True, slots=True)
class Known:
    """What was stored before this judgement: open alerts by level and unit, and what is pending by unit."""

    lagging: Mapping[str, Row]
    at_risk: Mapping[str, Row]
    pending: Mapping[str, Pending]


class Judgement:
    """One rule, judged once for every unit that has a dossier in the window or an open alert."""

    def __init__(
        self, connection: AsyncConnection, rule: Rule, known: Known, present: Present, language: Language
    ) -> None:
        self._connection = connection
        self._rule = rule
        self._known = known
        self._present = present
        self._language: Language = language
        self._metric: Rate = METRICS[rule.metric]
        self._days: Period = period(rule.window, present.today)
        self._raised: list[Row] = []
        self._repeated: list[Row] = []
        self._recovered: list[Row] = []
        self._escalated: list[tuple[Row, str]] = []

    async def run(self) -> None:
        """Judge, write and tell."""
        standing = await figures(self._connection, self._metric, self._days, self._present)
        owed = await self._register()
        judged: dict[str, tuple[Rule, Figure]] = {}
        units = standing.keys() | self._known.lagging.keys() | self._known.at_risk.keys()
        for unit in sorted(units):
            promise = self._owed(owed, unit)
            figure = standing.get(unit, _NOTHING)
            if self._rule.target is None and promise is None:
                await self._without_target(unit)
                continue
            rule = self._rule if promise is None else replace(self._rule, target=promise.target)
            judged[unit] = rule, figure
            await self._judge(unit, rule, figure, promise)
        await self._warn(judged, owed)
        await self._tell()

    async def _register(self) -> Register | None:
        if self._rule.target is not None:
            return None
        days = self._days
        return await register(self._connection, [self._rule.metric], days.from_, days.to)

    def _owed(self, owed: Register | None, unit: str) -> Promise | None:
        if owed is None:
            return None
        days, today = self._days, self._present.today
        return owed.holding(self._present.parents, unit, self._rule.metric, days.from_, days.to, today)

    async def _without_target(self, unit: str) -> None:
        """A unit that owes nothing now is not judged; alerts of a window that has turned end all the same."""
        for alert in (self._known.lagging.get(unit), self._known.at_risk.get(unit)):
            if alert and turned(self._rule, alert["period_from"], self._days.from_):
                await queries.close_alert(self._connection, alert["id"], "expired", self._present.now)

    async def _judge(self, unit: str, rule: Rule, figure: Figure, promise: Promise | None) -> None:
        alert = self._known.lagging.get(unit)
        begins = self._days.from_
        decision = decide(rule, figure, begins=begins, alerted=alert["period_from"] if alert else None)
        before = self._known.pending.get(unit)
        decision, after = held(
            decision,
            before,
            rule,
            today=self._present.today,
            begins=begins,
            passed=self._passed(before.since) if before else 0,
        )
        if after != before:
            await queries.set_pending(self._connection, rule.key, unit, after)
        await self._follow(unit, decision, alert, self._columns(rule, figure, promise))
        if alert and decision == Decision() and is_behind(rule, figure):
            await self._remind(alert, self._columns(rule, figure, promise))

    async def _follow(self, unit: str, decision: Decision, alert: Row | None, columns: Row) -> None:
        now = self._present.now
        if alert and decision.closes_as == "recovered":
            closing = {f"closing_{name}": columns[name] for name in FIGURE}
            if await queries.close_alert(self._connection, alert["id"], "recovered", now, closing):
                self._recovered.append({**alert, **closing})
        elif alert and decision.closes_as == "expired":
            await queries.close_alert(self._connection, alert["id"], "expired", now)
        if decision.raises:
            row = self._alert(unit, "lagging", columns)
            if await queries.raise_alert(self._connection, row):
                self._raised.append(row)

    async def _remind(self, alert: Row, columns: Row) -> None:
        """Tell it again, and higher up the tree, while nobody has acknowledged it."""
        today = self._present.today
        if alert["acknowledged_at"] is not None or self._muted(alert):
            return
        raised_on = alert["raised_at"].astimezone(self._present.zone).date()
        if is_due(self._rule.repeat_after, self._passed(alert["told_on"] or raised_on)):
            repeats = alert["repeats"] + 1
            if await queries.change_alert(self._connection, alert["id"], told_on=today, repeats=repeats):
                self._repeated.append({**alert, **columns, "repeats": repeats})
        above = list(chain(self._present.parents, alert["unit"]))[1:]
        level = alert["escalations"]
        if level < len(above) and is_due(
            self._rule.escalate_after, self._passed(alert["escalated_on"] or raised_on)
        ):
            changes = {"escalations": level + 1, "escalated_on": today}
            if await queries.change_alert(self._connection, alert["id"], **changes):
                self._escalated.append(({**alert, **columns, **changes}, above[level]))

    async def _warn(self, judged: Mapping[str, tuple[Rule, Figure]], owed: Register | None) -> None:
        """Raise and close the alerts of units at risk, where the window ends and the metric has a pace."""
        warned_before = self._known.at_risk
        for one in warned_before.values():
            if turned(self._rule, one["period_from"], self._days.from_):
                await queries.close_alert(self._connection, one["id"], "expired", self._present.now)
        last = window_end(self._rule.window, self._present.today)
        if not self._rule.warns or last is None or self._metric.key in AT_ONE_INSTANT or not judged:
            return
        outlook = await outlooks(self._connection, self._metric, last, judged.keys(), self._present)
        told: list[tuple[Row, tuple[Fraction, Fraction], date]] = []
        for unit, (rule, figure) in judged.items():
            end = projected(figure, outlook[unit])
            found = warned_before.get(unit)
            stale = found is not None and turned(rule, found["period_from"], self._days.from_)
            alert = None if stale else found
            verdict = warned(rule, figure, end, alerted=alert is not None)
            columns = self._columns(rule, figure, self._owed(owed, unit))
            if verdict is False and alert is not None:
                closing = {f"closing_{name}": columns[name] for name in FIGURE}
                await queries.close_alert(
                    self._connection, alert["id"], "recovered", self._present.now, closing
                )
            elif verdict and alert is None and not self._stays_behind(unit):
                row = self._alert(unit, "at_risk", columns)
                if await queries.raise_alert(self._connection, row):
                    told.append((row, end, last))
        await tell_at_risk(self._connection, told, self._metric, self._days, self._present, self._language)

    def _stays_behind(self, unit: str) -> bool:
        """Whether the unit has an alert that says more than a warning would."""
        alert = self._known.lagging.get(unit)
        closed = {row["id"] for row in self._recovered}
        return (
            alert is not None
            and alert["id"] not in closed
            and not turned(self._rule, alert["period_from"], self._days.from_)
        )

    async def _tell(self) -> None:
        present, language = self._present, self._language
        recovered = [row for row in self._recovered if not self._muted(row)]
        await tell_recovered(self._connection, recovered, present, language)
        rows = [*self._raised, *self._repeated]
        await tell_lagging(self._connection, rows, self._metric, self._days, present, language)
        await tell_escalated(self._connection, self._escalated, self._metric, self._days, present, language)

    def _columns(self, rule: Rule, figure: Figure, promise: Promise | None) -> Row:
        return {
            "definition_version": self._metric.version,
            "period_from": self._days.from_,
            "period_to": self._days.to,
            "numerator": figure.numerator,
            "denominator": figure.denominator,
            "target": rule.target,
            "computed_through": self._present.computed_through,
            "commitment": promise.id if promise else None,
            "commitment_version": promise.version if promise else None,
        }

    def _alert(self, unit: str, level: str, columns: Row) -> dict[str, Any]:
        about = {"rule": self._rule.key, "metric": self._rule.metric, "window": self._rule.window}
        now = self._present.now
        return {"id": uuid7(now), "unit": unit, "level": level, "raised_at": now, **about, **columns}

    def _passed(self, since: date) -> int:
        days = self._present.calendar.working_days
        return days.count_to(self._present.today) - days.count_to(since)

    def _muted(self, alert: Row) -> bool:
        return alert["muted_until"] is not None and self._present.today <= alert["muted_until"]


FIGURE: Final = (
    "definition_version",
    "period_from",
    "period_to",
    "numerator",
    "denominator",
    "target",
    "computed_through",
)
"""Columns of one exact figure."""
