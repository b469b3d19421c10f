"""Rules, ended dossiers and what came of them, for the tests of lagging.

Dossiers are put into their table as the projector would; rules go in by the route's own statement.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import sqlalchemy as sa

from app.dossiers.tables import dossier
from app.kit.db import Database
from app.lagging import queries
from app.lagging.rules import Rule
from app.lagging.tables import alert
from app.webhooks.tables import message
from tests.figures.makers import a_dossier, store

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_numbers = count()


def a_rule(key: str = "punctual", **terms: Any) -> Rule:
    """On time this month, 90 %, judged from ten dossiers on, recovered at 92 %."""
    plain: dict[str, Any] = {
        "metric": "on_time",
        "window": "month_to_date",
        "target": Decimal("0.9"),
        "min_denominator": 10,
        "margin": Decimal("0.02"),
    }
    return Rule(key=key, **plain | terms)


async def lay_down(database: Database, *rules: Rule) -> None:
    async with database.transaction() as connection:
        for rule in rules:
            await queries.put_rule(connection, rule)


async def end(database: Database, at: datetime, *, in_time: int = 0, late: int = 0, **columns: Any) -> None:
    """Dossiers that ended at an instant, so many in time and so many late."""
    outcomes = ["on_time"] * in_time + ["late"] * late
    rows = [
        a_dossier(
            f"D-{next(_numbers)}",
            **{"received_at": at - 30 * DAY, "counted_at": at, "end_kind": "processed", "outcome": outcome}
            | columns,
        )
        for outcome in outcomes
    ]
    await store(database, rows)


async def forget_dossiers(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.delete(dossier))


async def alerts(database: Database) -> Sequence[sa.RowMapping]:
    """Every alert, in the order they were raised and by unit."""
    ordered = sa.select(alert).order_by(alert.c.raised_at, alert.c.rule, alert.c.unit)
    async with database.snapshot() as connection:
        return (await connection.execute(ordered)).mappings().all()


async def story(database: Database) -> list[tuple[str, str | None]]:
    """Every alert's unit and how it was closed."""
    return [(row["unit"], row["closed_as"]) for row in await alerts(database)]


async def messages(database: Database) -> list[Any]:
    """The body of every message in the outbox, in order."""
    async with database.snapshot() as connection:
        bodies = await connection.scalars(sa.select(message.c.body).order_by(message.c.seq))
        return [json.loads(body) for body in bodies]


async def told(database: Database) -> list[tuple[str, str]]:
    """Every message's type and unit."""
    return [(body["type"], body["data"]["unit"]["code"]) for body in await messages(database)]


async def break_commits(database: Database) -> None:
    """From now on no transaction that puts a message can commit."""
    async with database.transaction() as connection:
        await connection.execute(
            sa.text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$"
            )
        )
        await connection.execute(
            sa.text(
                "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON message DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        )


async def mend_commits(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("DROP FUNCTION refuse CASCADE"))
