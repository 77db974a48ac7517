"""ESPHome: `{node}/binary_sensor/{object}/state` ON or OFF, `{node}/status`, battery sensors.

ON of a door's contact is open; whether a binary sensor is a door its name says ("front_door"),
else the register. Written after https://esphome.io/components/mqtt.html.
"""

import re

from devices.codecs.body import json_object
from devices.codecs.buttons import action_of
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    Switched,
    measured,
    nothing,
    refused,
    shared,
)
from devices.codecs.fields import percent
from devices.codecs.measures import quantity_in
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection, SosPressed

ON_OFF = {"on": True, "off": False}
ONLINE = {"online": True, "offline": False}
DOOR = re.compile(r"door|window|contact|reed|opening|gate|(?:^|_)men(?:$|_)|门|窗", re.IGNORECASE)
CALL = re.compile(r"(?:^|_)(?:sos|panic|emergency)(?:$|_)|求助|报警", re.IGNORECASE)
LOW = re.compile(r"(?:^|_)(?:battery_low|low_battery)$", re.IGNORECASE)
BATTERY = re.compile(r"(?:^|_)battery(?:_level)?$", re.IGNORECASE)


def decode(envelope: Envelope) -> Decoded:
    """A binary sensor, the node's coming and going, a battery in percent, what it measures."""
    node, *levels = envelope.topic.split("/")
    word = envelope.payload.strip().decode("utf-8", "replace").casefold()
    match levels:
        case ["status"]:
            if word not in ONLINE:
                return refused(Reason.BAD_VALUE, "the status is neither online nor offline")
            status = DeviceStatus(online=ONLINE[word], **shared(envelope, node))
            return Decoded((Part(status),), node=node)
        case ["binary_sensor", name, "state"]:
            return _binary(envelope, node, name, word)
        case ["event", name, "state"]:
            return _event(envelope, node, name)
        case ["sensor", name, "state"] if BATTERY.search(name):
            said = shared(envelope, node, battery=percent(word))
            return (
                Decoded((Part(DeviceStatus(**said)),))
                if said["battery"] is not None
                else nothing("no percentage")
            )
        case ["sensor", name, "state"]:
            return nothing("no contact, press or battery", _measured(envelope, node, name, word))
    return nothing("no contact, press or battery")


def _measured(envelope: Envelope, node: str, name: str, word: str) -> tuple[Part, ...]:
    """What the entity's name ends in: `kitchen_temperature`, `bath_water_leak`."""
    quantity = quantity_in(name)
    if quantity is None:
        return ()
    return measured({quantity: word}, shared(envelope, f"{node}/{name}"), (node,))


def _event(envelope: Envelope, node: str, name: str) -> Decoded:
    """A button as an event entity: {"event_type": "press"}."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    action = action_of(body.get("event_type"))
    if action is None:
        return nothing("an event without a type")
    said = shared(envelope, f"{node}/{name}")
    if CALL.search(name):
        return Decoded((Part(SosPressed(**said), (node,)),))
    return Decoded((Part(ButtonPressed(action=action, **said), (node,)),))


def _binary(envelope: Envelope, node: str, name: str, word: str) -> Decoded:
    if word not in ON_OFF:
        return refused(Reason.BAD_VALUE, f"state {word[:40]!r} is neither ON nor OFF")
    on, said = ON_OFF[word], shared(envelope, f"{node}/{name}")
    if CALL.search(name):
        if not on:
            return nothing("the button is let go")
        return Decoded((Part(SosPressed(**said), (node,)),))
    if LOW.search(name):
        status = DeviceStatus(battery_low=on, **{**said, "device": node})
        return Decoded((Part(status, (f"{node}/{name}",)),), node=node)
    if DOOR.search(name):
        return Decoded((Part(DoorMoved(open=on, **said), (node,)),))
    switched = Part(Switched(on=on, **said), (node,))
    return Decoded((switched,), measured=_measured(envelope, node, name, word))


CODEC = Codec(
    family="esphome",
    decode=decode,
    topics=("+/binary_sensor/+/state", "+/sensor/+/state", "+/event/+/state", "+/status"),
)
