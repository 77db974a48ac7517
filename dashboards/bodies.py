"""The bytes of a request, whatever their type says: devices and scripts are careless with it."""

from typing import TypeVar

import msgspec
from fastapi import Request

from core.errors import CarewatchError

T = TypeVar("T")


async def raw_body(request: Request) -> bytes:
    """The whole body."""
    return await request.body()


def json_of(body: bytes, kind: type[T]) -> T:
    """What a JSON body says. Raises CarewatchError that names what is wrong with it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise CarewatchError(f"body: {wrong}") from None
