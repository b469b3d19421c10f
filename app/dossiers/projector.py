"""Keeps the dossier table equal to the fold of the log: claims marked dossiers, folds them, saves them.

The one place that writes dossiers. It knows marks and transactions; what follows from facts is the fold's.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import queries as calendars
from app.directory import queries as directory
from app.directory.codes import canonical_procedure
from app.dossiers import queries
from app.dossiers.dossier import Dossier
from app.dossiers.facts import Fact, Intake, Policy
from app.dossiers.fold import VERSION, fold
from app.dossiers.row import row
from app.events import marks
from app.events import queries as log
from app.events.tables import event
from app.kit.db import retried
from app.kit.deployment import Deployment
from app.settings import Settings
from app.worktime.versions import Span

BATCH: Final = 2_000
"""Dossiers a claim: enough to make the statements cheap, few enough to be quick."""

LANES: Final = 2
"""Claims that one process has in hand at once: while the database saves one, the other is folded."""

LEASE: Final = timedelta(seconds=30)
"""How long a claim keeps others away; a worker that dies is replaced after this."""


_OTHERS: Final = 0.05
_DECODE: Final = msgspec.json.Decoder().decode


class LostLeaseError(Exception):
    """Another worker took some marks over; what was folded is thrown away, the other one's fold is newer."""


class Projector:
    """Folds marked dossiers of one deployment. Any number may run at once, in any number of processes."""

    def __init__(self, here: Deployment) -> None:
        self._here = here

    async def run_once(self, most: int = BATCH) -> int:
        """Fold up to `most` marked dossiers; how many were claimed. 0 means that nothing was waiting."""
        lease = uuid.uuid4()
        async with self._here.database.transaction() as connection:
            claimed = await marks.claim(connection, lease, most, LEASE)
        if claimed:
            await retried(lambda: self._project(lease, claimed))
        return len(claimed)

    async def run_until_current(self, told: Callable[[int], None] = lambda _: None) -> int:
        """Fold until the figures include all that is in the log by now, other workers' share included.

        Answers how many dossiers were folded here; `told` hears of it on the way.
        """
        begun = self._here.clock()
        await self.take_up_changes()
        done = 0

        async def lane() -> None:
            nonlocal done
            while count := await self.run_once():
                done += count
                told(done)

        while True:
            try:
                async with asyncio.TaskGroup() as lanes:
                    for _ in range(LANES):
                        lanes.create_task(lane())
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None  # whoever asked knows of no lanes
            async with self._here.database.transaction() as connection:
                if not await marks.any_marked(connection, begun):
                    return done
            await asyncio.sleep(
                _OTHERS
            )  # what is left is in another worker's hands, at most until its lease ends

    async def take_up_changes(self) -> None:
        """Mark what must be folded again because the rules, the directory or a calendar changed."""
        while await self.take_up_some_changes():
            pass

    async def take_up_some_changes(self) -> bool:
        """One portion of these marks; False when there is nothing left to take up."""
        await retried(self._take_up_rules)
        return await retried(self._take_up_directory) or await retried(self._take_up_calendars)

    async def _take_up_rules(self) -> None:
        rules = derivation_rules(self._here.settings)
        async with self._here.database.transaction() as connection:
            derived = await queries.derived_under(connection)
            if derived is not None and derived != rules:
                await marks.mark_where(connection, sa.select(event.c.subject).distinct(), self._here.clock())
            if derived != rules:
                await queries.derive_under(connection, rules)

    async def _take_up_directory(self) -> bool:
        """Mark the dossiers of some changed units and procedures; False when there were none."""
        now = self._here.clock()
        async with self._here.database.transaction() as connection:
            changes = await directory.claim_changes(connection)
            if not changes:
                return False
            # First what is in the projectors' hands: such a dossier may have been folded with the old directory and
            # not be saved yet, so that the statements below cannot see it. Waiting for it here, they can.
            await marks.reopen(connection)
            units = [code for kind, code in changes if kind == "unit"]
            if units:
                touched = (await directory.structure(connection)).ever_below(units)
                await marks.mark_where(connection, queries.of_units(touched), now)
                await marks.mark_where(connection, marks.limited_at(touched), now)
            # Who received a dossier may have transferred it since: only the log says so.
            if shops := [code for kind, code in changes if kind == "intake"]:
                await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                await marks.mark_where(connection, marks.received_at(shops), now)
            procedures = [code for kind, code in changes if kind == "procedure"]
            if procedures:
                await marks.mark_where(connection, queries.of_procedures(procedures), now)
        return True

    async def _take_up_calendars(self) -> bool:
        """Mark some of the dossiers whose row a version that came in force changes; False when none is left to see.

        One portion a transaction, so that ingest never waits for long, and whoever takes over goes on where it ended.
        """
        now = self._here.clock()
        async with self._here.database.transaction() as connection:
            change = await calendars.oldest_change(connection)
            if change is None:
                return False
            if change.through is None:
                # As for the directory: what is in the projectors' hands may have been folded with the old calendar
                # and not be saved yet. What they claim from now on is folded with the new one.
                await marks.reopen(connection)
                await calendars.advance(connection, change, "")
                return True
            codes: list[str] = []
            if change.key in await calendar_keys(connection, self._here.settings):
                await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
                touched = queries.feeling(*instants(change.span, self._here.settings.zone), now)
                codes = await queries.codes_where(connection, touched, change.through, BATCH)
            if codes:
                folded = await fold_stored(connection, codes, self._here.settings)
                rows = [row(dossier) for dossier in folded.values() if dossier is not None]
                differing = await queries.differing(connection, codes, rows)
                await marks.mark(connection, [code for code, _ in differing], now)
            if len(codes) < BATCH:
                await calendars.finish(connection, change)
            else:
                await calendars.advance(connection, change, codes[-1])
        return True

    async def _project(self, lease: uuid.UUID, claimed: Sequence[str]) -> None:
        async with self._here.database.transaction() as connection:
            # A statement of its own after the claim: its snapshot holds every event whose mark was claimed.
            folded = await fold_stored(connection, claimed, self._here.settings)
            rows = [row(dossier) for dossier in folded.values() if dossier is not None]
            if rows:
                await queries.save(connection, rows)
            gone = [code for code, dossier in folded.items() if dossier is None]
            if gone:
                await queries.drop(connection, gone)
            if not await marks.release(connection, lease, claimed):
                raise LostLeaseError


