"""Acme: `acme/{serial}/event`, JSON `{"t": unix seconds, "n": counter, "key": "sos", "open": true,
"bat": 87}`. Replace this by where your devices speak, in which units, and where that is written.
"""

from datetime import UTC, datetime
from typing import Any

from devices.codecs.body import json_object
from devices.codecs.codec import ButtonPressed, Codec, Decoded, Part, nothing, refused, shared
from devices.codecs.fields import number, percent
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection
from devices.topics import Rights


def decode(envelope: Envelope) -> Decoded:
    """A press, a door, or a battery: pure, and nothing raises. Bad input is a rejection."""
    levels = envelope.topic.split("/")
    if len(levels) != 3:
        return refused(Reason.UNKNOWN_TOPIC, "Acme speaks on acme/SERIAL/event")
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    at, fault = _time(body)
    count = number(body.get("n"))
    said: dict[str, Any] = shared(
        envelope,
        levels[1],
        at,
        id=f"n-{count:.0f}" if count is not None else "",
        battery=percent(body.get("bat")),
    )
    key, is_open = body.get("key"), body.get("open")
    if isinstance(key, str) and key:  # a press counts though its time can't be read
        pressed = ButtonPressed(action=key, **said)
        return Decoded((Part(pressed, fault=fault, counter="event" if count is not None else ""),))
    if fault is not None:
        return Decoded((fault,))
    if isinstance(is_open, bool):
        return Decoded((Part(DoorMoved(open=is_open, **said)),))
    if said["battery"] is not None:
        return Decoded((Part(DeviceStatus(**said)),))
    return nothing("no key, no door and no battery")


def _time(body: dict[str, Any]) -> tuple[datetime | None, Rejection | None]:
    if "t" not in body:
        return None, None
    seconds = number(body["t"])
    if seconds is None or not 0 <= seconds < 1e11:
        return None, Rejection(Reason.BAD_VALUE, "t is no time: write Unix seconds")
    return datetime.fromtimestamp(seconds, UTC), None


def rights(topic: str) -> Rights:
    """What a device registered with this topic may publish, and what it may hear."""
    above = topic.rpartition("/")[0]
    return Rights((topic,), (f"{above}/command",))


CODEC = Codec(family="acme", decode=decode, topics=("acme/+/event",), rights=rights)
