"""Frozen values as JSON answers, and their schemas in the OpenAPI document."""

import base64
import hashlib
from typing import Any

import msgspec
from fastapi.responses import Response

REF = "#/components/schemas/{name}"


def as_json(value: object, status: int = 200) -> Response:
    """Return the value as msgspec writes it: times in UTC with Z, absent as null."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def csv_file(body: bytes, name: str) -> Response:
    """Return a CSV to keep, with the digest by which it can be checked."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "repr-digest": f"sha-256=:{digest}:",
    }
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def described(kind: Any) -> dict[str, Any]:
    """Return what a route adds to its OpenAPI entry: the schema of its answer."""
    content = {"application/json": {"schema": _schemas((kind,))[0]}}
    return {"responses": {"200": {"description": "OK", "content": content}}}


def asking(kind: Any) -> dict[str, Any]:
    """Return what a route adds to its OpenAPI entry: the schema of the body it reads."""
    return {"requestBody": {"content": {"application/json": {"schema": _schemas((kind,))[0]}}}}


def components(kinds: tuple[Any, ...]) -> dict[str, Any]:
    """Return the schemas that `described` refers to, by name."""
    return _schemas(kinds)[1]


def _schemas(kinds: tuple[Any, ...]) -> tuple[Any, dict[str, Any]]:
    (first, *_), found = msgspec.json.schema_components(
        kinds, ref_template=REF, schema_hook=_anything
    )
    return first, found


def _anything(kind: type) -> dict[str, Any]:
    """Return the schema of a setting, which may be any JSON value."""
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError(kind)
