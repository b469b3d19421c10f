"""Answers a question with a document: counted in total and by group, named, compared, ordered, and dated.

Everything is read in the one snapshot it is handed, so that an answer is consistent in itself; it knows no HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.queries import Kind, names
from app.events.marks import computed_through
from app.figures.rows import (
    Counted,
    Names,
    Row,
    by_code,
    by_rate,
    comparable,
    earlier,
    figure_of,
    labelled,
    places,
)
from app.kit.problems import Fault, Problem
from app.kit.text import Language, Text
from app.metrics.measures import measure
from app.metrics.metric import Balance, Rate, Statistic
from app.metrics.periods import TIME_GROUPS, Period
from app.metrics.queries import tally
from app.metrics.question import Dimension, Group, Measured, Question, TooManyGroups

MAX_ROWS: Final = 10_000
"""Rows of one answer (the contract's limit)."""

_TOO_MANY: Final = Text(
    "Câu trả lời có hơn 10.000 dòng: hãy rút ngắn kỳ, nhóm thô hơn, hoặc lọc theo unit, procedure, sector, channel.",
    "The answer has more than 10,000 rows: take a shorter period or coarser groups, or filter by unit, procedure, sector or channel.",
)
_DIRECTORY: Final[Mapping[Dimension, Kind]] = {"unit": "unit", "child": "unit", "procedure": "procedure"}
"""Keys whose names stand in the directory; sectors have none there."""

Answered = Rate | Balance | Statistic


@dataclass(frozen=True)
class Present:
    """What every figure of one answer is read with: a snapshot, what a day is, and what time it is."""

    connection: AsyncConnection
    zone: tzinfo
    now: datetime

    async def groups(self, question: Question, metric: Answered, limit: int | None = None) -> list[Any]:
        """The groups of `question`, counted or measured as `metric` needs. Raises TooManyGroups."""
        if isinstance(metric, Statistic):
            return await measure(self.connection, metric, question, zone=self.zone, now=self.now, limit=limit)
        asked = replace(question, counts=metric.needs)
        return await tally(self.connection, asked, zone=self.zone, now=self.now, limit=limit)

    def naming_day(self, question: Question) -> date:
        """Units are called as they were when they stood so: by the structure of then, on the last day asked for."""
        today = self.now.astimezone(self.zone).date()
        return min(question.period.to, today) if question.torn is None else today

    async def dated(self, period: Period) -> dict[str, Any]:
        """The period, and how fresh the answer is."""
        return {
            "period": {"from": period.from_, "to": period.to},
            "as_of": self.now,
            "computed_through": await computed_through(self.connection, self.now),
            "final": False,
        }


async def answer(
    present: Present,
    question: Question,
    metric: Answered,
    *,
    compared: Period | None = None,
    order: str = "code",
    language: Language,
) -> dict[str, Any]:
    """The document of `metric`, beside the figures of the period `compared` if there is one.

    Raises Problem invalid when there are more than MAX_ROWS groups.
    """
    read = await _read(present, question, metric, compared) if question.by else None
    rows = [] if read is None else await _rows(present, question, metric, compared, language, read)
    dated = await present.dated(question.period)
    if compared is not None:
        dated["compared"] = {"from": compared.from_, "to": compared.to}
    return {
        "metric": metric.key,
        "definition_version": metric.version,
        **dated,
        "total": (
            await total(present, question, metric, compared)
            if read is None or not _adds_up(question, metric)
            else _summed(question, metric, compared, read)
        ),
        "rows": rows if order == "code" else by_rate(rows, falling=order == "-rate"),
    }


class _Read(NamedTuple):
    """The groups of the period, and of the one that it is compared with."""

    groups: list[Any]
    before: list[Any]


def _adds_up(question: Question, metric: Answered) -> bool:
    """Whether every dossier of the whole is in exactly one group.

    Over time some are in several, distinct procedures may be, and percentiles do not add up at all.
    """
    additive = isinstance(metric, Balance) or (isinstance(metric, Rate) and not metric.procedures)
    return additive and not set(question.by).intersection(TIME_GROUPS)


def _summed(question: Question, metric: Answered, compared: Period | None, read: _Read) -> Row:
    """The total as the sum of its groups, which is what it would be if it were counted by itself."""
    figure = figure_of(metric)
    found = figure(_sum(metric, read.groups)) | comparable(question)
    if compared is not None:
        found["previous"] = earlier(figure(_sum(metric, read.before)))
    return found


def _sum(metric: Answered, groups: Sequence[Group]) -> Group:
    assert not isinstance(metric, Statistic)  # noqa: S101 - `_adds_up` says so
    return Group((), {key: sum(group.counts[key] for group in groups) for key in metric.needs})


async def total(
    present: Present, question: Question, metric: Answered, compared: Period | None = None
) -> Row:
    """The figure of `metric` without any key."""
    figure, whole = figure_of(metric), replace(question, by=())
    (group,) = await present.groups(whole, metric)
    found = figure(group) | comparable(question)
    if compared is not None:
        (before,) = await present.groups(replace(whole, period=compared), metric)
        found["previous"] = earlier(figure(before))
    return found


async def _read(present: Present, question: Question, metric: Answered, compared: Period | None) -> _Read:
    try:
        groups = await present.groups(question, metric, MAX_ROWS)
        before = (
            await present.groups(replace(question, period=compared), metric, MAX_ROWS) if compared else []
        )
    except TooManyGroups:
        raise Problem("invalid", _TOO_MANY, [Fault("query:group_by", _TOO_MANY)]) from None
    groups.sort(key=by_code)
    return _Read(groups, before)


async def _rows(
    present: Present,
    question: Question,
    metric: Answered,
    compared: Period | None,
    language: Language,
    read: _Read,
) -> list[Row]:
    figure, (groups, before) = figure_of(metric), read
    known = await _names(present.connection, question.by, groups, language, present.naming_day(question))
    rows = [labelled(group, question, figure, known) for group in groups]
    if compared is not None:
        found = dict(zip(places(before, question.by, compared), before, strict=True))
        for row, place in zip(rows, places(groups, question.by, question.period), strict=True):
            row["previous"] = earlier(figure(found.get(place, _nothing(metric))))
    return rows


def _nothing(metric: Answered) -> Counted:
    """A group of none."""
    if isinstance(metric, Statistic):
        return Measured((), 0, 0, (0, 0), (0, 0))
    return Group((), dict.fromkeys(metric.needs, 0))


async def _names(
    connection: AsyncConnection,
    by: Sequence[Dimension],
    groups: Sequence[Counted],
    language: Language,
    day: date,
) -> Names:
    known: dict[Dimension, Mapping[str, str]] = {}
    for place, dimension in enumerate(by):
        if kind := _DIRECTORY.get(dimension):
            codes = {key for group in groups if (key := group.keys[place]) is not None}
            known[dimension] = await named(connection, kind, codes, language, day)
    return known


async def named(
    connection: AsyncConnection, kind: Kind, codes: set[str], language: Language, day: date
) -> dict[str, str]:
    """Code → name in the reader's language on a local day, of those that the directory knows."""
    found = await names(connection, kind, codes, day)
    return {code: (language == "en" and en) or vi for code, (vi, en) in found.items()}
