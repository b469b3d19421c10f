"""The routes of deliveries: see them, and send a test, one message or all of them again.

They know HTTP; the sending itself is the dispatcher's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.keys.guard import Caller, WebhooksWrite
from app.kit import paging
from app.kit.deployment import Deployment, Here, Snapshot, Transaction
from app.kit.http import problem_responses
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Problem
from app.kit.text import Text
from app.webhooks import delivery_queries, outbox, signing
from app.webhooks.reach import WebhookId, enabled, known
from app.webhooks.schemas import Delivery, Replayed, Since
from app.webhooks.types import State

router: Final = APIRouter()

DeliveryId = Annotated[
    str, Path(alias="delivery", pattern=r"^msg_[0-9a-f]{32}$", description="`webhook-id` of the message.")
]

_PROBLEM_IF_DISABLED: Final = problem_responses("conflict")

_NO_DELIVERY: Final = Text("Webhook này không có lần gửi ấy.", "This webhook has no such delivery.")


@router.post(
    "/webhooks/{id}/test", status_code=202, summary="Send a test message", responses=_PROBLEM_IF_DISABLED
)
async def send_test(
    caller: WebhooksWrite, request: Request, here: Here, connection: Transaction, identifier: WebhookId
) -> Delivery:
    """A `webhook.test` message goes to this webhook alone, whatever types it asked for."""
    goal = await enabled(request, connection, caller, identifier)
    message = await outbox.put_test(connection, endpoint=identifier, unit=goal.unit, now=here.clock())
    return await _delivery(connection, here, caller, identifier, message)


@router.get("/webhooks/{id}/deliveries", summary="Deliveries of a webhook, newest first")
async def list_deliveries(
    caller: WebhooksWrite,
    request: Request,
    here: Here,
    connection: Snapshot,
    identifier: WebhookId,
    state: Annotated[State | None, Query(description="Only deliveries in this state.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """With every attempt; what the receiver answered is shown to `admin` only."""
    await known(request, connection, caller, identifier)
    before = paging.read_number(cursor)
    rows = await delivery_queries.page(connection, identifier, state=state, before=before, limit=limit + 1)
    items = await _deliveries(connection, here, caller, identifier, rows[:limit])
    next_cursor = paging.written(str(rows[limit - 1]["seq"])) if len(rows) > limit else None
    return Page(items=items, next_cursor=next_cursor)


@router.post(
    "/webhooks/{id}/deliveries/{delivery}/retry",
    status_code=202,
    summary="Send one message again",
    responses=_PROBLEM_IF_DISABLED,
)
async def retry_delivery(
    caller: WebhooksWrite,
    request: Request,
    here: Here,
    connection: Transaction,
    identifier: WebhookId,
    delivery: DeliveryId,
) -> Delivery:
    """At once and under the same `webhook-id`, whatever became of it, with the whole schedule before it again."""
    await enabled(request, connection, caller, identifier)
    message = signing.message_id(delivery)
    found = await delivery_queries.one(connection, identifier, message)
    if found is None:
        raise Problem("not-found", _NO_DELIVERY)
    await delivery_queries.retry(connection, identifier, found["seq"], now=here.clock())
    return await _delivery(connection, here, caller, identifier, message)


@router.post(
    "/webhooks/{id}/replay",
    status_code=202,
    summary="Send everything since an instant again",
    responses=_PROBLEM_IF_DISABLED,
)
async def replay(
    caller: WebhooksWrite,
    request: Request,
    here: Here,
    connection: Transaction,
    identifier: WebhookId,
    wanted: Since,
) -> Replayed:
    """Every message since then that this webhook would hear today, also what was delivered or came while it was disabled.

    Each keeps its `webhook-id`, so that a receiver passes over what it has.
    """
    await enabled(request, connection, caller, identifier)
    sent = await delivery_queries.replay(connection, identifier, since=wanted.since, now=here.clock())
    return Replayed(deliveries=sent)


async def _delivery(
    connection: AsyncConnection, here: Deployment, caller: Caller, endpoint: UUID, message: UUID
) -> Delivery:
    row = await delivery_queries.one(connection, endpoint, message)
    assert row is not None  # noqa: S101 - read or written in this very transaction
    (shown,) = await _deliveries(connection, here, caller, endpoint, [row])
    return shown


async def _deliveries(
    connection: AsyncConnection,
    here: Deployment,
    caller: Caller,
    endpoint: UUID,
    rows: Sequence[sa.RowMapping],
) -> list[Delivery]:
    tries = await delivery_queries.attempts(connection, endpoint, [row["seq"] for row in rows])
    now = here.clock()
    may_read = caller.may("admin")
    return [
        Delivery.model_validate(
            {
                **row,
                "id": signing.webhook_id(row["id"]),
                "next_attempt_at": _next_attempt_at(row, now),
                "attempts": [
                    {**tried, "response": tried["excerpt"] if may_read else None}
                    for tried in tries[row["seq"]]
                ],
            }
        )
        for row in rows
    ]


def _next_attempt_at(row: sa.RowMapping, now: datetime) -> datetime | None:
    due: datetime = row["next_attempt_at"]
    is_under_way = row["lease"] is not None and due > now
    return due if row["state"] == "pending" and not is_under_way else None
