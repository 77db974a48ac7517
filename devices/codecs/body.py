"""The JSON text of a message: parsed, or the reason why it can't be."""

from typing import Any

import msgspec

from devices.readings import Reason, Rejection

JsonObject = dict[str, Any]  # one message's fields, as the device named them

_decode = msgspec.json.Decoder().decode


def json_body(payload: bytes) -> Any | Rejection:
    """The JSON value of a payload, whatever its type; a Rejection where there is none."""
    try:
        return _decode(payload)
    except RecursionError:
        return Rejection(Reason.NOT_JSON, "nested deeper than any device's message")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Rejection(Reason.NOT_JSON, f"{str(error)[:120]}")


def json_object(payload: bytes) -> JsonObject | Rejection:
    """The JSON object of a payload; a Rejection for anything else."""
    body = json_body(payload)
    if isinstance(body, dict | Rejection):
        return body
    return Rejection(Reason.NOT_AN_OBJECT, f"a JSON {_NAMES.get(type(body), 'value')}, no object")


_NAMES = {list: "array", str: "text", int: "number", float: "number", bool: "boolean"}


def inner(body: JsonObject, key: str) -> JsonObject:
    """The object under a key; an empty one where there is none."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def objects(body: JsonObject, key: str) -> list[JsonObject]:
    """The objects of the list under a key; a single object counts as a list of one."""
    value = body.get(key)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
