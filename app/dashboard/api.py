"""The pages of figures: the overview, the units in a table, and one unit.

They read what the API reads, under the key that signed in, and hand it to templates; nothing is computed anew here.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars import queries as calendars
from app.dashboard import drawing, queries
from app.dashboard.aims import Aim, aims, only_top
from app.dashboard.figures import (
    Figures,
    by_month,
    figures,
    main_rates,
    named_period,
    rates,
    worst_procedures,
)
from app.dashboard.queries import Moment
from app.dashboard.reader import AnyReader, FiguresReader, Reader
from app.dashboard.render import PageRoute, page
from app.directory.called import called_by
from app.directory.queries import structure
from app.directory.reach import visible_units
from app.kit.deployment import Deployment, Here, Snapshot
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.lagging import queries as lagging
from app.lagging.standing import SOON
from app.metrics import periods
from app.metrics.catalogue import COUNTS
from app.metrics.periods import Period, midnight

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST_ALERTS: Final = 100
_SHOWN: Final = 10
_WORST: Final = 8
_MISREAD: Final = Text("Kỳ không hợp lệ.", "The period is not valid.")
_BALANCE: Final = ("received", "carried_over", "resolved", "in_progress")

Chosen = Annotated[str | None, Query(max_length=32)]
UnitCode = Annotated[str | None, Query(max_length=64)]


@router.get("/")
async def overview(
    request: Request,
    reader: AnyReader,
    here: Here,
    connection: Snapshot,
    period: Chosen = None,
) -> Response:
    """The figures of all that the key reaches; a key that opens dossiers only is led to these."""
    if not reader.caller.may("metrics:read"):
        return RedirectResponse("/dossiers", 303)
    values = await _panorama(connection, reader, here, period, reader.caller.unit)
    return page(request, reader, "overview.html", **values)


@router.get("/unit")
async def one_unit(
    request: Request,
    reader: FiguresReader,
    here: Here,
    connection: Snapshot,
    code: Annotated[str, Query(min_length=1, max_length=64)],
    period: Chosen = None,
) -> Response:
    """One unit with all below it: figures, alerts, what is urgent, and the procedures that miss most."""
    values = await _panorama(connection, reader, here, period, code)
    parents = (await structure(connection)).now(reader.today)
    reached = await visible_units(connection, reader.caller, [], reader.today)
    above = parents.get(code)
    above = above if above is not None and (reached is None or above in reached) else None
    main = main_rates()
    groups = await figures(
        connection, reader, values["period"], unit=code, by=["procedure"], metrics=main[:1]
    )
    worst = worst_procedures(groups, main[0], _WORST)
    codes = {group.keys[0] for group in worst if group.keys[0] is not None}
    lists = {
        kind: await queries.listed(
            connection,
            sa.and_(queries.urgent(kind, values["moment"]), queries.of(values["units"])),
            by_urgency=True,
            now=reader.now,
            offset=0,
            limit=_SHOWN,
        )
        for kind in (("overdue", "due_soon") if reader.opens_dossiers else ())
    }
    names = await called_by(
        connection, "unit", {code, *([above] if above else [])}, reader.language, reader.today
    )
    listed = {row["procedure"] for rows in lists.values() for row in rows if row["procedure"]}
    return page(
        request,
        reader,
        "unit.html",
        **values,
        code=code,
        above=above,
        names=names,
        has_below=code in parents.values(),
        worst=worst,
        worst_metric=main[0],
        lists=lists,
        procedures=await called_by(connection, "procedure", codes | listed, reader.language, reader.today),
    )


@router.get("/units")
async def units_table(
    request: Request,
    reader: FiguresReader,
    here: Here,
    connection: Snapshot,
    unit: UnitCode = None,
    period: Chosen = None,
    sort: Annotated[str, Query(max_length=64)] = "",
    falling: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> Response:
    """The units below one, or those at the top, each with all below it, in a table that any column sorts."""
    chosen = _period(period, reader)
    known = await structure(connection)
    parents = known.now(reader.today)
    root = unit or reader.caller.unit or only_top(known, reader)
    above = parents.get(root) if root and root != reader.caller.unit else None
    main = main_rates()
    groups = await figures(
        connection, reader, chosen, unit=root, by=["child" if root else "unit"], metrics=main
    )
    names = await called_by(
        connection,
        "unit",
        {group.keys[0] for group in groups if group.keys[0]} | {code for code in (root, above) if code},
        reader.language,
        reader.today,
    )
    rows = sorted(groups, key=lambda group: (names.get(group.keys[0] or "", ""), group.keys[0] or ""))
    rows = _sorted(rows, sort, falling=falling)
    return page(
        request,
        reader,
        "units.html",
        **await _frame(connection, reader, here, period, chosen),
        root=root,
        above=above,
        rows=rows,
        names=names,
        with_below=set(parents.values()),
        metrics=main,
        aims=await aims(connection, reader, known, [row.keys[0] or "" for row in rows], main, chosen),
        counts=("received", "resolved", "in_progress", "in_progress_overdue"),
        sort=sort,
        falling=falling,
    )


def _sorted(rows: list[Figures], by: str, *, falling: bool) -> list[Figures]:
    """Rows by a count or a rate, those without a rate last; otherwise in the order that they have."""

    def place(row: Figures) -> tuple[bool, Fraction]:
        if by in row.counts:
            value = Fraction(row.counts[by])
        elif (rate := row.rates.get(by)) and rate["denominator"]:
            value = Fraction(rate["numerator"], rate["denominator"])
        else:
            return True, Fraction(0)
        return False, -value if falling else value

    return sorted(rows, key=place) if by else (rows[::-1] if falling else rows)


def _period(name: str | None, reader: Reader) -> Period:
    try:
        return named_period(name or None, None, None, reader.today)
    except periods.Misread as misread:
        raise Problem("invalid", _MISREAD, [Fault("period", misread.reason)]) from None


async def _frame(
    connection: AsyncConnection, reader: Reader, here: Deployment, name: str | None, chosen: Period
) -> dict[str, Any]:
    """What every page of figures shows around them."""
    return {
        "period": chosen,
        "period_name": name or "",
        "choices": choices(reader),
        "sample": await queries.has_samples(connection),
        "moment": await soon(connection, reader, here),
    }


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


async def soon(connection: AsyncConnection, reader: Reader, here: Deployment) -> Moment:
    """Now, and the end of the second working day after today."""
    days = (await calendars.calendar(connection, here.settings.calendar, reader.zone)).working_days
    last = days.nth(days.count_to(reader.today) + SOON)
    return Moment(reader.now, midnight(last + timedelta(days=1), reader.zone))


async def _panorama(
    connection: AsyncConnection, reader: Reader, here: Deployment, name: str | None, unit: str | None
) -> dict[str, Any]:
    """The figures of a unit (None: of all), beside last year's and by month, with what is about to go wrong."""
    chosen = _period(name, reader)
    units = await visible_units(connection, reader.caller, [unit] if unit else [], reader.today)
    main = main_rates()
    (now,) = await figures(connection, reader, chosen, unit=unit, metrics=rates())
    earlier = periods.before(name or str(chosen.from_.year), chosen, "last_year", reader.today)
    past = (await figures(connection, reader, earlier, unit=unit, metrics=main))[0] if earlier else None
    months = await by_month(connection, reader, unit, main)
    known = await structure(connection)
    owing = unit or only_top(known, reader) or ""
    owed = (await aims(connection, reader, known, [owing], main, chosen))[owing]
    frame = await _frame(connection, reader, here, name, chosen)
    alerts = await lagging.alerts(
        connection, units=units, is_open=True, rule=None, before=None, limit=_MOST_ALERTS, level="lagging"
    )
    urgent = {
        kind: await queries.how_many(
            connection, sa.and_(queries.urgent(kind, frame["moment"]), queries.of(units))
        )
        for kind in ("overdue", "due_soon", "no_apology")
    }
    called = await called_by(
        connection,
        "unit",
        {row["unit"] for row in alerts}
        | {aim.promise.unit for aim in owed.values() if aim.promise}
        | ({unit} if unit else set()),
        reader.language,
        reader.today,
    )
    return {
        **frame,
        "unit": unit,
        "units": units,
        "main": main,
        "others": [metric for metric in rates() if metric not in main],
        "now": now,
        "past": past,
        "earlier": earlier,
        "months": months,
        "charts": {
            metric.key: _chart(months.present, months.past, metric.key, owed.get(metric.key))
            for metric in main
        },
        "aims": owed,
        "owing": owing,
        "urgent": urgent,
        "alerts": alerts,
        "called": called,
        "balance": [(key, COUNTS.parts[key].said(reader.language)) for key in _BALANCE],
        "residual": COUNTS.parts["residual"].said(reader.language),
        "empty": not await queries.has_dossiers(connection),
        "metric_names": {metric.key: metric.names.said(reader.language) for metric in rates()},
    }


def _chart(
    present: Sequence[Mapping[str, Any]],
    past: Sequence[Mapping[str, Any]],
    key: str,
    aim: Aim | None,
) -> drawing.Trend:
    def series(months: Collection[Mapping[str, Any]]) -> list[drawing.Ratio]:
        rows = [month.get(key) for month in months]
        return [(row["numerator"], row["denominator"]) if row else (0, 0) for row in rows]

    return drawing.trend(series(present), series(past), float(aim.target) if aim else None)
