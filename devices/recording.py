"""Recordings: one broker message a line of JSON, in the order received."""

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core.errors import CarewatchError
from core.refusal import refused
from devices.envelope import Envelope, HttpRequest


class _Line(msgspec.Struct, omit_defaults=True):
    received_at: datetime
    topic: str | None = None
    http: str | None = None  # "POST /path?query"
    content_type: str = ""
    payload: str | None = None
    payload_b64: str | None = None  # for bytes that are not UTF-8
    retain: bool = False
    dup: bool = False


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


def read_recording(path: Path | str) -> Iterator[tuple[int, Envelope]]:
    """Yield each message of a recording with its line number (from 1); blank lines are passed over.

    Raises CarewatchError, naming the line, for a line that is no recorded message.
    """
    try:
        with open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _envelope(line, f"{path}, line {number}")
    except OSError as error:
        raise CarewatchError(f"{path}: can't be read ({error.strerror})") from None


def write_line(envelope: Envelope) -> bytes:
    """Return one line of a recording, newline included; `read_recording` gives the same message
    back."""
    line = _Line(received_at=envelope.received_at, retain=envelope.retain, dup=envelope.dup)
    if envelope.http is None:
        line.topic = envelope.topic
    else:
        line.http = f"{envelope.http.method} {envelope.http.path}"
        line.content_type = envelope.http.content_type
    try:
        line.payload = envelope.payload.decode()
    except UnicodeDecodeError:
        line.payload_b64 = base64.b64encode(envelope.payload).decode()
    return _encode(line) + b"\n"


def http_request(line: str, content_type: str = "") -> HttpRequest:
    """Return the request that "GET /path?query" names; raises CarewatchError for another shape."""
    method, _, path = line.strip().partition(" ")
    if not method.isalpha() or not path.strip():
        raise CarewatchError(f'"{line}" is no request; write it as "POST /path" or "GET /path?a=b"')
    return HttpRequest(method.upper(), path.strip(), content_type)


def _envelope(line: bytes, where: str) -> Envelope:
    try:
        recorded = _decode(line)
        payload = _payload(recorded)
        http = http_request(recorded.http, recorded.content_type) if recorded.http else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error) as error:
        raise CarewatchError(f"{where}: no recorded message ({_fault(line, error)})") from None
    except CarewatchError as error:
        raise CarewatchError(f"{where}: {error}") from None
    if recorded.received_at.tzinfo is None:
        raise CarewatchError(f"{where}: received_at has no offset; write it like +08:00 or Z")
    if recorded.topic is None and http is None:
        raise CarewatchError(f'{where}: neither "topic" nor "http"')
    return Envelope(
        topic=recorded.topic or "",
        payload=payload,
        received_at=recorded.received_at.astimezone(UTC),
        http=http,
        retain=recorded.retain,
        dup=recorded.dup,
    )


def _fault(line: bytes, error: Exception) -> str:
    """Return what keeps a line from being a recorded message."""
    if not isinstance(error, msgspec.ValidationError):
        return str(error)
    try:
        return refused(msgspec.json.decode(line), _Line, hidden=None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # further on
        return "not JSON"


def _payload(recorded: _Line) -> bytes:
    if recorded.payload_b64 is not None:
        return base64.b64decode(recorded.payload_b64, validate=True)
    return (recorded.payload or "").encode()
