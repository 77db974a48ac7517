"""The press in a message that is too large to be read. Pure.

On a button's own topic every message is a press, and a press in doubt is a press: what names it is
looked for at the message's beginning and end, and what can't be found is made up for as in any
other press (an id of the content, the time of receipt).
"""

import hashlib
import re

import msgspec
from msgspec.structs import replace

from devices.codecs.contract import address_of
from devices.envelope import Envelope

LOOKED_AT = 16 * 1024  # bytes at the beginning, and at the end
_FIELDS = {
    "id": re.compile(rb'"id"\s*:\s*"([^"\\]{1,200})"'),
    "at": re.compile(rb'"at"\s*:\s*("[^"\\]{1,40}"|\d{9,16})'),
    "press": re.compile(rb'"press"\s*:\s*"([a-z]{1,10})"'),
}


def glimpsed(envelope: Envelope) -> Envelope | None:
    """Return a press that can be read in the place of one that is too large; None: it is none."""
    address = address_of(envelope)
    if address is None or address.kind != "sos":
        return None
    payload = envelope.payload
    ends = payload[:LOOKED_AT] + b"\n" + payload[-LOOKED_AT:]
    seen = {name: found[1] for name, field in _FIELDS.items() if (found := field.search(ends))}
    body: dict[str, object] = {"id": _text(seen.get("id")) or _named_by(payload)}
    if "at" in seen:
        body["at"] = msgspec.Raw(seen["at"])
    if "press" in seen:
        body["press"] = _text(seen["press"])
    try:
        return replace(envelope, payload=msgspec.json.encode(body))
    except UnicodeEncodeError:
        return None


def _text(found: bytes | None) -> str:
    return found.decode("utf-8", "replace") if found is not None else ""


def _named_by(payload: bytes) -> str:
    """Return an id of the content: the same message sent again is the same press."""
    return hashlib.sha256(payload).hexdigest()[:32]
