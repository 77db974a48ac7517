"""The bytes of a device's request, of which no more is read than anybody wants."""

from fastapi import Request


async def body_up_to(most: int, request: Request) -> bytes:
    """Return the body, cut one byte behind `most`, so that a larger one is seen to be too large.

    Raises ClientDisconnect.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            break
    return bytes(body[: most + 1])
