"""The event types as they are published: JSON Schemas and worked examples.

Derived from `types`; it adds nothing to what an event may carry.
"""

from typing import Any

from app.events.schemas import TypeOut
from app.events.types import EXAMPLES, TYPES


def described(name: str) -> TypeOut:
    """One type with the JSON Schema of its data and an example."""
    model = TYPES[name]
    return TypeOut(
        type=name,
        description=model.__doc__ or "",
        data_schema=model.model_json_schema(),
        example=example(name),
    )


def example(name: str) -> dict[str, Any]:
    """A whole event of this type."""
    return {
        "specversion": "1.0",
        "id": f"e-{list(TYPES).index(name) + 1}",
        "source": "/sample/one-stop-shop",
        "type": name,
        "subject": "000.00.12.H10-260310-0001",
        "time": "2026-03-10T08:15:00+07:00",
        "data": dict(EXAMPLES[name]),
    }


def envelope_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event of this type."""
    data = TYPES[name].model_json_schema(ref_template="#/properties/data/$defs/{model}")
    required = ["id", "source", "type", "subject", "time", *(["data"] if data.get("required") else [])]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": TYPES[name].__doc__,
        "type": "object",
        "required": required,
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1, "maxLength": 128},
            "source": {"type": "string", "minLength": 1, "maxLength": 255},
            "type": {"const": name},
            "subject": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Dossier code."},
            "time": {"type": "string", "format": "date-time"},
            "data": data,
        },
        "examples": [example(name)],
    }
