"""Webhooks as they stand in requests and answers, and the message that a receiver gets.

Wire models only; other features describe the `data` of their own messages by `Message`.
"""

from datetime import datetime
from typing import Annotated, Final, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from app.webhooks.addresses import LONGEST_URL
from app.webhooks.answer import Trouble
from app.webhooks.types import MessageType, State

_NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"

_Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
_Unit = Annotated[str, Field(min_length=1, max_length=64, pattern=_NO_CONTROLS)]
_Types = Annotated[list[MessageType], Field(min_length=1, max_length=50)]
_Description = Annotated[str, Field(max_length=500, pattern=_NO_CONTROLS)]

_URL: Final = "Where messages are sent: `https`, to a public address (see the guide to webhooks)."
_UNIT: Final = "Only messages about this unit and all below it; null: about everything."
_TYPES: Final = "Only messages of these types; null: of every type."
_ORDERED: Final = (
    "Whether the next message about a unit waits until the one before was delivered or given up."
)
_SECRET: Final = "The signing secret. It is shown this once."  # noqa: S105 - a sentence


class NewWebhook(BaseModel):
    """A webhook to register."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"url": "https://example.vn/webhooks", "unit": "H10", "types": ["unit.lagging"]}]
        },
    )

    url: _Url = Field(description=_URL)
    unit: _Unit | None = Field(None, description=_UNIT)
    types: _Types | None = Field(None, description=_TYPES)
    description: _Description = Field("", description="For people.")
    ordered: bool = Field(default=False, description=_ORDERED)


class WebhookChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"enabled": True, "types": None}]}
    )

    url: _Url | SkipJsonSchema[None] = Field(None, description=_URL)
    unit: _Unit | None = Field(None, description=_UNIT)
    types: _Types | None = Field(None, description=_TYPES)
    description: _Description | SkipJsonSchema[None] = Field(None, description="For people.")
    ordered: bool | SkipJsonSchema[None] = Field(None, description=_ORDERED)
    enabled: bool | SkipJsonSchema[None] = Field(
        None, description="False cancels what waits to be sent; true begins anew, see also replay."
    )

    @field_validator("url", "description", "ordered", "enabled", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("leave the field out instead of sending null")
        return value


class Webhook(BaseModel):
    """A registered webhook."""

    id: UUID
    url: str = Field(description=_URL, examples=["https://example.vn/webhooks"])
    unit: str | None = Field(description=_UNIT)
    types: list[MessageType] | None = Field(description=_TYPES)
    description: str
    ordered: bool = Field(description=_ORDERED)
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: Literal["requested", "gone", "failing"] | None = Field(
        description="`gone`: it answered 410; `failing`: nothing but failures for five days."
    )
    failing_since: datetime | None = Field(description="The first failure since the last success.")
    created_at: datetime


class WebhookWithSecret(Webhook):
    """A webhook just registered."""

    secret: str = Field(description=_SECRET, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class NewSecret(BaseModel):
    """The secret after a rotation."""

    secret: str = Field(description=_SECRET, examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    previous_signs_until: datetime = Field(description="Until then every message carries both signatures.")


class Attempt(BaseModel):
    """One attempt of a delivery."""

    at: datetime
    duration_ms: int
    status: int | None = Field(description="HTTP status, where one was read.")
    error: Trouble | None = Field(description="Why there was no whole answer.")
    response: str | None = Field(
        description="The first 2 kB of the answer; null unless the key has the scope admin."
    )


class Delivery(BaseModel):
    """One message on its way to one webhook."""

    id: str = Field(
        description="`webhook-id` of the message.", examples=["msg_019a5f0c77aa7d1e9c2e0f6b0a1c2d3e"]
    )
    type: MessageType
    unit: str | None
    created_at: datetime = Field(description="`timestamp` of the message.")
    state: State = Field(
        description="`failed`: the schedule is used up; `cancelled`: the webhook was disabled."
    )
    next_attempt_at: datetime | None = Field(description="Null while it is being sent, and when it ended.")
    attempts: list[Attempt]


class Since(BaseModel):
    """From when to send again."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime = Field(
        description="Messages put at this instant or later.", examples=["2026-03-01T00:00:00+07:00"]
    )


class Replayed(BaseModel):
    """What a replay will send."""

    deliveries: int = Field(description="Messages that are due again, each under its old `webhook-id`.")


class SignatureHeaders(BaseModel):
    """The headers of Standard Webhooks that every message carries."""

    webhook_id: str = Field(description="The same in every attempt: remove duplicates by it.")
    webhook_timestamp: int = Field(
        description="Unix seconds of this attempt: refuse what is older than five minutes."
    )
    webhook_signature: str = Field(
        description="`v1,` and a base64 HMAC-SHA256; during a rotation two, by a space."
    )


Data = TypeVar("Data")
Type = TypeVar("Type", bound=str)


class Message(BaseModel, Generic[Type, Data]):
    """What a receiver gets: `Message[Literal["unit.lagging"], UnitLagging]`."""

    type: Type
    timestamp: datetime = Field(description="When the message was put.")
    data: Data


class Tested(BaseModel):
    """What a test message says."""

    endpoint: UUID = Field(description="The webhook that was asked to test itself.")
    unit: str | None
