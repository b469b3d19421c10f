"""Every statement on lagging rules and alerts, and the lock that lets one worker judge at a time.

Statements only; when an alert is raised or closed, `rules` says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dossiers.tables import dossier
from app.lagging.rules import Pending, Rule
from app.lagging.tables import alert, lagging_rule, notice, pending

Row = dict[str, Any]

_LOCK: Final = 0x6C61_6767  # "lagg": no other advisory lock of the product has this number

# Pages follow the bytes of a key whatever the database's collation, so that a cursor never skips or repeats.
_KEY: Final = lagging_rule.c.key.collate("C")


async def judge_alone(connection: AsyncConnection) -> bool:
    """Begin to judge: whether no other worker does, until this transaction ends. It must be its first statement.

    From here on every statement sees the same instant, so that a figure and its evidence agree; PostgreSQL breaks
    the transaction off (40001) if what it is about to change was changed meanwhile.
    """
    await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    return bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))))


async def rules_to_judge(connection: AsyncConnection) -> list[Rule]:
    """Every rule by its key; nobody changes one before we commit, so that no alert outlives what raised it."""
    rows = await connection.execute(sa.select(lagging_rule).order_by(_KEY).with_for_update(read=True))
    return [Rule(**row) for row in rows.mappings()]


async def rules(connection: AsyncConnection, *, after: str | None, limit: int) -> list[Rule]:
    """At most `limit` rules whose keys come after `after`."""
    chosen = sa.select(lagging_rule).order_by(_KEY).limit(limit)
    if after is not None:
        chosen = chosen.where(after < _KEY)
    return [Rule(**row) for row in (await connection.execute(chosen)).mappings()]


async def rule(connection: AsyncConnection, key: str) -> Rule | None:
    """One rule."""
    chosen = sa.select(lagging_rule).where(lagging_rule.c.key == key)
    found = (await connection.execute(chosen)).mappings().one_or_none()
    return None if found is None else Rule(**found)


async def put_rule(connection: AsyncConnection, rule: Rule) -> None:
    """Store a rule, in the place of the one under its key."""
    statement = insert(lagging_rule).values(asdict(rule))
    changed = {
        column.name: statement.excluded[column.name] for column in lagging_rule.c if not column.primary_key
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changed))


async def remove_rule(connection: AsyncConnection, key: str) -> bool:
    """Delete a rule; whether there was one."""
    gone = await connection.execute(sa.delete(lagging_rule).where(lagging_rule.c.key == key))
    return gone.rowcount > 0


async def withdraw(
    connection: AsyncConnection, key: str, now: datetime, *, unless: Rule | None = None
) -> None:
    """Close the open alerts of a rule as withdrawn; not those of the metric and the window that it has now."""
    statement = (
        sa.update(alert)
        .where(alert.c.rule == key, alert.c.closed_at.is_(None))
        .values(closed_at=now, closed_as="withdrawn")
    )
    await connection.execute(sa.delete(pending).where(pending.c.rule == key))
    if unless is not None:
        statement = statement.where(sa.or_(alert.c.metric != unless.metric, alert.c.window != unless.window))
    await connection.execute(statement)


async def open_alerts(connection: AsyncConnection) -> dict[tuple[str, str, str], Row]:
    """Level, rule and unit → the open alert."""
    rows = await connection.execute(sa.select(alert).where(alert.c.closed_at.is_(None)))
    return {(row["level"], row["rule"], row["unit"]): dict(row) for row in rows.mappings()}


async def pendings(connection: AsyncConnection) -> dict[tuple[str, str], Pending]:
    """Rule and unit → what is about to happen."""
    rows = await connection.execute(sa.select(pending))
    return {(row.rule, row.unit): Pending(row.toward, row.since, row.begins) for row in rows}


async def set_pending(connection: AsyncConnection, rule: str, unit: str, found: Pending | None) -> None:
    """Note what is about to happen to a unit, or that nothing is."""
    if found is None:
        await connection.execute(sa.delete(pending).where(pending.c.rule == rule, pending.c.unit == unit))
        return
    statement = insert(pending).values(rule=rule, unit=unit, **found._asdict())
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["rule", "unit"], set_=found._asdict())
    )


async def change_alert(connection: AsyncConnection, identifier: UUID, **columns: Any) -> bool:
    """Change columns of an open alert; False if it is closed."""
    changed = await connection.execute(
        sa.update(alert).where(alert.c.id == identifier, alert.c.closed_at.is_(None)).values(**columns)
    )
    return changed.rowcount > 0


async def lock_alert(
    connection: AsyncConnection, identifier: UUID, *, units: Sequence[str] | None
) -> Row | None:
    """An alert, if it exists and is of `units`; nobody changes it before we commit."""
    chosen = _within(units).where(alert.c.id == identifier).with_for_update()
    found = (await connection.execute(chosen)).mappings().one_or_none()
    return None if found is None else dict(found)


async def open_dossiers(
    connection: AsyncConnection,
    column: Literal["overdue_from", "apology_deadline"],
    begin: datetime,
    end: datetime,
) -> list[tuple[str, str, str | None, datetime]]:
    """Code, unit, procedure and the instant in `column`, of open dossiers whose instant lies from `begin` up to `end`.

    Those whose clock stands still are in none; of apologies only those that were not issued yet.
    """
    due = dossier.c[column]
    chosen = sa.select(dossier.c.code, dossier.c.unit, dossier.c.procedure, due).where(
        dossier.c.ended_at.is_(None),
        ~dossier.c.voided,
        dossier.c.received_at.is_not(None),
        dossier.c.unit.is_not(None),
        dossier.c.overdue_from.is_not(None),
        due >= begin,
        due < end,
    )
    if column == "apology_deadline":
        chosen = chosen.where(dossier.c.apology_at.is_(None))
    rows = await connection.execute(chosen.order_by(due, dossier.c.code.collate("C")))
    return [(code, unit, procedure, at) for code, unit, procedure, at in rows]


async def note_told(
    connection: AsyncConnection, kind: str, subjects: Sequence[str], day: date, now: datetime
) -> set[str]:
    """Note that notices of a kind are told of these subjects on a day; those that nobody had told before."""
    if not subjects:
        return set()
    rows = [{"kind": kind, "subject": subject, "day": day, "told_at": now} for subject in sorted(subjects)]
    noted = insert(notice).values(rows).on_conflict_do_nothing().returning(notice.c.subject)
    return set(await connection.scalars(noted))


async def forget_told(connection: AsyncConnection, kind: str, subjects: Sequence[str]) -> None:
    """Let notices of a kind about these subjects be told anew."""
    held = sa.literal(list(subjects), ARRAY(sa.Text))
    await connection.execute(
        sa.delete(notice).where(notice.c.kind == kind, notice.c.subject == sa.any_(held))
    )


async def forget_told_before(connection: AsyncConnection, day: date, kinds: Sequence[str]) -> None:
    """Forget what was told of days before this one: nobody speaks of them any more."""
    held = sa.literal(list(kinds), ARRAY(sa.Text))
    await connection.execute(sa.delete(notice).where(notice.c.day < day, notice.c.kind == sa.any_(held)))


async def raise_alert(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Store an alert; False if its rule has an open one for its unit already, and it is not ours to tell."""
    raised = (
        insert(alert)
        .values(**values)
        .on_conflict_do_nothing(
            index_elements=["rule", "unit", "level"], index_where=sa.text("closed_at IS NULL")
        )
        .returning(alert.c.id)
    )
    return await connection.scalar(raised) is not None


