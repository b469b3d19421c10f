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
        data_schema=data_schema(name),
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


def data_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a type's data, without references, so that it can stand inside any document."""
    schema = TYPES[name].model_json_schema()
    parts = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, dict):
            part = value.get("$ref")
            return (
                inlined(parts[part.rpartition("/")[2]]) if part else {k: inlined(v) for k, v in value.items()}
            )
        return [inlined(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = inlined(schema)
    return found


def envelope_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event of this type."""
    data = data_schema(name)
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
