"""The page of units: a table of figures with their gaps, grades, ranks and trends, which any column sorts.

It puts beside each other what the API tells of the units below one; nothing is computed anew here.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard import drawing
from app.dashboard.aims import Aims, aims, only_top
from app.dashboard.figures import Figures, figures, main_rates, year_of_months
from app.dashboard.frame import Chosen, Frame, UnitCode, framed
from app.dashboard.panorama import left_out, ratios, spare
from app.dashboard.reader import FiguresReader
from app.dashboard.render import PageRoute, page
from app.directory.called import called_by
from app.directory.reach import visible_in
from app.kit.abreast import Ask, abreast
from app.kit.deployment import Here, Snapshot
from app.metrics.metric import Rate
from app.metrics.periods import Period
from app.metrics.question import Dimension
from app.targets.earlier import previous
from app.targets.scheme import KEY_PATTERN
from app.targets.scorecard_api import DEFAULT, choosable, scheme_named
from app.targets.scorecards import Asker, Card, Place
from app.targets.scoring import Scheme, grade

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

COUNTED: Final = ("received", "resolved", "in_progress", "in_progress_overdue")


class Marks:
    """The cards of the units, and of the same ones in the period before; without a card a unit has no grade."""

    def __init__(self, scheme: Scheme, now: Mapping[str, Card], before: Mapping[str, Card] | None) -> None:
        self.scheme = scheme
        self._now = now
        self._before = before or {}

    def card(self, unit: str | None) -> Card | None:
        """The unit's card."""
        return self._now.get(unit or "")

    def grade(self, unit: str | None) -> str | None:
        """The unit's grade."""
        card = self.card(unit)
        return grade(self.scheme, card.score.share) if card else None

    def climbed(self, unit: str | None) -> int | None:
        """By how many places the unit rose against the period before; None where it had or has none."""
        card, before = self.card(unit), self._before.get(unit or "")
        return None if not card or not before or not card.rank or not before.rank else before.rank - card.rank

    def moved(self, unit: str | None) -> Fraction | None:
        """By which share of the maximum the unit rose."""
        card, before = self.card(unit), self._before.get(unit or "")
        if not card or not before or card.score.share is None or before.score.share is None:
            return None
        return card.score.share - before.score.share


