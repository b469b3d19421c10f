"""The routes of lagging rules and alerts, and the messages about alerts as receivers get them.

They know HTTP; who is behind is decided in `rules`, when a worker judges.
"""

from datetime import date, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory.called import called_by
from app.directory.reach import visible_units
from app.keys.guard import Caller, MetricsRead, TargetsWrite
from app.kit import paging
from app.kit.codes import Code
from app.kit.deployment import Here, Snapshot, Transaction
from app.kit.http import language, problem_responses
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.lagging import queries
from app.lagging.digest_schemas import DossierNotice, SourceSilent
from app.lagging.rules import Rule
from app.lagging.schemas import (
    KEY_PATTERN,
    Acknowledge,
    Alert,
    LaggingRule,
    Mute,
    RuleTerms,
    UnitAtRisk,
    UnitEscalated,
    UnitLagging,
    UnitRecovered,
)
from app.lagging.standing import METRICS
from app.targets.shares import exact
from app.webhooks.schemas import Message, SignatureHeaders

router: Final = APIRouter(prefix="/v1", tags=["lagging"])
messages: Final = APIRouter()
"""Messages about alerts, as the `webhooks` of the OpenAPI document."""

RuleKey = Annotated[
    str, Path(pattern=KEY_PATTERN, description="Key of the rule.", examples=["on-time-this-month"])
]
Asked = Annotated[
    tuple[Code, ...],
    Query(description="These units with all below them; absent: all that the key may see.", max_length=100),
]

_WRONG: Final = Text("Quy tắc không hợp lệ; xem errors.", "The rule is not valid; see errors.")
_NO_RATE: Final = Text(
    "{key} không phải là tỷ lệ của GET /v1/metrics.", "{key} is no rate of GET /v1/metrics."
)
_EVERYBODYS: Final = Text(
    "Quy tắc áp dụng cho mọi đơn vị; khóa giới hạn ở đơn vị {limit} không được sửa.",
    "Rules judge every unit; a key that is limited to the unit {limit} may not change them.",
)
_NO_RULE: Final = Text("Không có quy tắc {key}.", "There is no rule {key}.")
_CLOSED: Final = Text("Cảnh báo đã đóng.", "The alert is closed.")
_NOTED: Final = Text("Cảnh báo đã được ghi nhận.", "The alert has been acknowledged already.")
_TOO_LONG: Final = Text("Tắt tối đa một năm.", "Mute for at most a year.")
_LONGEST_MUTE: Final = timedelta(days=366)
_NO_ALERT: Final = Text("Không có cảnh báo này.", "There is no such alert.")


@router.put("/lagging-rules/{key}", summary="Write a rule")
async def put_rule(
    caller: TargetsWrite, here: Here, connection: Transaction, key: RuleKey, terms: RuleTerms
) -> LaggingRule:
    """Every unit is judged by it, each with all units below it, within a minute and whenever figures change.

    A change holds from the next judgement on. Open alerts stay, with the figure and the target that raised them, and
    close when the unit recovers by the new terms; those of another metric or window are closed as `withdrawn`.
    """
    _require_whole(caller)
    if terms.metric not in METRICS:
        raise Problem("invalid", _WRONG, [Fault("/metric", _NO_RATE.filled(key=terms.metric))])
    rule = Rule(
        key=key,
        metric=terms.metric,
        window=terms.window,
        target=None if terms.target is None else exact(terms.target),
        min_denominator=terms.min_denominator,
        margin=exact(terms.margin),
        hold=terms.hold,
        repeat_after=terms.repeat_after,
        escalate_after=terms.escalate_after,
        warns=terms.at_risk,
    )
    await queries.put_rule(connection, rule)
    await queries.withdraw(connection, key, here.clock(), unless=rule)
    return LaggingRule.of(rule)


