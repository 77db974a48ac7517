"""One message as it came off the wire, before anybody has understood it."""

from datetime import datetime

import msgspec


class HttpRequest(msgspec.Struct, frozen=True, gc=False):
    """The request line and type of a message that came by HTTP instead of MQTT."""

    method: str  # "GET" or "POST"
    path: str  # with its query string, as sent
    content_type: str = ""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One message: where it was said, its bytes, and when we received it."""

    topic: str  # MQTT topic; "" for an HTTP message
    payload: bytes
    received_at: datetime  # aware, UTC; stamped once, at the broker's edge
    http: HttpRequest | None = None
    retain: bool = False  # the broker replayed a kept message: its state may be old
    dup: bool = False  # the broker delivers again what it has delivered before