async def close_alert(
    connection: AsyncConnection,
    identifier: UUID,
    closed_as: Literal["recovered", "expired"],
    now: datetime,
    figure: Mapping[str, Any] | None = None,
) -> bool:
    """Close an open alert, with the closing columns of a figure; False if it is closed, and it is not ours to tell."""
    closed = await connection.execute(
        sa.update(alert)
        .where(alert.c.id == identifier, alert.c.closed_at.is_(None))
        .values(closed_at=now, closed_as=closed_as, **(figure or {}))
    )
    return closed.rowcount > 0


async def alerts(
    connection: AsyncConnection,
    *,
    units: Sequence[str] | None,
    is_open: bool | None,
    rule: str | None,
    before: UUID | None,
    limit: int,
    level: str | None = None,
) -> list[Row]:
    """At most `limit` alerts, newest first, those older than `before`; None lets every unit, state, rule or level through."""
    chosen = _within(units).order_by(alert.c.id.desc()).limit(limit)
    if is_open is not None:
        chosen = chosen.where(alert.c.closed_at.is_(None) == is_open)
    if rule is not None:
        chosen = chosen.where(alert.c.rule == rule)
    if level is not None:
        chosen = chosen.where(alert.c.level == level)
    if before is not None:
        chosen = chosen.where(alert.c.id < before)
    return [dict(row) for row in (await connection.execute(chosen)).mappings()]


async def one_alert(
    connection: AsyncConnection, identifier: UUID, *, units: Sequence[str] | None
) -> Row | None:
    """An alert, if it exists and is of `units`."""
    chosen = _within(units).where(alert.c.id == identifier)
    found = (await connection.execute(chosen)).mappings().one_or_none()
    return None if found is None else dict(found)


def _within(units: Sequence[str] | None) -> "sa.Select[Any]":
    chosen = sa.select(alert)
    if units is None:
        return chosen
    return chosen.where(alert.c.unit == sa.any_(sa.literal(list(units), ARRAY(sa.Text))))
