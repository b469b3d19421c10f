"""The OpenAPI document: what FastAPI knows, plus routes that document themselves.

It knows the document's form; what a route says of itself stands beside the route.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.kit.http import problem_responses

_REF = "#/components/schemas/{model}"


def document(
    app: FastAPI,
    operations: Mapping[str, Mapping[str, Any]],
    models: list[type[BaseModel]],
    schemas: Mapping[str, Any],
) -> dict[str, Any]:
    """The document of `app` with hand-written `operations` (path → method → operation).

    `models` and `schemas` (by name) are what these operations refer to.
    """
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            license_info=app.license_info,
            routes=app.routes,
            webhooks=app.webhooks.routes,
            separate_input_output_schemas=app.separate_input_output_schemas,
        )
        for path, methods in operations.items():
            found["paths"].setdefault(path, {}).update(methods)
        for operation in (told for methods in found["paths"].values() for told in methods.values()):
            if "requestBody" in operation:  # no route takes a body of any length
                operation["responses"] = problem_responses("too-large") | operation["responses"]
        _, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
        components = found.setdefault("components", {}).setdefault("schemas", {})
        components |= definitions.get("$defs", {}) | dict(schemas)
        # Routes raise Problem; FastAPI's own body of a validation error never leaves this service.
        components.pop("HTTPValidationError", None)
        components.pop("ValidationError", None)
        app.openapi_schema = found
    return app.openapi_schema
