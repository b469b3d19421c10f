"""Which webhooks a key may manage: all, or those of the units below its limit.

It asks for a unit's subtree by `app.state.subtree`, because the directory lies above, and knows nothing of what is done.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import Path, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.keys.guard import Caller
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.webhooks import queries
from app.webhooks.schemas import Webhook

Subtree = Callable[[AsyncConnection, str], Awaitable[list[str]]]
"""The unit and every unit below it; `main.create_app` puts the directory's into `app.state.subtree`."""

WebhookId = Annotated[UUID, Path(alias="id", description="Id of the webhook.")]

_UNKNOWN: Final = Text("Không có webhook này.", "There is no such webhook.")
_DISABLED: Final = Text(
    "Webhook đang tắt; hãy bật lại trước (PATCH enabled: true).",
    "The webhook is disabled; enable it first (PATCH enabled: true).",
)
_OUTSIDE: Final = Text(
    "Khóa này chỉ đăng ký được webhook cho đơn vị {limit} và các đơn vị trực thuộc.",
    "This key may only register webhooks for the unit {limit} and those below it.",
)


async def reach(request: Request, connection: AsyncConnection, caller: Caller) -> list[str] | None:
    """The units whose webhooks the key may manage; None: all, and those without a unit."""
    if caller.unit is None:
        return None
    subtree: Subtree = request.app.state.subtree
    return await subtree(connection, caller.unit)


def require_inside(units: list[str] | None, caller: Caller, unit: str | None) -> None:
    """Raise Problem forbidden unless the key may register webhooks for `unit`."""
    if units is not None and unit not in units:
        outside = _OUTSIDE.filled(limit=caller.unit)
        raise Problem("forbidden", outside, [Fault("/unit", outside)])


async def known(
    request: Request, connection: AsyncConnection, caller: Caller, identifier: UUID, *, lock: bool = False
) -> sa.RowMapping:
    """The webhook, if there is one that the key may manage; to a limited key, a foreign one does not exist."""
    units = await reach(request, connection, caller)
    found = await queries.one(connection, identifier, units=units, lock=lock)
    if found is None:
        raise Problem("not-found", _UNKNOWN)
    return found


async def enabled(request: Request, connection: AsyncConnection, caller: Caller, identifier: UUID) -> Webhook:
    """A known webhook that messages can be put for; nobody disables it before we commit. Raises Problem conflict."""
    found = shown(await known(request, connection, caller, identifier, lock=True))
    if not found.enabled:
        raise Problem("conflict", _DISABLED)
    return found


def shown(row: sa.RowMapping) -> Webhook:
    """A stored endpoint as it is shown."""
    return Webhook.model_validate({**row, "enabled": row["disabled_at"] is None})
