"""Frozen values as JSON answers, and their schemas in the OpenAPI document."""

from typing import Any

import msgspec
from fastapi.responses import Response

REF = "#/components/schemas/{name}"


def as_json(value: object, status: int = 200) -> Response:
    """The value as msgspec writes it: times in UTC with Z, absent as null."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def described(kind: Any) -> dict[str, Any]:
    """What a route adds to its OpenAPI entry: the schema of its answer."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    content = {"application/json": {"schema": schema}}
    return {"responses": {"200": {"description": "OK", "content": content}}}


def asking(kind: Any) -> dict[str, Any]:
    """What a route adds to its OpenAPI entry: the schema of the body it reads."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def components(kinds: tuple[Any, ...]) -> dict[str, Any]:
    """The schemas that `described` refers to."""
    _, found = msgspec.json.schema_components(kinds, ref_template=REF)
    return found
