"""Answers a question with a document: counted in total and by group, named, ordered, and dated.

Everything is read in the one snapshot it is handed, so that an answer is consistent in itself; it knows no HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.queries import Kind, names
from app.events.queries import computed_through
from app.figures.rows import Figure, Names, Row, by_rate, comparable, labelled
from app.kit.problems import Fault, Problem
from app.kit.text import Language, Text
from app.metrics.metric import Metric
from app.metrics.queries import tally
from app.metrics.question import Dimension, Group, Question, TooManyGroups

MAX_ROWS: Final = 10_000
"""Rows of one answer (the contract's limit)."""

_TOO_MANY: Final = Text(
    "Câu trả lời có hơn 10.000 dòng: hãy rút ngắn kỳ, nhóm thô hơn, hoặc lọc theo unit, procedure, sector, channel.",
    "The answer has more than 10,000 rows: take a shorter period or coarser groups, or filter by unit, procedure, sector or channel.",
)
_DIRECTORY: Final[Mapping[Dimension, Kind]] = {"unit": "unit", "child": "unit", "procedure": "procedure"}
"""Keys whose names stand in the directory; sectors have none there."""


async def answer(
    connection: AsyncConnection,
    question: Question,
    metric: Metric,
    figure: Figure,
    *,
    order: str,
    language: Language,
    zone: tzinfo,
    now: datetime,
) -> dict[str, Any]:
    """The document of `metric`, whose figures `figure` makes of counts; `zone` says what a day is.

    Raises Problem invalid when there are more than MAX_ROWS groups.
    """
    (total,) = await tally(connection, replace(question, by=()), zone=zone, now=now)
    rows = await _rows(connection, question, figure, language, zone, now) if question.by else []
    return {
        "metric": metric.key,
        "definition_version": metric.version,
        "period": {"from": question.period.from_, "to": question.period.to},
        "as_of": now,
        "computed_through": await computed_through(connection, now),
        "final": False,
        "total": {**figure(total.counts), **comparable(question)},
        "rows": rows if order == "code" else by_rate(rows, falling=order == "-rate"),
    }


async def _rows(
    connection: AsyncConnection,
    question: Question,
    figure: Figure,
    language: Language,
    zone: tzinfo,
    now: datetime,
) -> list[Row]:
    try:
        groups = await tally(connection, question, zone=zone, now=now, limit=MAX_ROWS)
    except TooManyGroups:
        raise Problem("invalid", _TOO_MANY, [Fault("query:group_by", _TOO_MANY)]) from None
    today = now.astimezone(zone).date()
    # Units are called as they were when they stood so: by the structure of then, on the last day asked for.
    day = min(question.period.to, today) if question.torn is None else today
    known = await _names(connection, question.by, groups, language, day)
    return labelled(groups, question, figure, known)


async def _names(
    connection: AsyncConnection,
    by: Sequence[Dimension],
    groups: Sequence[Group],
    language: Language,
    day: date,
) -> Names:
    known: dict[Dimension, Mapping[str, str]] = {}
    for place, dimension in enumerate(by):
        if kind := _DIRECTORY.get(dimension):
            codes = {key for group in groups if (key := group.keys[place]) is not None}
            found = await names(connection, kind, codes, day)
            known[dimension] = {code: (language == "en" and en) or vi for code, (vi, en) in found.items()}
    return known
