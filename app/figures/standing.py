"""Adds target, gap and status to the figures of whole units, from the commitments that cover all of their days.

It knows which rows of an answer are whole units; what is owed, `targets` says.
"""

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.queries import structure
from app.figures.parameters import CountsAsked, RateAsked
from app.metrics.metric import Rate
from app.metrics.question import Question
from app.targets import queries
from app.targets.progress import standing


async def stand(
    connection: AsyncConnection,
    document: dict[str, Any],
    question: Question,
    asked: RateAsked | CountsAsked,
    metric: Rate,
    today: date,
) -> None:
    """Fill them into the rows that are whole units, and into the total of a request for one unit.

    A filter by procedure, sector or channel leaves no whole unit, and so does a second key. A row by `unit` is the
    unit's own dossiers: whole where nothing lies below it. All others keep null.
    """
    if asked.procedure or asked.sector or asked.channel:
        return
    whole: list[tuple[str, dict[str, Any]]] = []
    units, period = await structure(connection), question.period
    tree = units.then(min(period.to, today)) if asked.structure == "then" else units.now(today)
    if question.root is not None:
        whole.append((question.root, document["total"]))
    if question.by in {("unit",), ("child",)}:
        (by,) = question.by
        # What a unit took over whole stands in its own row, and is not below it.
        regrouped = question.regroup.get("unit", {})
        above = {parent for child, parent in tree.items() if regrouped.get(child) != parent}
        if by == "child":
            above = set()
        whole += [
            (row[by]["code"], row)
            for row in document["rows"]
            if row[by]["code"] is not None and not row.get("self") and row[by]["code"] not in above
        ]
    if not whole:
        return
    register = await queries.register(connection, [metric.key], period.from_, period.to)
    for unit, figure in whole:
        held = register.holding(tree, unit, metric.key, period.from_, period.to, min(today, period.to))
        if held is not None:
            gap, status = standing((figure["numerator"], figure["denominator"]), held.target)
            figure |= {"target": float(held.target), "gap": gap, "status": status}
