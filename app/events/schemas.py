"""What the event routes answer, as it stands in the OpenAPI document.

Wire models only.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class FaultOut(BaseModel):
    """What is wrong at one place."""

    pointer: str = Field(description="JSON Pointer into the event.", examples=["/data/channel"])
    detail: str = Field(examples=["It must be one of: 'online', 'counter' or 'post'."])


class ResultOut(BaseModel):
    """What became of an event that was not accepted."""

    index: int = Field(description="Place of the event in the body, from 0; blank lines are not counted.")
    id: str | None
    status: str = Field(description="duplicate, conflict, invalid or forbidden.", examples=["invalid"])
    errors: list[FaultOut] = []


class DeliveryOut(BaseModel):
    """What became of a call; everything counted as accepted is committed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accepted": 3,
                    "duplicate": 1,
                    "rejected": 1,
                    "receipt": "019a5f0c-77aa-7d1e-9c2e-0f6b0a1c2d3e",
                    "results": [
                        {
                            "index": 4,
                            "id": "e-17",
                            "status": "invalid",
                            "errors": [
                                {
                                    "pointer": "/data/channel",
                                    "detail": "It must be one of: 'online', 'counter' or 'post'.",
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )

    accepted: int
    duplicate: int
    rejected: int
    receipt: UUID
    results: list[ResultOut]
    results_truncated: bool = Field(False, description="There were more than 1,000 results.")
    stopped_at: int | None = Field(None, description="Line (from 1) at which an NDJSON body broke off.")


class ReceiptOut(DeliveryOut):
    """What became of an earlier call."""

    recorded_at: datetime
    in_figures: bool = Field(description="Whether every figure includes these events by now.")


class ValidationOut(BaseModel):
    """What would become of events, were they sent now."""

    valid: int
    invalid: int
    results: list[ResultOut]


class EventOut(BaseModel):
    """An event of the log as a CloudEvent, with what this service noted."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime = Field(description="When it happened, told by the source.")
    recorded_at: datetime = Field(description="When this service stored it.")
    receipt: UUID
    traceparent: str | None = None
    sequence: str | None = None
    data: dict[str, Any]


class RejectedOut(BaseModel):
    """An event that was refused: its envelope and faults, never its data."""

    recorded_at: datetime
    receipt: UUID
    status: str
    envelope: dict[str, str]
    errors: list[FaultOut]
    digest: str = Field(
        description="BLAKE2b-128 of the bytes as sent, or of the content of a conflicting event."
    )


class TypeOut(BaseModel):
    """One event type."""

    type: str
    description: str
    data_schema: dict[str, Any] = Field(description="JSON Schema of `data`.")
    example: dict[str, Any]
