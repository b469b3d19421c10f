"""What every page of figures stands on: the chosen period, and the units and working days as they are at its instant.

It is read once a page and handed around; what a page shows of it, the page says.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import queries as calendars
from app.dashboard import queries
from app.dashboard.queries import Moment
from app.dashboard.reader import Reader
from app.directory.queries import structure
from app.directory.structure import Structure
from app.kit.deployment import Deployment
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.lagging.standing import SOON
from app.metrics import periods
from app.metrics.periods import Period, midnight
from app.worktime.calendar import Calendar

Chosen = Annotated[str | None, Query(max_length=32)]
UnitCode = Annotated[str | None, Query(max_length=64)]

_MISREAD: Final = Text("Kỳ không hợp lệ.", "The period is not valid.")


@dataclass(frozen=True)
class Frame:
    """Who looks, at which period, and how units and working days stand then.

    `period` ends today where it is this year to date; `whole` is all of it, also what is to come.
    """

    reader: Reader
    name: str
    period: Period
    whole: Period
    structure: Structure
    calendar: Calendar
    sample: bool

    @property
    def moment(self) -> Moment:
        """Now, and the end of the second working day after today."""
        days = self.calendar.working_days
        last = days.nth(days.count_to(self.reader.today) + SOON)
        return Moment(self.reader.now, midnight(last + timedelta(days=1), self.reader.zone))

    @property
    def values(self) -> dict[str, Any]:
        """What every template of figures needs of it."""
        return {
            "period": self.period,
            "period_name": self.name,
            "choices": choices(self.reader),
            "sample": self.sample,
            "moment": self.moment,
        }


async def framed(
    connection: AsyncConnection, reader: Reader, here: Deployment, name: str | None = None
) -> Frame:
    """The frame of the period called `name`; without a name, of this year to date. Raises Problem invalid."""
    try:
        period = periods.asked(name or None, None, None, reader.today)
        whole = periods.parse(name or str(reader.today.year))
    except periods.Misread as misread:
        raise Problem("invalid", _MISREAD, [Fault("period", misread.reason)]) from None
    return Frame(
        reader,
        name or "",
        period,
        whole,
        await structure(connection),
        await calendars.calendar(connection, here.settings.calendar, reader.zone),
        await queries.has_samples(connection),
    )


def choices(reader: Reader) -> list[tuple[str, str]]:
    """The periods that are offered: their name, and the word for it; the empty name is this year to date."""
    today, day = reader.today, timedelta(days=1)
    month = periods.containing(today, "month")
    quarter = periods.containing(today, "quarter")
    return [
        ("", "this_year"),
        (quarter.label("quarter"), "this_quarter"),
        (month.label("month"), "this_month"),
        (periods.containing(month.from_ - day, "month").label("month"), "last_month"),
        (periods.containing(quarter.from_ - day, "quarter").label("quarter"), "last_quarter"),
        (str(today.year - 1), "last_year"),
    ]
