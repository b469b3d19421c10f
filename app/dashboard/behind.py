"""Which dossiers stand behind a number of the pages: a part of a figure, or a column of form II.06a.

It turns the parameters of a link into the condition that counts those dossiers, so that as many are listed; lists are
`lists`'.
"""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard import queries
from app.dashboard.reader import Reader
from app.directory.reach import visible_units
from app.dossiers.tables import dossier
from app.figures.asked import question
from app.figures.behind import parts_of
from app.figures.parameters import BehindAsked
from app.kit.problems import Problem
from app.kit.text import Text
from app.metrics.behind import behind
from app.metrics.catalogue import CATALOGUE
from app.metrics.metric import Rate, Statistic, Sum
from app.metrics.question import Question
from app.reports import ii_06a

FORM: Final = "ii-06a"
"""Stands where a figure's key does, for the columns of the form."""

_NO_FIGURE: Final = Text("Không có chỉ tiêu này.", "There is no such figure.")


@dataclass(frozen=True)
class Behind:
    """The parameters of a link; an empty sector is the unknown one, None any."""

    key: str
    part: str | None
    begin: str | None
    end: str | None
    unit: str | None
    procedure: str | None
    sector: str | None

    async def question(self, connection: AsyncConnection, reader: Reader) -> Question:
        """The question that counts them. Raises Problem invalid, and forbidden for a unit outside of the key's."""
        asked = BehindAsked.model_validate(
            {
                "from": self.begin,
                "to": self.end,
                "unit": [self.unit] if self.unit else [],
                "procedure": [self.procedure] if self.procedure else [],
                "sector": [self.sector] if self.sector else [],
                "sector_unknown": self.sector == "",
            }
        )
        return await question(connection, reader.caller, asked, None, reader.today)

    async def condition(
        self, connection: AsyncConnection, reader: Reader, put: Question
    ) -> tuple[sa.ColumnElement[bool], dict[str, Any]]:
        """The condition of the dossiers that the part counts, and what the page says of it.

        Where procedures are counted, it is their dossiers of any time: no list of dossiers can number the same.
        Raises Problem not-found for what is no figure.
        """
        if self.key == FORM:
            return self._of_form(reader, put)
        metric = CATALOGUE.get(self.key)
        if metric is None or isinstance(metric, Statistic):
            raise Problem("not-found", _NO_FIGURE)
        listed, without = parts_of(metric, self.part)
        found = behind(put, listed, without, zone=reader.zone, now=reader.now)
        procedures = isinstance(metric, Rate) and metric.procedures
        column = dossier.c.procedure if procedures else dossier.c.code
        condition: sa.ColumnElement[bool] = column.in_(sa.select(found.c.code))
        if procedures:
            asked = [self.unit] if self.unit else []
            units = await visible_units(connection, reader.caller, asked, reader.today)
            condition = sa.and_(condition, queries.of(units))
        says = metric.parts.get(self.part or "numerator")
        return condition, {
            "figure": metric.names.said(reader.language),
            "part": self.part or "numerator",
            "says": says.said(reader.language) if says else None,
            "period": put.period,
            "counts_procedures": procedures,
        }

    def _of_form(self, reader: Reader, put: Question) -> tuple[sa.ColumnElement[bool], dict[str, Any]]:
        column = next((one for one in ii_06a.COLUMNS if one.name == self.part), None)
        if column is None:
            raise Problem("not-found", _NO_FIGURE)
        found = behind(put, column.sum, Sum(()), zone=reader.zone, now=reader.now)
        said = reader.language
        return dossier.c.code.in_(sa.select(found.c.code)), {
            "figure": f"{ii_06a.FORM} ({column.number})",
            "part": column.name,
            "says": f"{column.over.said(said)}: {column.heading.said(said)}",
            "period": put.period,
        }
