"""The bytes of a request, whatever their type says: devices and scripts are careless with it."""

from typing import TypeVar

import msgspec
from fastapi import Request

from core.errors import CarewatchError
from core.refusal import refused

T = TypeVar("T")


async def raw_body(request: Request) -> bytes:
    """Return the whole body."""
    return await request.body()


def json_of(body: bytes, kind: type[T]) -> T:
    """Return what a JSON body says. Raises CarewatchError that names each fault, never a value."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise CarewatchError(f"body: not JSON ({wrong})") from None
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise CarewatchError(f"body: {refused(value, kind, hidden=None)}") from None
