"""The parts of a multipart body: terminals send an event as JSON or XML with pictures beside it."""

import re
from collections.abc import Callable

import msgspec

from devices.envelope import Envelope


class BodyPart(msgspec.Struct, frozen=True):
    """One part: its type, lower case and without parameters, and its bytes."""

    content_type: str
    body: bytes


def body_parts(envelope: Envelope) -> tuple[BodyPart, ...]:
    """The parts in their order; a body that is not multipart is one part of its own type."""
    mark = boundary_of(envelope)
    if not mark:
        declared = envelope.http.content_type if envelope.http else ""
        return (BodyPart(_bare(declared), envelope.payload),)
    pieces = envelope.payload.split(mark)[1:]
    return tuple(_part(piece) for piece in pieces if piece.strip(b"\r\n-"))


def is_multipart(envelope: Envelope) -> bool:
    """Whether the request says so of itself; cheap."""
    return envelope.http is not None and envelope.http.content_type[:10].casefold() == "multipart/"


def boundary_of(envelope: Envelope) -> bytes:
    """What stands between the parts; b"" of a body that is not multipart."""
    declared = envelope.http.content_type if envelope.http else ""
    found = re.search(r'boundary="?([^";\s]+)', declared)
    return b"--" + found.group(1).encode() if found else _first_line(envelope.payload)


def with_texts(envelope: Envelope, change: Callable[[bytes, str], bytes]) -> bytes:
    """The multipart body with its texts changed; what a picture holds stays as it is.

    `change` is given a part's bytes and its whole Content-Type.
    """
    mark = boundary_of(envelope)
    first, *pieces = envelope.payload.split(mark)
    return mark.join([first, *(_with_text(piece, change) for piece in pieces)])


def _with_text(piece: bytes, change: Callable[[bytes, str], bytes]) -> bytes:
    found = _HEAD_END.search(piece)
    if found is None:
        return piece
    head, body = piece[: found.end()], piece[found.end() :]
    kind = _content_type(head)
    if kind.startswith(_BINARY) or body.startswith(_PICTURES):
        return piece
    return head + change(body.rstrip(b"\r\n"), kind) + b"\r\n"


def _first_line(payload: bytes) -> bytes:
    """A boundary that nobody declared: the body begins with it."""
    line = payload.lstrip()[:200].split(b"\n", 1)[0].strip()
    return line if line.startswith(b"--") and b"Content-" in payload[:500] else b""


def _part(piece: bytes) -> BodyPart:
    head, _, body = piece.replace(b"\r\n", b"\n", 20).lstrip(b"\n").partition(b"\n\n")
    return BodyPart(_bare(_content_type(head)), body.rstrip(b"\r\n"))


def _content_type(head: bytes) -> str:
    found = re.search(rb"(?im)^content-type:[ \t]*([^\r\n]+)", head)
    return found.group(1).decode("ascii", "replace").strip() if found else ""


_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BINARY = ("image/", "video/", "audio/", "application/octet-stream")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG")


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().casefold()
