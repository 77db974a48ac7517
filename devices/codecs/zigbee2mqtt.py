"""Zigbee2MQTT: contacts, SOS buttons and what else a Zigbee bridge passes on.

`{base}/{friendly name}` carries the device's state as JSON, `/availability` and `/action` below
it single words; with `output: attribute` every field has a sub-topic of its own. Polarity:
`contact: true` is closed. `last_seen` is the radio time of the frame, the only time there is.
Written after https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html.
"""

import re
from typing import Any

from devices.codecs.body import JsonObject, json_body
from devices.codecs.buttons import action_in, action_of
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    measured,
    nothing,
    refused,
    shared,
)
from devices.codecs.fields import moment_or_fault, number, percent
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection, SosPressed

COMMANDS = frozenset({"set", "get"})  # from a controller to the device
ATTRIBUTES = frozenset({"contact", "action", "tamper", "battery", "battery_low", "linkquality"})
WORDS = ("/availability", "/action", "/contact", "/bridge/state")  # topics that carry single words
BASE = "zigbee2mqtt"  # unless the bridge is told otherwise
SOS_FLAGS = ("sos", "emergency", "panic")  # some converters show the press as a boolean
WORD = re.compile(rb"[A-Za-z0-9_.+ -]{0,60}")
UNKNOWN_SIGNAL = 255  # of linkquality
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def decode(envelope: Envelope) -> Decoded:
    """A device's state, one attribute of it, its availability, or the bridge's own state."""
    levels = envelope.topic.split("/")
    if "bridge" in (levels[1:2] if levels[0] == BASE else levels[1:][-2:-1]):
        return _bridge(envelope, levels[-1])
    levels = levels[1:]  # without the base topic
    above, last = "/".join(levels[:-1]), levels[-1] if levels else ""
    if above and last in COMMANDS:
        return nothing("a command to the device")
    if above and last == "availability":
        return _online(envelope, above)
    body = _json_or_word(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    if isinstance(body, dict):
        return _state(envelope, "/".join(levels) or envelope.topic, body)
    if above and last in ATTRIBUTES:
        return _state(envelope, above, {last: body})
    what = Reason.NOT_JSON if isinstance(body, str) else Reason.NOT_AN_OBJECT
    return refused(what, "a device's state is a JSON object")


def _state(envelope: Envelope, name: str, fields: JsonObject) -> Decoded:
    """What the state says: a door, a press, or at least how the battery is."""
    at, fault = None, None
    if "last_seen" in fields:
        at, fault = moment_or_fault(fields["last_seen"], "last_seen")
    said = shared(envelope, name, at, battery=percent(fields.get("battery")))
    parts = [part for part in (_door(fields, said), _press(fields, said, fault)) if part]
    if not parts or ("battery_low" in fields and _says_only_low(fields)):
        status = _status(fields, said)  # first: the word counts, not the percentage beside it
        parts[:0] = [status] if status is not None else []
    also = measured(fields, said)
    if not parts:
        return nothing("no contact, press or battery in it", also)
    return Decoded(tuple(parts), measured=also)


def _door(fields: JsonObject, said: dict[str, Any]) -> Part | Rejection | None:
    contact = fields.get("contact")
    if contact is None:
        return None
    closed = contact if isinstance(contact, bool) else _BOOLEANS.get(str(contact).casefold())
    if closed is None:
        return Rejection(
            Reason.BAD_VALUE, f"contact {str(contact)[:40]!r} is neither true nor false"
        )
    tamper = fields.get("tamper")
    return Part(
        DoorMoved(open=not closed, tamper=tamper if isinstance(tamper, bool) else None, **said)
    )


def _press(fields: JsonObject, said: dict[str, Any], fault: Rejection | None) -> Part | None:
    """A press; "" and null mean that it is over. A time that can't be read does not undo it."""
    action = action_of(fields["action"]) if "action" in fields else None
    if action is None and any(fields.get(flag) is True for flag in SOS_FLAGS):
        return Part(SosPressed(**said), fault=fault)
    if action is None and "action" not in fields and "contact" not in fields:
        action = action_in(fields)
    return Part(ButtonPressed(action=action, **said), fault=fault) if action else None


def _status(fields: JsonObject, said: dict[str, Any]) -> Part | None:
    fault = next((name for name in ("tamper", "battery_low") if fields.get(name) is True), None)
    low = _flag(fields["battery_low"]) if "battery_low" in fields else None
    if fault is None and low is None and said["battery"] is None:
        return None
    signal = number(fields.get("linkquality"))
    return Part(
        DeviceStatus(
            fault=fault,
            signal=None if signal == UNKNOWN_SIGNAL else signal,
            battery_low=low,
            **said,
        )
    )


def _says_only_low(fields: JsonObject) -> bool:
    """Whether the flag says what the percentage does not: some send 100 and the flag."""
    low = fields["battery_low"]
    return low is True or (low is False and fields.get("battery") is None)


def _flag(written: object) -> bool | None:
    return written if isinstance(written, bool) else _BOOLEANS.get(str(written).casefold())


def _online(envelope: Envelope, name: str) -> Decoded:
    """`online` or `offline`, as a word (old) or as {"state": "online"} (new)."""
    body = _json_or_word(envelope.payload)
    word = body.get("state") if isinstance(body, dict) else body
    if word not in ("online", "offline"):
        return refused(Reason.BAD_VALUE, "the state is neither online nor offline")
    status = DeviceStatus(online=word == "online", **shared(envelope, name))
    return Decoded((Part(status),))


def _bridge(envelope: Envelope, last: str) -> Decoded:
    if last == "state":
        return _online(envelope, "bridge")
    body = json_body(envelope.payload)
    if isinstance(body, Rejection) and last != "log":
        return Decoded((body,))
    return nothing(f"the bridge's own {last}")


def _json_or_word(payload: bytes) -> Any | Rejection:
    """The parsed JSON, or a bare word as text; "" is a topic that was cleared."""
    body = json_body(payload)
    word = payload.strip()
    if isinstance(body, Rejection) and WORD.fullmatch(word):
        return word.decode("ascii")
    return body


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    base = envelope.topic.partition("/")[0]
    above = envelope.topic.rpartition("/")[0]
    return (f"{base}/{name}", *(() if above == base else _own_topic(envelope.topic)))


def _own_topic(topic: str) -> tuple[str, ...]:
    """The topic above an attribute or the availability, whatever base it has."""
    above, _, last = topic.rpartition("/")
    return (above,) if last in ATTRIBUTES or last == "availability" else ()


def _fits(envelope: Envelope, body: object) -> bool:
    if envelope.http is not None:
        return False
    if not isinstance(body, dict):
        return envelope.topic.endswith(WORDS)
    if envelope.topic.endswith(("/availability", "/bridge/state")):
        return body.get("state") in ("online", "offline")
    return "linkquality" in body or isinstance(body.get("contact"), bool)


CODEC = Codec(
    family="zigbee2mqtt",
    decode=decode,
    topics=("zigbee2mqtt/#",),
    fits=_fits,
    siblings=_siblings,
)