@router.get("/units")
async def units_table(
    request: Request,
    reader: FiguresReader,
    here: Here,
    connection: Snapshot,
    unit: UnitCode = None,
    period: Chosen = None,
    scheme: Annotated[str, Query(pattern=rf"{KEY_PATTERN[:-1]}(@[0-9]{{1,6}})?$")] = DEFAULT,
    sort: Annotated[str, Query(max_length=64)] = "",
    falling: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> Response:
    """The units below one, or those at the top, each with all below it, in a table that any column sorts."""
    frame = await framed(connection, reader, here, period)
    parents = frame.structure.now(reader.today)
    root = unit or reader.caller.unit or only_top(frame.structure, reader)
    above = parents.get(root) if root and root != reader.caller.unit else None
    key, _, version = scheme.partition("@")
    chosen = await scheme_named(connection, key, int(version) if version else None)
    answers = await abreast(here.database, connection, _questions(frame, root, chosen))
    groups: Sequence[Figures] = answers["figures"]
    codes = [group.keys[0] for group in groups]
    names = await called_by(
        connection, "unit", {code for code in (*codes, root, above) if code}, reader.language, reader.today
    )
    marks = Marks(chosen, answers["cards"] or {}, answers.get("before"))
    aimed = await aims(
        connection, reader, frame.structure, [code or "" for code in codes], main_rates(), frame.period
    )
    rows = sorted(groups, key=lambda group: (names.get(group.keys[0] or "", ""), group.keys[0] or ""))
    return page(
        request,
        reader,
        "units.html",
        **frame.values,
        root=root,
        above=above,
        rows=_sorted(rows, sort, _value(sort, marks), falling=falling),
        names=names,
        with_below=set(parents.values()),
        metrics=main_rates(),
        aims=_owed(aimed, root, parents),
        counts=COUNTED,
        marks=marks,
        scheme=f"{chosen.key}@{chosen.version}",
        schemes=[(f"{one.key}@{one.version}", one.names) for one in await choosable(connection)],
        scheme_name=chosen.names.said(reader.language),
        before=_before(frame),
        lines=_lines(frame, answers["months"], _drawn()),
        left_out=left_out(answers, reader),
        sort=sort,
        falling=falling,
    )


def _questions(frame: Frame, root: str | None, scheme: Scheme) -> dict[str, Ask]:
    """What the table asks, the longest first."""
    reader, main = frame.reader, main_rates()
    by: Dimension = "child" if root else "unit"
    visible = visible_in(frame.structure, reader.caller, [root] if root else [], reader.today)
    place = Place(visible, root, "child" if root else "unit")
    before = _before(frame)

    def cards(period: Period) -> Callable[[AsyncConnection], Any]:
        return lambda connection: Asker(
            connection, frame.structure.now(reader.today), reader.zone, reader.now
        ).cards(scheme, period, place)

    asks: dict[str, Ask] = {"before": spare(cards(before))} if before is not None else {}
    return asks | {
        "months": lambda connection: figures(
            connection,
            frame,
            year_of_months(reader.today),
            unit=root,
            by=[by, "month"],
            metrics=_drawn(),
            counts=False,
        ),
        "cards": spare(cards(frame.whole)),
        "figures": lambda connection: figures(
            connection, frame, frame.period, unit=root, by=[by], metrics=main
        ),
    }


def _drawn() -> list[Rate]:
    """The figures whose months are drawn.

    Procedures, each counted once, are too few in a month of a unit for a line to tell anything, and no cells know them
    by unit and month.
    """
    return [metric for metric in main_rates() if not metric.procedures]


def _before(frame: Frame) -> Period | None:
    """The period that grades and ranks are compared with, as `GET /v1/scorecards` does."""
    return previous(frame.whole, frame.reader.today)


def _owed(aimed: Aims, root: str | None, parents: Mapping[str, str]) -> Aims:
    """Nothing is owed where a row is not a whole unit: the dossiers of a unit's own that has others below it."""
    part = {root} if root else set(parents.values())
    return {unit: {} if unit in part else held for unit, held in aimed.items()}


def _lines(
    frame: Frame, groups: Sequence[Figures], metrics: Sequence[Rate]
) -> Mapping[tuple[str | None, str], drawing.Spark]:
    """Unit and metric → its line over twelve months; those of one metric share their axis."""
    labels = [piece.label("month") for piece in year_of_months(frame.reader.today).split("month")]
    by_unit: dict[str | None, dict[str | None, Mapping[str, Any]]] = {}
    for group in groups:
        by_unit.setdefault(group.keys[0], {})[group.keys[1]] = group.rates
    found: dict[tuple[str | None, str], drawing.Spark] = {}
    for metric in metrics:
        series = {
            unit: ratios([months.get(label, {}) for label in labels], metric.key)
            for unit, months in by_unit.items()
        }
        drawn = drawing.sparks(list(series.values()))
        found |= {(unit, metric.key): spark for unit, spark in zip(series, drawn, strict=True)}
    return found


def _value(by: str, marks: Marks) -> Callable[[Figures], Fraction | int | None]:
    """What a column sorts by; None stands last."""

    def of(row: Figures) -> Fraction | int | None:
        if by == "grade":
            card = marks.card(row.keys[0])
            return card.score.share if card else None
        if by == "rank":
            card = marks.card(row.keys[0])
            return card.rank if card else None
        if by in row.counts:
            return row.counts[by]
        rate = row.rates.get(by)
        return Fraction(rate["numerator"], rate["denominator"]) if rate and rate["denominator"] else None

    return of


def _sorted(
    rows: list[Figures], by: str, value: Callable[[Figures], Fraction | int | None], *, falling: bool
) -> list[Figures]:
    """Rows by a column, those without a value last; otherwise in the order that they have."""

    def place(row: Figures) -> tuple[bool, Fraction | int]:
        found = value(row)
        return (True, 0) if found is None else (False, -found if falling else found)

    return sorted(rows, key=place) if by else (rows[::-1] if falling else rows)