@router.get("/lagging-rules", summary="Rules by key")
async def list_rules(
    _: MetricsRead, connection: Snapshot, limit: Limit = 100, cursor: Cursor = None
) -> Page[LaggingRule]:
    """Every rule of the deployment."""
    found = await queries.rules(connection, after=paging.read(cursor), limit=limit + 1)
    items = [LaggingRule.of(rule) for rule in found[:limit]]
    return Page(items=items, next_cursor=paging.written(items[-1].key) if len(found) > limit else None)


@router.get("/lagging-rules/{key}", summary="One rule")
async def get_rule(_: MetricsRead, connection: Snapshot, key: RuleKey) -> LaggingRule:
    """As it is judged by now."""
    found = await queries.rule(connection, key)
    if found is None:
        raise Problem("not-found", _NO_RULE.filled(key=key))
    return LaggingRule.of(found)


@router.delete("/lagging-rules/{key}", status_code=204, summary="Delete a rule")
async def delete_rule(caller: TargetsWrite, here: Here, connection: Transaction, key: RuleKey) -> None:
    """Its open alerts are closed as `withdrawn`; past ones stay."""
    _require_whole(caller)
    if not await queries.remove_rule(connection, key):
        raise Problem("not-found", _NO_RULE.filled(key=key))
    await queries.withdraw(connection, key, here.clock())


@router.get("/alerts", summary="Alerts, newest first")
async def list_alerts(
    caller: MetricsRead,
    request: Request,
    here: Here,
    connection: Snapshot,
    state: Annotated[
        Literal["open", "closed"] | None, Query(description="Only alerts in this state.")
    ] = None,
    unit: Asked = (),
    rule: Annotated[str | None, Query(pattern=KEY_PATTERN, description="Only alerts of this rule.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Alert]:
    """Open and past, with the figure that raised each and the one that showed its recovery."""
    found = await queries.alerts(
        connection,
        units=await visible_units(connection, caller, unit, here.today()),
        is_open=None if state is None else state == "open",
        rule=rule,
        before=_place(cursor),
        limit=limit + 1,
    )
    rows = found[:limit]
    units = {row["unit"] for row in rows}
    called = await called_by(connection, "unit", units, language(request), here.today())
    items = [Alert.of(row, called[row["unit"]]) for row in rows]
    return Page(items=items, next_cursor=paging.written(str(items[-1].id)) if len(found) > limit else None)


@router.get("/alerts/{id}", summary="One alert")
async def get_alert(
    caller: MetricsRead,
    request: Request,
    here: Here,
    connection: Snapshot,
    identifier: Annotated[UUID, Path(alias="id", description="Id of the alert.")],
) -> Alert:
    """To a key that is limited to a unit, an alert of a foreign unit does not exist."""
    units = await visible_units(connection, caller, [], here.today())
    row = await queries.one_alert(connection, identifier, units=units)
    if row is None:
        raise Problem("not-found", _NO_ALERT)
    called = await called_by(connection, "unit", [row["unit"]], language(request), here.today())
    return Alert.of(row, called[row["unit"]])


@router.post(
    "/alerts/{id}/acknowledge", summary="Take note of an alert", responses=problem_responses("conflict")
)
async def acknowledge(
    caller: TargetsWrite,
    request: Request,
    here: Here,
    connection: Transaction,
    identifier: Annotated[UUID, Path(alias="id", description="Id of the alert.")],
    said: Acknowledge,
) -> Alert:
    """From here on the alert is neither repeated nor escalated. It stays open until the unit has recovered.

    An alert is acknowledged once, and only while it is open (else 409).
    """
    row = await _writable(connection, caller, identifier, here.today())
    if row["acknowledged_at"] is not None:
        raise Problem("conflict", _NOTED)
    changes = {
        "acknowledged_at": here.clock(),
        "acknowledged_by": caller.key_id,
        "note": said.note,
        "action_plan": said.action_plan,
    }
    await queries.change_alert(connection, identifier, **changes)
    called = await called_by(connection, "unit", [row["unit"]], language(request), here.today())
    return Alert.of({**row, **changes}, called[row["unit"]])


@router.post("/alerts/{id}/mute", summary="Mute an alert", responses=problem_responses("conflict"))
async def mute(
    caller: TargetsWrite,
    request: Request,
    here: Here,
    connection: Transaction,
    identifier: Annotated[UUID, Path(alias="id", description="Id of the alert.")],
    said: Mute,
) -> Alert:
    """Nothing more is told about the alert up to and including that day: no repetition, no escalation, no recovery. It is judged as before."""
    if said.until > here.today() + _LONGEST_MUTE:
        raise Problem("invalid", _TOO_LONG, [Fault("/until", _TOO_LONG)])
    row = await _writable(connection, caller, identifier, here.today())
    changes = {"muted_until": said.until, "muted_by": caller.key_id}
    await queries.change_alert(connection, identifier, **changes)
    called = await called_by(connection, "unit", [row["unit"]], language(request), here.today())
    return Alert.of({**row, **changes}, called[row["unit"]])


@messages.post("unit.lagging", summary="A unit is behind its target", tags=["webhooks"])
async def unit_lagging(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["unit.lagging"], UnitLagging]
) -> None:
    """Sent once when an alert is raised. Answer with any 2xx within 15 seconds."""


@messages.post("unit.at_risk", summary="A unit will be behind its target", tags=["webhooks"])
async def unit_at_risk(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["unit.at_risk"], UnitAtRisk]
) -> None:
    """Sent once when an alert of the level `at_risk` is raised; its end sends nothing."""


@messages.post("unit.escalated", summary="Nobody acknowledged the alert of a unit", tags=["webhooks"])
async def unit_escalated(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["unit.escalated"], UnitEscalated]
) -> None:
    """Sent to endpoints of `escalated_to` and of the units above it, not to those of the unit behind."""


