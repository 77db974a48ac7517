"""The parts of a multipart body: terminals send an event as JSON or XML with pictures beside it."""

import re

import msgspec

from devices.envelope import Envelope


class BodyPart(msgspec.Struct, frozen=True):
    """One part: its type, lower case and without parameters, and its bytes."""

    content_type: str
    body: bytes


def body_parts(envelope: Envelope) -> tuple[BodyPart, ...]:
    """The parts in their order; a body that is not multipart is one part of its own type."""
    declared = envelope.http.content_type if envelope.http else ""
    found = re.search(r'boundary="?([^";\s]+)', declared)
    mark = b"--" + found.group(1).encode() if found else _first_line(envelope.payload)
    if not mark:
        return (BodyPart(_bare(declared), envelope.payload),)
    pieces = envelope.payload.split(mark)[1:]
    return tuple(_part(piece) for piece in pieces if piece.strip(b"\r\n-"))


def _first_line(payload: bytes) -> bytes:
    """A boundary that nobody declared: the body begins with it."""
    line = payload.lstrip()[:200].split(b"\n", 1)[0].strip()
    return line if line.startswith(b"--") and b"Content-" in payload[:500] else b""


def _part(piece: bytes) -> BodyPart:
    head, _, body = piece.replace(b"\r\n", b"\n", 20).lstrip(b"\n").partition(b"\n\n")
    found = re.search(rb"(?im)^content-type:\s*([^;\s]+)", head)
    kind = found.group(1).decode("ascii", "replace") if found else ""
    return BodyPart(_bare(kind), body.rstrip(b"\r\n"))


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().casefold()
