"""Ids for what came without one, and for several readings that came in one message. Pure."""

import hashlib
from typing import Any

from msgspec.structs import replace

from devices.envelope import Envelope
from devices.readings import Reading


def content_id(
    said: Reading, content: bytes | None, number: int, envelope: Envelope, changes: dict[str, Any]
) -> str:
    """An id from device, device time, kind, payload and place in the message.

    The same message delivered again gets the same id, with or without a time of its own; so does
    an item of a batch (`content`) that is sent again in another batch.
    """
    observed = changes.get("observed_at", said.observed_at)
    key = f"{changes.get('device', said.device)}\n{observed}\n{type(said).__name__}\n"
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=12)
    if content is not None:
        digest.update(content)
        return digest.hexdigest()
    digest.update(b"%d\n" % number)
    digest.update(envelope.payload)
    if envelope.http is not None:
        digest.update(envelope.http.path.encode("utf-8", "replace"))
    return digest.hexdigest()


def distinct(reading: Reading, before: list[Reading]) -> Reading:
    """Two readings of one message that would share a key: the later one's id is numbered."""
    same = sum(1 for other in before if other.id == reading.id and other.device == reading.device)
    return replace(reading, id=f"{reading.id}.{same + 1}") if same else reading
