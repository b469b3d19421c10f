"""The messages about alerts: what they say, put into the outbox in the transaction that raised or closed the alert.

It gathers names and evidence and decides nothing; how a message travels is the outbox's.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.called import called_by
from app.directory.tree import chain
from app.kit.text import Language
from app.lagging.schemas import UnitAtRisk, UnitEscalated, UnitLagging, UnitRecovered, figure_members
from app.lagging.standing import Evidence, Present, evidence, soon_until
from app.metrics.metric import Rate
from app.metrics.periods import Period
from app.targets.scoring import rounded
from app.webhooks import outbox
from app.webhooks.types import MessageType

Row = Mapping[str, Any]


async def tell_lagging(
    connection: AsyncConnection,
    raised: Sequence[Row],
    metric: Rate,
    days: Period,
    present: Present,
    language: Language,
) -> None:
    """One `unit.lagging` for each alert just raised by one rule, on `metric` in `days`."""
    if not raised:
        return
    units = [row["unit"] for row in raised]
    found = await evidence(connection, units, metric, days, present)
    called = await called_by(connection, "unit", units, language, present.today)
    procedures = {one.code for shown in found.values() for one in shown.worst if one.code is not None}
    titles = await called_by(connection, "procedure", procedures, language, present.today)
    for row in raised:
        data = _about(row, row, called) | _evident(found[row["unit"]], titles)
        data |= {"due_soon_until": soon_until(present), "repeat": row.get("repeats", 0)}
        await _put(connection, "unit.lagging", UnitLagging.model_validate(data), row["unit"], present)


async def tell_at_risk(
    connection: AsyncConnection,
    warned: Sequence[tuple[Row, tuple[Fraction, Fraction], date]],
    metric: Rate,
    days: Period,
    present: Present,
    language: Language,
) -> None:
    """One `unit.at_risk` for each alert of that level just raised, with the projection to the window's last day."""
    if not warned:
        return
    units = [row["unit"] for row, *_ in warned]
    found = await evidence(connection, units, metric, days, present)
    called = await called_by(connection, "unit", units, language, present.today)
    procedures = {one.code for shown in found.values() for one in shown.worst if one.code is not None}
    titles = await called_by(connection, "procedure", procedures, language, present.today)
    for row, (numerator, denominator), last in warned:
        data = _about(row, row, called) | _evident(found[row["unit"]], titles)
        data |= {
            "due_soon_until": soon_until(present),
            "projected_rate": float(rounded(numerator / denominator, 6)),
            "window_ends": last,
        }
        await _put(connection, "unit.at_risk", UnitAtRisk.model_validate(data), row["unit"], present)


async def tell_escalated(
    connection: AsyncConnection,
    escalated: Sequence[tuple[Row, str]],
    metric: Rate,
    days: Period,
    present: Present,
    language: Language,
) -> None:
    """One `unit.escalated` for each alert and the unit above that hears of it now; nobody below that one hears it."""
    if not escalated:
        return
    units = [row["unit"] for row, _ in escalated]
    found = await evidence(connection, units, metric, days, present)
    called = await called_by(
        connection, "unit", [*units, *(above for _, above in escalated)], language, present.today
    )
    procedures = {one.code for shown in found.values() for one in shown.worst if one.code is not None}
    titles = await called_by(connection, "procedure", procedures, language, present.today)
    for row, above in escalated:
        data = _about(row, row, called) | _evident(found[row["unit"]], titles)
        data |= {
            "due_soon_until": soon_until(present),
            "raised_at": row["raised_at"],
            "escalated_to": {"code": above, "name": called[above]},
            "escalation": row["escalations"],
        }
        model = UnitEscalated.model_validate(data)
        await _put(connection, "unit.escalated", model, row["unit"], present, heard_from=above)


async def tell_recovered(
    connection: AsyncConnection, recovered: Sequence[Row], present: Present, language: Language
) -> None:
    """One `unit.recovered` for each alert just closed so."""
    units = [row["unit"] for row in recovered]
    called = await called_by(connection, "unit", units, language, present.today)
    for row in recovered:
        closing = {name.removeprefix("closing_"): value for name, value in row.items() if "closing_" in name}
        data = _about(row, closing | {"metric": row["metric"]}, called) | {
            "raised_at": row["raised_at"],
            "raised_by": figure_members(row),
        }
        await _put(connection, "unit.recovered", UnitRecovered.model_validate(data), row["unit"], present)


def _about(row: Row, figure: Row, called: Mapping[str, str]) -> dict[str, Any]:
    """What every message about an alert says; `figure` has the columns of the figure that it is about."""
    unit, members = row["unit"], figure_members(figure)
    asked = urlencode({**members["period"], "unit": unit})
    return {
        **members,
        "alert": row["id"],
        "unit": {"code": unit, "name": called[unit]},
        "rule": row["rule"],
        "metric": row["metric"],
        "window": row["window"],
        "links": {
            "alert": f"/v1/alerts/{row['id']}",
            "figure": f"/v1/metrics/{row['metric']}?{asked}",
            "late_dossiers": f"/v1/dossiers?{urlencode({'unit': unit, 'verdict': 'late'})}",
            "overdue_dossiers": f"/v1/dossiers?{urlencode({'unit': unit, 'verdict': 'overdue'})}",
        },
    }


def _evident(shown: Evidence, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "worst_procedures": [
            {
                "code": one.code,
                "name": titles.get(one.code or ""),
                "missed": one.missed,
                "denominator": one.figure.denominator,
            }
            for one in shown.worst
        ],
        "overdue": shown.overdue,
        "due_soon": shown.due_soon,
    }


async def _put(
    connection: AsyncConnection,
    kind: MessageType,
    data: BaseModel,
    unit: str,
    present: Present,
    *,
    heard_from: str | None = None,
) -> None:
    """Put a message about a unit, heard at the unit or, where told, from a unit above it upwards."""
    await outbox.put(
        connection,
        type=kind,
        unit=unit,
        lineage=list(chain(present.parents, heard_from or unit)),
        data=data.model_dump(mode="json", by_alias=True),
        now=present.now,
    )
