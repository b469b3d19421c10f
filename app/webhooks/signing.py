"""What a receiver reads and verifies: the body, its id and its signature by Standard Webhooks.

Pure but for the making of secrets; it knows neither how a secret is kept nor how a message is sent.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from standardwebhooks import Webhook

_PREFIX: Final = "msg_"
_SECRET_BYTES: Final = 32
"""Standard Webhooks asks for 24 to 64 bytes."""


def new_secret() -> str:
    """A fresh secret as the receiver is given it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def body(*, type: str, timestamp: datetime, data: Mapping[str, Any]) -> str:  # noqa: A002 - the field's name
    """The JSON text that every attempt sends and signs, byte for byte: made once, when the message is put.

    `timestamp` is when the message was put, told in UTC; each attempt's own time stands in its header.
    """
    content = {"type": type, "timestamp": timestamp.astimezone(UTC), "data": data}
    return msgspec.json.encode(content).decode()


def webhook_id(message: UUID) -> str:
    """The id that a receiver removes duplicates by; the same in every attempt at every endpoint."""
    return _PREFIX + message.hex


def message_id(webhook_id: str) -> UUID:
    """The message that a `webhook_id` names. Raises ValueError for anything else."""
    return UUID(hex=webhook_id.removeprefix(_PREFIX))


def headers(*, message: UUID, body: str, active_secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The headers of one attempt: one `v1` signature for each active secret, separated by spaces.

    `now` is the instant of this attempt; receivers refuse what is older than five minutes.
    """
    at = now.astimezone(UTC)  # the library takes the wall clock of whatever zone it is given for UTC
    signed = [Webhook(secret).sign(webhook_id(message), at, body) for secret in active_secrets]
    return {
        "content-type": "application/json",
        "user-agent": "DungHen-Webhooks/1",
        "webhook-id": webhook_id(message),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
