"""The routes of schemes and scorecards.

They know HTTP, and who may write a scheme; points and ranks are the rules'.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.called import called_by
from app.directory.queries import structure
from app.directory.reach import visible_units
from app.events.marks import computed_through
from app.keys.guard import MetricsRead, TargetsWrite
from app.kit.codes import Code
from app.kit.deployment import Here, Snapshot, Transaction
from app.kit.http import language, problem_responses
from app.kit.paging import Page
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.metrics import periods
from app.metrics.periods import Period
from app.targets import queries
from app.targets.earlier import last_year, previous
from app.targets.rates import rate_named
from app.targets.scheme import KEY_PATTERN, SchemeTerms, shipped
from app.targets.scorecard_schemas import Days, Earlier, SchemeShown, Scorecards, UnitCard, card_shown
from app.targets.scorecards import MEASURES, Asker, By, Card, Place, unknown
from app.targets.scoring import Scheme

router: Final = APIRouter(prefix="/v1", tags=["targets"])

DEFAULT: Final = "decision-766"

_WRONG: Final = Text("Thang điểm không hợp lệ; xem errors.", "The scheme is not valid; see errors.")
_ASKED: Final = Text("Tham số không hợp lệ; xem errors.", "The parameters are not valid; see errors.")
_EVERYBODYS: Final = Text(
    "Thang điểm áp dụng cho mọi đơn vị; khóa giới hạn ở đơn vị {limit} không được sửa.",
    "Schemes score every unit; a key that is limited to the unit {limit} may not write them.",
)
_SHIPPED: Final = Text(
    "Thang điểm {key} đi kèm sản phẩm và không sửa được; hãy ghi dưới mã khác.",
    "The scheme {key} ships with the product and cannot be changed; write yours under another key.",
)
_NO_SCHEME: Final = Text(
    "Không có thang điểm {key}; GET /v1/schemes liệt kê.",
    "There is no scheme {key}; GET /v1/schemes lists them.",
)
_NO_METRIC: Final = Text(
    "{key} không phải là tỷ lệ của GET /v1/metrics hay đại lượng của thang điểm.",
    "{key} is neither a rate of GET /v1/metrics nor a measure of schemes.",
)
_ROOT: Final = Text(
    "group_by=child cần unit=, là đơn vị cấp trên.", "group_by=child needs unit=, the unit above."
)


@router.get("/schemes", summary="Schemes, every version")
async def list_schemes(_: MetricsRead, connection: Snapshot) -> Page[SchemeShown]:
    """Those that ship with the product and those that administrators wrote, by key and version."""
    own = {
        place: SchemeShown(
            **SchemeTerms.model_validate(row["terms"]).model_dump(by_alias=True),
            key=row["key"],
            version=row["version"],
            shipped=False,
            recorded_at=row["recorded_at"],
        )
        for place, row in (await queries.schemes(connection)).items()
    }
    ours = {
        place: SchemeShown(**one.model_dump(by_alias=True), shipped=True, recorded_at=None)
        for place, one in shipped().items()
    }
    return Page(items=[one for _, one in sorted((ours | own).items())])


@router.put("/schemes/{key}", summary="Write a scheme", responses=problem_responses("conflict"))
async def put_scheme(
    caller: TargetsWrite,
    here: Here,
    connection: Transaction,
    key: Annotated[str, Path(pattern=KEY_PATTERN, description="Key of the scheme.", examples=["lam-dong"])],
    terms: SchemeTerms,
) -> SchemeShown:
    """Other content under the same key is the next version; the same again changes nothing, and no version ever changes."""
    if caller.unit is not None:
        raise Problem("forbidden", _EVERYBODYS.filled(limit=caller.unit))
    if key in {shipped_key for shipped_key, _ in shipped()}:
        raise Problem("conflict", _SHIPPED.filled(key=key))
    _check(terms)
    await queries.keep_writers_out(connection)
    stored = [row for (one, _), row in (await queries.schemes(connection)).items() if one == key]
    written = terms.model_dump(by_alias=True)
    if not stored or stored[-1]["terms"] != written:
        row: dict[str, Any] = {
            "key": key,
            "version": len(stored) + 1,
            "terms": written,
            "recorded_at": here.clock(),
            "recorded_by": caller.key_id,
        }
        await queries.add_scheme(connection, row)
        stored.append(row)
    return SchemeShown(
        **written,
        key=key,
        version=stored[-1]["version"],
        shipped=False,
        recorded_at=stored[-1]["recorded_at"],
    )


@router.get("/scorecards", summary="Points, grades and ranks")
async def scorecards(
    caller: MetricsRead,
    request: Request,
    here: Here,
    connection: Snapshot,
    scheme: Annotated[str, Query(pattern=KEY_PATTERN, description="Key of a scheme.")] = DEFAULT,
    version: Annotated[
        int | None,
        Query(ge=1, le=1_000_000, description="Absent: of a shipped scheme the first, of others the last."),
    ] = None,
    unit: Annotated[
        Code | None, Query(description="This unit with all below it. Absent: all that the key may see.")
    ] = None,
    period: Annotated[
        str | None,
        Query(max_length=32, description="As for every figure, such as `2026-Q1`. Absent: this year."),
    ] = None,
    group_by: Annotated[
        By | None,
        Query(
            description="`child`: the direct children of `unit=`, each with all below it; `unit`: each very unit."
        ),
    ] = None,
) -> Scorecards:
    """By one scheme in one period. Ranks are among the rows; one unit is ranked among those with the same unit above it, of which a limited key learns the number and no more."""
    chosen = await scheme_named(connection, scheme, version)
    zone, now = here.settings.zone, here.clock()
    today = now.astimezone(zone).date()
    days = _days(period, today.year)
    visible = await visible_units(connection, caller, [unit] if unit else [], today)
    root = unit or caller.unit
    if group_by == "child" and root is None:
        raise Problem("invalid", _ASKED, [Fault("query:unit", _ROOT)])
    asker = Asker(connection, (await structure(connection)).now(today), zone, now)
    place = asker.beside(root) if root and not group_by else Place(visible, root, group_by)
    cards = await asker.cards(chosen, days, place)
    befores = [
        None if one is None else (_shown(one), await asker.cards(chosen, one, place))
        for one in (previous(days, today), last_year(days, today))
    ]
    said = language(request)

    def earlier(row: str) -> list[Earlier | None]:
        return [held and (held[0], held[1].get(row)) for held in befores]

    whole = await _whole(asker, chosen, days, cards, place, root) if not group_by else None
    own = root if place.by == "child" and root else ""
    called = await called_by(connection, "unit", cards.keys(), said, today) if group_by else {}
    rows = [
        UnitCard(
            **card_shown(chosen, card, said, *earlier(code)).model_dump(by_alias=True),
            unit={"code": code, "name": called[code]},
            self=card.unranked == "own_dossiers",
        )
        for code, card in (sorted(cards.items(), key=_by_rank) if group_by else ())
    ]
    return Scorecards(
        scheme=chosen.key,
        version=chosen.version,
        name=chosen.names.said(said),
        legal_basis=chosen.legal_basis.said(said),
        template=chosen.template,
        period=_shown(days),
        as_of=now,
        computed_through=await computed_through(connection, now),
        unknown=unknown([*cards.values(), *([whole] if whole else [])]),
        total=card_shown(chosen, whole, said, *earlier(own)) if whole else None,
        rows=rows,
    )


async def _whole(
    asker: Asker, scheme: Scheme, days: Period, cards: dict[str, Card], place: Place, root: str | None
) -> Card:
    """The card of what was asked for as a whole: of the one unit among its siblings, or of everything."""
    found = cards.get(root if place.by == "child" and root else "")
    if found is not None:
        return found
    nothing = await asker.cards(scheme, days, Place([], None, None))  # it has no dossier at all
    return nothing[""]._replace(of=max((card.of for card in cards.values()), default=0))


async def choosable(connection: AsyncConnection) -> list[Scheme]:
    """Every scheme, every version, by key and version."""
    rows = (await queries.schemes(connection)).items()
    own = {place: SchemeTerms.model_validate(row["terms"]).scheme(*place) for place, row in rows}
    ours = {place: one.scheme(*place) for place, one in shipped().items()}
    return [one for _, one in sorted((ours | own).items())]


async def scheme_named(connection: AsyncConnection, key: str, version: int | None) -> Scheme:
    """The scheme of a key; without a version of a shipped one the first, of others the last. Raises Problem not-found."""
    ours = {number: one.scheme(key, number) for (held, number), one in shipped().items() if held == key}
    found: Scheme | None = ours.get(version or 1)
    if not ours:
        rows = (await queries.schemes(connection)).values()
        own = {row["version"]: row for row in rows if row["key"] == key}
        row = own.get(version or max(own, default=0))
        found = SchemeTerms.model_validate(row["terms"]).scheme(key, row["version"]) if row else None
    if not found:
        raise Problem("not-found", _NO_SCHEME.filled(key=key))
    return found


def _days(period: str | None, year: int) -> Period:
    try:
        return periods.parse(period or str(year))
    except periods.Misread as misread:
        raise Problem("invalid", _ASKED, [Fault(f"query:{misread.parameter}", misread.reason)]) from None


def _shown(period: Period) -> Days:
    return Days.model_validate({"from": period.from_, "to": period.to})


def _check(terms: SchemeTerms) -> None:
    ships = {part.metric for one in shipped().values() for crit in one.criteria for part in crit.parts}
    known = ships | MEASURES
    faults = [
        Fault(f"/criteria/{place}/parts/{number}/metric", _NO_METRIC.filled(key=part.metric))
        for place, criterion in enumerate(terms.criteria)
        for number, part in enumerate(criterion.parts)
        if part.metric not in known and rate_named(part.metric) is None
    ]
    if faults:
        raise Problem("invalid", _WRONG, faults)


def _by_rank(entry: tuple[str, Card]) -> tuple[bool, int, str]:
    code, card = entry
    return card.rank is None, card.rank or 0, code
