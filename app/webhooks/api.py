"""The routes of webhooks: register, see, change, rotate and delete them.

They know HTTP; which webhooks a key may manage is `reach`'s to say, and where one may lead, the address guard's.
"""

import asyncio
from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Request

from app.keys.guard import WebhooksWrite
from app.kit import paging
from app.kit.deployment import Deployment, Here, Snapshot, Transaction
from app.kit.ids import uuid7
from app.kit.paging import Cursor, Limit, Page
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.webhooks import delivery_api, delivery_queries, queries, signing, vault
from app.webhooks.addresses import RefusedAddressError, destination
from app.webhooks.reach import WebhookId, known, reach, require_inside, shown
from app.webhooks.resolver import permitted
from app.webhooks.schemas import (
    Message,
    NewSecret,
    NewWebhook,
    SignatureHeaders,
    Tested,
    Webhook,
    WebhookChange,
    WebhookWithSecret,
)

PREVIOUS_SIGNS: Final = timedelta(hours=24)
"""How long the secret before a rotation signs too."""

_RESOLVE_SECONDS: Final = 5.0

router: Final = APIRouter(prefix="/v1", tags=["webhooks"])
router.include_router(delivery_api.router)
messages: Final = APIRouter()
"""Messages as the `webhooks` of the OpenAPI document; each feature describes its own."""


_URL_REFUSED: Final = Text("Không gửi được webhook tới URL này.", "No webhook can be sent to this URL.")
_SLOW_NAME: Final = Text(
    "Không tra được tên máy chủ kịp thời.", "The host name could not be resolved in time."
)


@router.post("/webhooks", status_code=201, summary="Register a webhook")
async def register(
    caller: WebhooksWrite, request: Request, here: Here, wanted: NewWebhook
) -> WebhookWithSecret:
    """The answer holds the signing secret, which is never shown again.

    A key limited to a unit must name that unit or one below it, and hears only of what is below it then.
    """
    url = await _checked(wanted.url, here)
    now = here.clock()
    secret = signing.new_secret()
    identifier = uuid7(now)
    values = wanted.model_dump() | {"id": identifier, "url": url, "created_at": now}
    hidden = {"created_by": caller.key_id, "unit_limit": caller.unit}
    # The name was looked up before: a slow name server must not hold a connection to the database.
    async with here.database.transaction() as connection:
        require_inside(await reach(request, connection, caller), caller, wanted.unit)
        sealed = vault.cipher(here.settings).encrypt(secret.encode())
        await queries.add(connection, values | hidden | {"secret": sealed})
        stored = shown(await known(request, connection, caller, identifier))
    return WebhookWithSecret(**stored.model_dump(), secret=secret)


@router.get("/webhooks", summary="Webhooks, oldest first")
async def list_webhooks(
    caller: WebhooksWrite, request: Request, connection: Snapshot, limit: Limit = 100, cursor: Cursor = None
) -> Page[Webhook]:
    """All that the key may see: a key limited to a unit, those of its units."""
    units = await reach(request, connection, caller)
    rows = await queries.page(connection, units=units, after=_place(cursor), limit=limit + 1)
    items = [shown(row) for row in rows[:limit]]
    return Page(items=items, next_cursor=paging.written(str(items[-1].id)) if len(rows) > limit else None)


@router.get("/webhooks/{id}", summary="One webhook")
async def get_webhook(
    caller: WebhooksWrite, request: Request, connection: Snapshot, identifier: WebhookId
) -> Webhook:
    """Everything but its secret."""
    return shown(await known(request, connection, caller, identifier))


@router.patch("/webhooks/{id}", summary="Change a webhook")
async def change_webhook(
    caller: WebhooksWrite, request: Request, here: Here, identifier: WebhookId, wanted: WebhookChange
) -> Webhook:
    """What is left out stays. Messages that already wait keep waiting, but go to the new URL."""
    values = wanted.model_dump(exclude_unset=True)
    if "url" in values:
        values["url"] = await _checked(values["url"], here)
    enabled = values.pop("enabled", None)
    async with here.database.transaction() as connection:
        before = shown(await known(request, connection, caller, identifier, lock=True))
        if "unit" in values:
            require_inside(await reach(request, connection, caller), caller, values["unit"])
        if caller.unit is not None and values.keys() & {"url", "unit"}:
            values["unit_limit"] = caller.unit  # what it redirects is sent no further than it may see
        if enabled is True:
            values |= {"disabled_at": None, "disabled_reason": None, "failing_since": None}
        elif enabled is False and before.enabled:
            values |= {"disabled_at": here.clock(), "disabled_reason": "requested"}
            await delivery_queries.cancel_waiting(connection, [identifier])
        if values:
            await queries.change(connection, identifier, values)
        if values.get("ordered", before.ordered) != before.ordered:
            await delivery_queries.keep_order(connection, identifier, ordered=values["ordered"])
        return shown(await known(request, connection, caller, identifier))


@router.delete("/webhooks/{id}", status_code=204, summary="Delete a webhook")
async def delete_webhook(
    caller: WebhooksWrite, request: Request, connection: Transaction, identifier: WebhookId
) -> None:
    """With its log of deliveries; nothing more is sent to it."""
    await known(request, connection, caller, identifier)
    await queries.remove(connection, identifier)


@router.post("/webhooks/{id}/rotate-secret", summary="Replace the signing secret")
async def rotate_secret(
    caller: WebhooksWrite, request: Request, here: Here, connection: Transaction, identifier: WebhookId
) -> NewSecret:
    """For 24 hours every message carries both signatures, so that the receiver can change over in between."""
    await known(request, connection, caller, identifier, lock=True)
    secret = signing.new_secret()
    until = here.clock() + PREVIOUS_SIGNS
    sealed = vault.cipher(here.settings).encrypt(secret.encode())
    await queries.rotate(connection, identifier, secret=sealed, previous_until=until)
    return NewSecret(secret=secret, previous_signs_until=until)


@messages.post("webhook.test", summary="A test that was asked for", tags=["webhooks"])
async def webhook_test(
    headers: Annotated[SignatureHeaders, Header()], body: Message[Literal["webhook.test"], Tested]
) -> None:
    """Answer with any 2xx within 15 seconds."""


async def _checked(url: str, here: Deployment) -> str:
    """The URL in its normal form, if webhooks may go there. Raises Problem invalid."""
    try:
        goal = destination(url)
        async with asyncio.timeout(_RESOLVE_SECONDS):
            await permitted(goal.host, plain=goal.plain, allow=here.settings.webhook_allow_networks)
    except RefusedAddressError as refused:
        raise Problem("invalid", _URL_REFUSED, [Fault("/url", refused.reason)]) from None
    except TimeoutError:
        raise Problem("invalid", _URL_REFUSED, [Fault("/url", _SLOW_NAME)]) from None
    return goal.url


def _place(cursor: str | None) -> UUID | None:
    place = paging.read(cursor)
    try:
        return None if place is None else UUID(place)
    except ValueError:
        raise paging.unreadable() from None
