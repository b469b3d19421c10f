"""What `POST /v1/events` says of itself in the OpenAPI document, since it is a plain route.

Words and schemas only.
"""

from typing import Any, Final

from app.events.published import envelope_schema, example
from app.events.schemas import DeliveryOut
from app.events.types import TYPES
from app.keys.guard import SCHEME_NAME
from app.kit.http import problem_responses

MODELS: Final = [DeliveryOut]

_EVENT: Final[dict[str, Any]] = {"oneOf": [envelope_schema(name) for name in TYPES]}
_EXAMPLES: Final = {name: {"value": example(name)} for name in TYPES}
_BATCH: Final[dict[str, Any]] = {
    "type": "array",
    "maxItems": 5000,
    "items": {"$ref": "#/components/schemas/Event"},
}
_ONE: Final[dict[str, Any]] = {"$ref": "#/components/schemas/Event"}

SCHEMAS: Final = {"Event": _EVENT}

REQUEST_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "One event, a batch of at most 5,000, or lines. `Content-Encoding: gzip` is understood.",
    "content": {
        "application/json": {"schema": {"anyOf": [_ONE, _BATCH]}, "examples": _EXAMPLES},
        "application/cloudevents+json": {"schema": _ONE, "examples": _EXAMPLES},
        "application/cloudevents-batch+json": {"schema": _BATCH},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
    },
}

_DELIVERY: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/DeliveryOut"}}}

POST_EVENTS: Final[dict[str, Any]] = {
    "tags": ["events"],
    "summary": "Send events",
    "description": (
        "Takes CloudEvents 1.0: one, a batch, lines (NDJSON), or in binary mode (`ce-*` headers, JSON body). Answers "
        "after the commit: what is acknowledged survives a power cut, and sending it again is harmless. "
        "`Prefer: wait=N` waits until the figures include the events. Needs the scope `events:write`."
    ),
    "operationId": "post_events",
    "security": [{SCHEME_NAME: ["events:write"]}],
    "parameters": [
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "`wait=N`: answer once the figures include the events, after at most N (≤ 300) seconds.",
            "schema": {"type": "string"},
            "example": "wait=10",
        }
    ],
    "requestBody": REQUEST_BODY,
    "responses": {
        "200": {
            "description": "A duplicate; or with `Prefer: wait`, the figures include the events.",
            "content": _DELIVERY,
        },
        "202": {"description": "Every event was accepted or is a duplicate.", "content": _DELIVERY},
        "207": {
            "description": "Some were rejected, or the body broke off; the others are stored.",
            "content": _DELIVERY,
        },
        **problem_responses("unreadable", "unauthenticated", "forbidden", "conflict", "too-large"),
        **problem_responses("unsupported-media-type", "invalid", "unavailable"),
    },
}