def derivation_rules(settings: Settings) -> str:
    """The rules that a dossier depends on besides its facts, the directory and versions of calendars, as one line."""
    return (
        f"fold {VERSION}; {settings.timezone}; calendar {settings.calendar}; "
        f"cut-off {settings.cutoff}; apology {settings.apology_days_before}"
    )


def instants(span: Span, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The begin of the first of some local days, and the end of the last."""
    after = span.last + timedelta(days=1)
    return datetime.combine(span.first, time(), zone), datetime.combine(after, time(), zone)


async def calendar_keys(connection: AsyncConnection, settings: Settings) -> set[str]:
    """The keys of all calendars that a dossier may be counted by."""
    intake = await directory.intake_calendars(connection)
    return {settings.calendar, *(period.key for periods in intake.values() for period in periods)}


async def fold_stored(
    connection: AsyncConnection, codes: Sequence[str], settings: Settings
) -> dict[str, Dossier | None]:
    """Code → what the log says of it now; None for a dossier that no fact speaks of."""
    facts = await stored_facts(connection, codes)
    policy = await policy_for(connection, facts.values(), settings)
    return {code: fold(code, facts[code], policy) for code in codes}


async def fold_one(
    connection: AsyncConnection, code: str, settings: Settings
) -> tuple[Dossier | None, Policy]:
    """One dossier as the log has it at this moment, and the values that it was folded with."""
    facts = await stored_facts(connection, [code])
    policy = await policy_for(connection, facts.values(), settings)
    return fold(code, facts[code], policy), policy


async def stored_facts(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, list[Fact]]:
    """Code → the facts that the log has of it, for each code asked for."""
    facts: dict[str, list[Fact]] = {code: [] for code in codes}
    # By their places: looking a column of a row up by its name costs as much as all the rest of making a fact.
    for subject, source, id_, kind, time_, data, recorded_at, limit in await log.of_dossiers(
        connection, codes
    ):
        facts[subject].append(Fact(source, id_, kind, time_, _DECODE(data), recorded_at, limit))
    return facts


async def policy_for(
    connection: AsyncConnection, facts: Iterable[Sequence[Fact]], settings: Settings
) -> Policy:
    """What is in force at this moment for dossiers with these facts. Raises UnknownCalendarError."""
    procedures = {
        canonical_procedure(fact.data["procedure"])
        for group in facts
        for fact in group
        if "procedure" in fact.data
    }
    intake = await directory.intake_calendars(connection)
    keys = {period.key for periods in intake.values() for period in periods}
    known = await calendars.calendars(connection, {settings.calendar, *keys}, settings.zone)
    if settings.calendar not in known:
        raise calendars.UnknownCalendarError(settings.calendar)
    return Policy(
        calendar=known[settings.calendar],
        cutoff=settings.cutoff,
        apology_days_before=settings.apology_days_before,
        units=await directory.structure(connection),
        procedures=await directory.procedures_for(connection, procedures),
        intake={
            unit: [
                Intake(known[period.key], period.valid_from, period.valid_to)
                for period in periods
                if period.key in known
            ]
            for unit, periods in intake.items()
        },
    )