@messages.post("dossier.due_soon", summary="Dossiers are due soon", tags=["webhooks"])
async def dossier_due_soon(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["dossier.due_soon"], DossierNotice]
) -> None:
    """By unit and working day; one each where `DUNGHEN_DOSSIER_NOTICES` is `single`."""


@messages.post("dossier.overdue", summary="Dossiers came to be overdue", tags=["webhooks"])
async def dossier_overdue(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["dossier.overdue"], DossierNotice]
) -> None:
    """Those that came to be overdue since work began on the working day before."""


@messages.post("dossier.apology_due", summary="Apologies are owed by the end of today", tags=["webhooks"])
async def dossier_apology_due(
    headers: Annotated[SignatureHeaders, Header()],
    body: Message[Literal["dossier.apology_due"], DossierNotice],
) -> None:
    """Open dossiers without an apology whose deadline for one is today."""


@messages.post("source.silent", summary="A source has fallen silent", tags=["webhooks"])
async def source_silent(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["source.silent"], SourceSilent]
) -> None:
    """Once, after `DUNGHEN_SOURCE_SILENT_AFTER` working hours without an event; heard by endpoints without a unit."""


@messages.post("unit.recovered", summary="A unit has reached its target again", tags=["webhooks"])
async def unit_recovered(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["unit.recovered"], UnitRecovered]
) -> None:
    """Sent once when an alert is closed as `recovered`; one that expires or is withdrawn sends nothing."""


async def _writable(
    connection: AsyncConnection, caller: Caller, identifier: UUID, today: date
) -> queries.Row:
    """An open alert that the key may handle, kept from changing. Raises Problem not-found or conflict."""
    row = await queries.lock_alert(
        connection, identifier, units=await visible_units(connection, caller, [], today)
    )
    if row is None:
        raise Problem("not-found", _NO_ALERT)
    if row["closed_at"] is not None:
        raise Problem("conflict", _CLOSED)
    return row


def _require_whole(caller: Caller) -> None:
    if caller.unit is not None:
        raise Problem("forbidden", _EVERYBODYS.filled(limit=caller.unit))


def _place(cursor: str | None) -> UUID | None:
    place = paging.read(cursor)
    try:
        return None if place is None else UUID(place)
    except ValueError:
        raise paging.unreadable() from None
