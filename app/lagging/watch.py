"""Judges every unit by every rule, and records what follows: alerts and their messages, in one transaction.

It knows when to look and what to write; who is behind is decided in `rules`, and what a message says in `notices`.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars.queries import calendar as current_calendar
from app.directory.queries import structure
from app.events.queries import computed_through
from app.kit.db import retried
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.text import Language
from app.lagging import queries
from app.lagging.notices import tell_lagging, tell_recovered
from app.lagging.rules import Figure, Rule, decide, period
from app.lagging.standing import METRICS, Present, figures

_LOOK_EVERY: Final = 0.2
"""Seconds between two looks at whether it is time to judge."""

_LEAST_REST: Final = 1.0
"""Seconds from one judgement to the next, however fast figures change."""

_REST_PER_WORK: Final = 4
"""A judgement is followed by at least this many times the time it took, so that it never fills the database's day."""


class Watch:
    """Judges the units of one deployment. Any number may run, in any number of processes; one at a time judges."""

    def __init__(self, here: Deployment) -> None:
        self._here = here
        self._changed = True
        self._rests_until = 0.0
        self._due_at = 0.0

    def figures_changed(self) -> None:
        """Judge soon. Only a hint: without it units are judged by the clock."""
        self._changed = True

    async def run_once(self) -> float:
        """Judge if figures changed, or if it is time because deadlines pass without events; the seconds to rest."""
        begun = time.monotonic()
        if begun >= self._rests_until and (self._changed or begun >= self._due_at):
            self._changed = False
            judged = False
            try:
                judged = await self.judge()
            finally:
                self._changed |= not judged  # what nobody judged is still to be judged
            if judged:
                ended = time.monotonic()
                self._rests_until = ended + max(_LEAST_REST, _REST_PER_WORK * (ended - begun))
                self._due_at = begun + self._here.settings.watch_interval
        return _LOOK_EVERY

    async def judge(self) -> bool:
        """Judge every unit by every rule now; False when another worker is at it."""
        return await retried(self._judge)

    async def _judge(self) -> bool:
        # Taken before anything is read: what is acknowledged before `now` must be in what is read.
        now = self._here.clock()
        async with self._here.database.transaction() as connection:
            if not await queries.judge_alone(connection):
                return False
            rules = await queries.rules_to_judge(connection)
            if rules:
                await self._judge_all(connection, rules, now)
        return True

    async def _judge_all(self, connection: AsyncConnection, rules: list[Rule], now: datetime) -> None:
        settings = self._here.settings
        through = await computed_through(connection, now)
        calendar = await current_calendar(connection, settings.calendar, settings.zone)
        present = Present(now, through, calendar, await structure(connection))
        alerts = await queries.open_alerts(connection)
        for rule in rules:
            alerted = {unit: row for (key, unit), row in alerts.items() if key == rule.key}
            await _judge_by(connection, rule, alerted, present, settings.language)


async def _judge_by(
    connection: AsyncConnection,
    rule: Rule,
    alerted: Mapping[str, queries.Row],
    present: Present,
    language: Language,
) -> None:
    """Every unit that has a dossier in the window or an open alert, by one rule."""
    metric, days = METRICS[rule.metric], period(rule.window, present.today)
    standing = await figures(connection, metric, days, present)
    raised: list[queries.Row] = []
    recovered: list[queries.Row] = []
    for unit in sorted(standing.keys() | alerted.keys()):
        alert = alerted.get(unit)
        figure = standing.get(unit, Figure(0, 0))
        decision = decide(rule, figure, begins=days.from_, alerted=alert["period_from"] if alert else None)
        columns = {
            "definition_version": metric.version,
            "period_from": days.from_,
            "period_to": days.to,
            "numerator": figure.numerator,
            "denominator": figure.denominator,
            "target": rule.target,
            "computed_through": present.computed_through,
        }
        if alert and decision.closes_as == "recovered":
            closing = {f"closing_{name}": value for name, value in columns.items()}
            if await queries.close_alert(connection, alert["id"], "recovered", present.now, closing):
                recovered.append({**alert, **closing})
        elif alert and decision.closes_as == "expired":
            await queries.close_alert(connection, alert["id"], "expired", present.now)
        if decision.raises:
            about = {"rule": rule.key, "unit": unit, "metric": rule.metric, "window": rule.window}
            row = {"id": uuid7(present.now), "raised_at": present.now, **about, **columns}
            if await queries.raise_alert(connection, row):
                raised.append(row)
    await tell_recovered(connection, recovered, present, language)
    await tell_lagging(connection, raised, metric, days, present, language)
