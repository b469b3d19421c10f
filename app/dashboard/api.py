"""The pages of figures: the overview, and one unit with its late budget and what is urgent there.

They read what the API reads, under the key that signed in, and hand it to templates; nothing is computed anew here.
"""

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard import budgets, panorama, queries
from app.dashboard.figures import figures, main_rates, worst_procedures
from app.dashboard.frame import Chosen, framed
from app.dashboard.reader import AnyReader, FiguresReader, Reader
from app.dashboard.render import PageRoute, page
from app.directory.called import called_by
from app.directory.reach import visible_in
from app.directory.structure import Structure
from app.kit.abreast import Ask, abreast
from app.kit.deployment import Here, Snapshot
from app.metrics.periods import Period

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

_SHOWN: Final = 10
_WORST: Final = 8


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
    frame, unit = await framed(connection, reader, here, period), reader.caller.unit
    answers = await abreast(here.database, connection, panorama.questions(frame, unit))
    called = await called_by(
        connection, "unit", panorama.named_in(answers, unit), reader.language, reader.today
    )
    return page(
        request,
        reader,
        "overview.html",
        **panorama.shown(frame, answers, unit),
        called=called,
        empty=not await queries.has_dossiers(connection),
    )


@router.get("/unit")
async def one_unit(
    request: Request,
    reader: FiguresReader,
    here: Here,
    connection: Snapshot,
    code: Annotated[str, Query(min_length=1, max_length=64)],
    period: Chosen = None,
) -> Response:
    """One unit with all below it: figures, late budget, alerts, what is urgent, and the procedures that miss most."""
    frame = await framed(connection, reader, here, period)
    asks = panorama.questions(frame, code)
    within = queries.of(visible_in(frame.structure, reader.caller, [code], reader.today))
    kinds: tuple[queries.Kind, ...] = ("overdue", "due_soon", "apology_due") if reader.opens_dossiers else ()
    main = main_rates()[:1]
    asks["worst"] = panorama.spare(
        lambda connection: figures(
            connection, frame, frame.period, unit=code, by=["procedure"], metrics=main, counts=False
        )
    )
    asks["pace"] = panorama.spare(lambda connection: budgets.paces(connection, frame, code))
    asks |= {f"list_{kind}": _list(frame.moment, kind, within) for kind in kinds}
    answers = await abreast(here.database, connection, asks)
    worst = worst_procedures(answers["worst"] or [], main[0], _WORST)
    lists = {kind: answers[f"list_{kind}"] for kind in kinds}
    above, has_below = _around(frame.structure, reader, code)
    named = panorama.named_in(answers, code) | ({above} if above else set())
    procedures = {group.keys[0] for group in worst} | {
        row["procedure"] for rows in lists.values() for row in rows
    }
    shown = panorama.shown(frame, answers, code)
    return page(
        request,
        reader,
        "unit.html",
        **shown,
        called=await called_by(connection, "unit", named, reader.language, reader.today),
        empty=not await queries.has_dossiers(connection),
        code=code,
        above=above,
        has_below=has_below,
        worst=worst,
        worst_metric=main[0],
        budgets=budgets.of(frame, shown["aims"], shown["now"].rates, answers["pace"] or {}),
        pace_period=lambda pace: Period(pace.from_, pace.to),
        lists=lists,
        procedures=await called_by(
            connection, "procedure", {code for code in procedures if code}, reader.language, reader.today
        ),
    )


def _list(moment: queries.Moment, kind: queries.Kind, within: sa.ColumnElement[bool]) -> Ask:
    condition = sa.and_(queries.urgent(kind, moment), within)
    return lambda connection: queries.listed(
        connection, condition, by_urgency=kind, now=moment.now, offset=0, limit=_SHOWN
    )


def _around(structure: Structure, reader: Reader, code: str) -> tuple[str | None, bool]:
    """The unit above as far as the key reaches, and whether any is below."""
    parents = structure.now(reader.today)
    reached = visible_in(structure, reader.caller, [], reader.today)
    above = parents.get(code)
    return (
        above if above is not None and (reached is None or above in reached) else None,
        code in parents.values(),
    )
