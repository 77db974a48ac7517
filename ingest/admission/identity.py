"""Ids for what came without one, and for several readings that came in one message. Pure."""

import hashlib
from collections import Counter
from functools import lru_cache
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
    digest.update(_digest(envelope.payload))
    if envelope.http is not None:
        digest.update(envelope.http.path.encode("utf-8", "replace"))
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _digest(payload: bytes) -> bytes:
    """Of the whole payload; made once for all the readings of one message."""
    return hashlib.blake2b(payload, digest_size=16).digest()


def distinct(readings: list[Reading]) -> list[Reading]:
    """The readings of one message; where some would share an id, the later ones' is numbered."""
    seen: Counter[tuple[str, str]] = Counter()
    told = []
    for reading in readings:
        seen[reading.device, reading.id] += 1
        count = seen[reading.device, reading.id]
        told.append(reading if count == 1 else replace(reading, id=f"{reading.id}.{count}"))
    return told
