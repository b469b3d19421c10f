"""The dossiers behind a figure, by the very conditions that count them; and the procedures, where these are counted.

It reads what `tally` counts, so that their number equals the figure; how a list is paged, its caller knows.
"""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

import sqlalchemy as sa

from app.dossiers.tables import dossier
from app.metrics.counted import COUNTED, Test
from app.metrics.metric import Sum
from app.metrics.queries import placing
from app.metrics.question import Question

_NOBODY: Final = Sum(())


def behind(
    question: Question, listed: Sum, without: Sum = _NOBODY, *, zone: tzinfo, now: datetime
) -> sa.Subquery:
    """The codes of what `listed` counts and `without` does not: of dossiers, or of procedures, each once.

    What a sum subtracts is left out of it. The question's keys and counts are not looked at.
    """
    begin, end = (sa.literal(edge) for edge in question.period.span(zone, now))
    counts = [COUNTED[key] for key in (*listed.plus, *listed.minus, *without.plus, *without.minus)]
    placed = placing(question, counts)

    def among(keys: Iterable[str]) -> Test:
        return sa.or_(sa.false(), *(COUNTED[key].condition(begin, end) for key in keys))

    def within(part: Sum) -> Test:
        return sa.and_(among(part.plus), among(part.minus).is_not(sa.true()))

    procedures = any(count.procedures for count in counts)
    code = (dossier.c.procedure if procedures else dossier.c.code).label("code")
    found = sa.select(code).select_from(placed.source).where(*placed.conditions)
    if (
        procedures
    ):  # one dossier of a procedure may be left out while another is not: the procedures are, as wholes
        return sa.except_(found.where(within(listed)), found.where(within(without))).subquery()
    return found.where(within(listed), within(without).is_not(sa.true())).subquery()
