"""The routes of commitments: the register that heads of units sign, and how each stands.

They know HTTP and what may be written; what holds is decided in `register`, and what it means for a unit in `progress`.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.calendars.queries import calendar
from app.directory.called import called_by
from app.directory.queries import structure
from app.directory.reach import visible_units
from app.directory.tree import chain
from app.keys.guard import Caller, MetricsRead, TargetsWrite
from app.kit import paging
from app.kit.codes import Code
from app.kit.deployment import Deployment, Here, Snapshot, Transaction
from app.kit.http import language, problem_responses
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Fault, Problem
from app.kit.text import Language, Text
from app.metrics import periods
from app.targets import queries
from app.targets.progress import Asked, Today, progress
from app.targets.rates import rate_named
from app.targets.register import Promise, in_force
from app.targets.schemas import (
    ID_PATTERN,
    Commitment,
    CommitmentTerms,
    Day,
    PeriodNamed,
    UnitNamed,
    version_of,
)
from app.targets.shares import exact

router: Final = APIRouter(prefix="/v1", tags=["targets"])

Identifier = Annotated[
    str,
    Path(
        alias="id",
        pattern=ID_PATTERN,
        description="Given by whoever writes it.",
        examples=["mui-ne-on-time-2026"],
    ),
]

_WRONG: Final = Text("Cam kết không hợp lệ; xem errors.", "The commitment is not valid; see errors.")
_NO_RATE: Final = Text(
    "{key} không phải là tỷ lệ của GET /v1/metrics.", "{key} is no rate of GET /v1/metrics."
)
_NONE: Final = Text("Không có cam kết {id}.", "There is no commitment {id}.")
_ANOTHER: Final = Text(
    "Cam kết {id} đã ghi với unit, metric hoặc period khác; phiên bản mới chỉ đổi chỉ tiêu và chữ ký. Dùng mã khác.",
    "The commitment {id} is stored with another unit, metric or period; a new version changes target and signature only. Use another id.",
)
_SAME: Final = Text(
    "Đơn vị đã có cam kết {id} cho cùng chỉ tiêu và kỳ; hãy ghi phiên bản mới của cam kết đó.",
    "The unit has the commitment {id} for the same metric and period; write a new version of that one.",
)
_EARLIER: Final = Text(
    "Phiên bản trước ký ngày {day}; phiên bản mới không thể ký trước đó.",
    "The version before was signed on {day}; a new one cannot be signed earlier.",
)
_SIGNED: Final = ("target", "signed_by", "signed_on", "document", "document_sha256")
_FIXED: Final = ("unit", "metric", "period")


@router.put("/commitments/{id}", summary="Write a commitment", responses=problem_responses("conflict"))
async def put_commitment(
    caller: TargetsWrite,
    request: Request,
    here: Here,
    connection: Transaction,
    identifier: Identifier,
    terms: CommitmentTerms,
) -> Commitment:
    """The first is version 1. Other content under the same id is the next version, which supersedes from the day it was signed; nothing is ever changed or deleted.

    The same content again changes nothing. Unit, metric and period of an id never change (409).
    """
    await visible_units(connection, caller, [terms.unit], here.today())
    row = _row(terms, identifier, caller, here)
    await queries.keep_writers_out(connection)
    stored = (await queries.versions(connection, [identifier])).get(identifier, [])
    _check(row, stored)
    other = await queries.same_days(connection, row)
    if other is not None:
        raise Problem("conflict", _SAME.filled(id=other))
    if not stored or any(stored[-1][name] != row[name] for name in _SIGNED):
        await queries.add_commitment(connection, row | {"version": len(stored) + 1})
    return (await _shown(connection, here, {identifier: terms.unit}, language(request)))[0]


@router.get("/commitments", summary="Commitments by id, with progress")
async def list_commitments(
    caller: MetricsRead,
    request: Request,
    here: Here,
    connection: Snapshot,
    unit: Annotated[
        tuple[Code, ...],
        Query(
            description="Owed by these units and all below them; of one unit also what it inherits. Absent: all that the key may see.",
            max_length=100,
        ),
    ] = (),
    metric: Annotated[str | None, Query(max_length=64, description="Only for this metric.")] = None,
    on: Annotated[Day | None, Query(description="Only with this local day in the period.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Commitment]:
    """The register. A unit without a commitment of its own owes what the nearest unit above it owes."""
    visible = await visible_units(connection, caller, unit, here.today())
    root = unit[0] if len(unit) == 1 else caller.unit if not unit else None
    tree = (await structure(connection)).now(here.today())
    above = list(chain(tree, root))[1:] if root else []
    found = await queries.page(
        connection,
        units=None if visible is None else [*visible, *above],
        metric=metric,
        on=on,
        after=paging.read(cursor),
        limit=limit + 1,
    )
    ids = found[:limit]
    judged = await _whose(connection, ids, above, root)
    items = await _shown(connection, here, judged, language(request))
    return Page(items=items, next_cursor=paging.written(ids[-1]) if len(found) > limit else None)


@router.get("/commitments/{id}", summary="One commitment, with progress")
async def get_commitment(
    caller: MetricsRead, request: Request, here: Here, connection: Snapshot, identifier: Identifier
) -> Commitment:
    """Every version, and how the unit stands today."""
    stored = (await queries.versions(connection, [identifier])).get(identifier)
    visible = await visible_units(connection, caller, [], here.today())
    if stored is None or (visible is not None and stored[0]["unit"] not in visible):
        raise Problem("not-found", _NONE.filled(id=identifier))
    return (await _shown(connection, here, {identifier: stored[0]["unit"]}, language(request)))[0]


def _row(terms: CommitmentTerms, identifier: str, caller: Caller, here: Deployment) -> dict[str, Any]:
    faults = []
    if rate_named(terms.metric) is None:
        faults.append(Fault("/metric", _NO_RATE.filled(key=terms.metric)))
    try:
        period = periods.parse(terms.period)
    except periods.Misread as misread:
        raise Problem("invalid", _WRONG, [*faults, Fault("/period", misread.reason)]) from None
    if faults:
        raise Problem("invalid", _WRONG, faults)
    return {
        **terms.model_dump(exclude={"target"}),
        "id": identifier,
        "target": exact(terms.target),
        "period_from": period.from_,
        "period_to": period.to,
        "recorded_at": here.clock(),
        "recorded_by": caller.key_id,
    }


def _check(row: dict[str, Any], stored: list[dict[str, Any]]) -> None:
    if not stored:
        return
    if any(stored[-1][name] != row[name] for name in _FIXED):
        raise Problem("conflict", _ANOTHER.filled(id=row["id"]))
    if row["signed_on"] < stored[-1]["signed_on"]:
        earlier = _EARLIER.filled(day=stored[-1]["signed_on"])
        raise Problem("invalid", _WRONG, [Fault("/signed_on", earlier)])


async def _whose(
    connection: AsyncConnection, ids: list[str], above: list[str], root: str | None
) -> dict[str, str]:
    """Id → the unit whose progress is shown: the one that signed, or the one asked for that inherits from it."""
    stored = await queries.versions(connection, ids)
    return {
        key: root if root is not None and stored[key][0]["unit"] in above else stored[key][0]["unit"]
        for key in ids
    }


async def _shown(
    connection: AsyncConnection, here: Deployment, judged: dict[str, str], said: Language
) -> list[Commitment]:
    settings = here.settings
    days = await calendar(connection, settings.calendar, settings.zone)
    today = Today(here.clock(), days, (await structure(connection)).now(here.today()))
    stored = await queries.versions(connection, judged)
    held = {key: in_force([_promise(row) for row in rows], today.day) for key, rows in stored.items()}
    asked = []
    for key, unit in judged.items():
        metric = rate_named(held[key].metric)
        assert metric is not None  # noqa: S101 - checked when it was written, and the catalogue only grows
        asked.append(Asked(unit, metric, periods.parse(stored[key][0]["period"]), held[key].target))
    reached = await progress(connection, asked, today)
    units = {row["unit"] for rows in stored.values() for row in rows} | set(judged.values())
    called = await called_by(connection, "unit", units, said, today.day)
    return [
        Commitment(
            id=key,
            unit=UnitNamed(code=rows[0]["unit"], name=called[rows[0]["unit"]]),
            metric=rows[0]["metric"],
            period=PeriodNamed.model_validate(
                {"name": rows[0]["period"], "from": rows[0]["period_from"], "to": rows[0]["period_to"]}
            ),
            version=held[key].version,
            target=float(held[key].target),
            versions=[version_of(row) for row in rows],
            applies_to=UnitNamed(code=judged[key], name=called[judged[key]]),
            progress=stands,
        )
        for (key, rows), stands in zip(((key, stored[key]) for key in judged), reached, strict=True)
    ]


def _promise(row: dict[str, Any]) -> Promise:
    return Promise(
        id=row["id"],
        version=row["version"],
        unit=row["unit"],
        metric=row["metric"],
        from_=row["period_from"],
        to=row["period_to"],
        target=row["target"],
        signed_on=row["signed_on"],
    )
