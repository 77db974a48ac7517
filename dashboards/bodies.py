"""The bytes of a request, whatever their type says: devices and scripts are careless with it."""

from fastapi import Request


async def raw_body(request: Request) -> bytes:
    """The whole body."""
    return await request.body()
