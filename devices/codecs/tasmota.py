"""Tasmota: reed switches, Zigbee contacts and buttons behind its bridge, 433 MHz codes.

`{tele|stat|cmnd}/{topic}/{SUFFIX}`, or with the first two levels the other way round. Polarity:
`Contact: 1` is open. What a `SwitchN` or a radio code means only the register knows. Times have
no zone. Written after https://tasmota.github.io/docs/ (MQTT, Zigbee, RF).
"""

import re
from collections.abc import Iterator
from datetime import datetime

from devices.codecs.body import JsonObject, json_object
from devices.codecs.buttons import action_of
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    Switched,
    doubted,
    measured,
    nothing,
    refused,
    shared,
)
from devices.codecs.fields import moment_or_fault, number, percent, text
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection, SosPressed
from devices.topics import parents

PREFIXES = frozenset({"tele", "stat", "cmnd"})
SUFFIXES = frozenset({"SENSOR", "RESULT", "STATE", "ZbReceived"})  # those that carry news
ONLINE = {"online": True, "offline": False}
# IAS zone types and commands by which Tasmota's bridge tells of a call for help
SOS_KEYS = ("PersonalAlarm", "0501!02", "0501!03", "0501!04", "Emergency", "Panic")
ALARM_BITS, LOW_BIT = 3, 8  # of an IAS zone's status: alarm 1 and alarm 2, battery low
ZONE_STATUS, RAW_ZONE_STATUS = ("ZoneStatusChange", "ZoneStatus"), "0500<00"
CLICKS = ("Click", "Action", "click", "action")
POWER_COMMANDS = {"0006!00": "off", "0006!01": "on", "0006!02": "toggle"}


def decode(envelope: Envelope) -> Decoded:
    """Doors, presses, presence and battery reports, and what sensors measure."""
    device, prefix, suffix = _levels(envelope.topic)
    if prefix == "cmnd":
        return nothing("a command to the device")
    if suffix == "LWT":
        return _online(envelope, device)
    if suffix not in SUFFIXES:
        return nothing(f"Tasmota {suffix}")
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    at, fault = moment_or_fault(body.get("Time"), "Time")
    parts = (*_own(body, device, at, envelope), *_zigbee(body, device, at, envelope))
    if not parts and suffix == "STATE":
        parts = (Part(_state(body, device, at, envelope)),)
    also = (*_measured(body, device, at, envelope), *_zigbee_measured(body, device, at, envelope))
    if not parts:
        return doubted(nothing("no contact, press or switch in it", also), fault)
    return doubted(Decoded(parts, measured=also), fault)


def _levels(topic: str) -> tuple[str, str, str]:
    """Device, prefix and suffix, whichever of `%prefix%/%topic%` comes first."""
    levels = topic.split("/")
    if levels[0] in PREFIXES:
        return "/".join(levels[1:-1]) or topic, levels[0], levels[-1]
    at = next((n for n, level in enumerate(levels) if level in PREFIXES), None)
    if at is None:
        return topic, "", levels[-1]
    return "/".join(levels[:at]), levels[at], levels[-1]


def _online(envelope: Envelope, device: str) -> Decoded:
    word = envelope.payload.strip().decode("utf-8", "replace").casefold()
    if word not in ONLINE:
        return refused(Reason.BAD_VALUE, "LWT is neither Online nor Offline")
    return Decoded((Part(DeviceStatus(online=ONLINE[word], **shared(envelope, device))),))


def _state(body: JsonObject, device: str, at: datetime | None, envelope: Envelope) -> DeviceStatus:
    wifi = body.get("Wifi")
    signal = number(wifi.get("Signal")) if isinstance(wifi, dict) else None
    return DeviceStatus(online=True, signal=signal, **shared(envelope, device, at))


def _own(body: JsonObject, device: str, at: datetime | None, envelope: Envelope) -> Iterator[Part]:
    """The device's own inputs, and the 433 MHz codes that it hears."""
    said = shared(envelope, device, at)
    for key, value in body.items():
        action = value.get("Action") if isinstance(value, dict) else value
        if key.startswith("POWER") or not isinstance(action, str):
            continue
        if action in ("ON", "OFF"):
            yield Part(Switched(on=action == "ON", **said))
        elif key.startswith("Button"):
            yield Part(ButtonPressed(action=action, **said))
    radio = body.get("RfReceived")
    code = text(radio.get("Data")) if isinstance(radio, dict) else None
    if code is not None:
        yield Part(ButtonPressed(action=code, **said), (code,))


def _measured(
    body: JsonObject, device: str, at: datetime | None, envelope: Envelope
) -> Iterator[Part]:
    """What the chips on the board measure: {"AM2301": {"Temperature": 22.9}, "TempUnit": "C"}."""
    said, in_fahrenheit = shared(envelope, device, at), body.get("TempUnit") == "F"
    for chip, fields in body.items():
        if not isinstance(fields, dict) or chip in ("ZbReceived", "RfReceived"):
            continue
        if chip == "ENERGY":
            fields = {"energy": fields.get("Total"), **fields}
        degrees = number(fields.get("Temperature"))
        if in_fahrenheit and degrees is not None:
            fields = {**fields, "Temperature": round((degrees - 32) / 1.8, 2)}
        yield from measured(fields, said)


def _zigbee_measured(
    body: JsonObject, bridge: str, at: datetime | None, envelope: Envelope
) -> Iterator[Part]:
    for names, fields in _behind(body):
        said = shared(envelope, names[0] if names else bridge, at)
        yield from measured(fields, said, names[1:], shared=True)


def _behind(body: JsonObject) -> Iterator[tuple[tuple[str, ...], JsonObject]]:
    """The devices behind the bridge: named by their short address and a friendly name."""
    wrapped = body.get("ZbReceived")
    received = wrapped if isinstance(wrapped, dict) else body
    if _is_zigbee(received):
        received = {"": received}
    for key, fields in received.items():
        if isinstance(fields, dict) and (received is wrapped or _is_zigbee(fields)):
            names = [text(fields.get("Device")), text(fields.get("Name")), text(key)]
            yield tuple(dict.fromkeys(name for name in names if name)), fields


def _is_zigbee(fields: JsonObject) -> bool:
    """Whether an object is what one Zigbee device said; options leave out what is around it."""
    return "LinkQuality" in fields and ("Device" in fields or "Endpoint" in fields)


def _zigbee(
    body: JsonObject, bridge: str, at: datetime | None, envelope: Envelope
) -> Iterator[Part]:
    for known, fields in _behind(body):
        battery = percent(fields.get("BatteryPercentage", fields.get("Battery")))
        said = shared(envelope, known[0] if known else bridge, at, battery=battery)
        for reading in _zigbee_readings(fields, said):
            yield Part(reading, known[1:], shared=True)


def _zigbee_readings(
    fields: JsonObject, said: JsonObject
) -> Iterator[DoorMoved | SosPressed | ButtonPressed | Switched | DeviceStatus]:
    contact, zone, power = number(fields.get("Contact")), _zone(fields), fields.get("Power")
    low = bool(zone & LOW_BIT) if zone is not None else None
    status = DeviceStatus(signal=number(fields.get("LinkQuality")), battery_low=low, **said)
    clicked = next((action_of(fields[key]) for key in CLICKS if key in fields), None)
    action = clicked or next((word for key, word in POWER_COMMANDS.items() if key in fields), None)
    if low:
        yield status
    if contact is not None:
        yield DoorMoved(open=contact == 1, **said)
    elif any(key in fields and number(fields[key]) != 0 for key in SOS_KEYS):
        yield SosPressed(**said)
    elif zone is not None:  # of a zone type that the bridge does not name
        yield Switched(on=bool(zone & ALARM_BITS), **said)
    elif action is not None:
        yield ButtonPressed(action=action, **said)
    elif isinstance(power, str) and number(power) is None:
        yield ButtonPressed(action=power, **said)  # toggle
    elif number(power) is not None:
        yield Switched(on=number(power) != 0, **said)  # of a contact that speaks as a switch
    elif said["battery"] is not None and not low:
        yield status


def _zone(fields: JsonObject) -> int | None:
    """The status of an IAS zone, by name or in the bytes of its notice (little-endian)."""
    named = next((number(fields[key]) for key in ZONE_STATUS if key in fields), None)
    if named is not None and 0 <= named <= 0xFFFF:
        return int(named)
    raw = text(fields.get(RAW_ZONE_STATUS)) or ""
    return int(raw[2:4] + raw[:2], 16) if _ZONE_BYTES.fullmatch(raw) else None


_ZONE_BYTES = re.compile(r"[0-9A-Fa-f]{4,40}")


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    bridge, _, _ = _levels(envelope.topic)
    spoken = [f"tele/{bridge}/{name}/SENSOR", *parents(envelope.topic)]
    for suffix in ("SENSOR", "RESULT", "STATE", "LWT"):
        for prefix in ("tele", "stat"):
            spoken += [f"{prefix}/{name}/{suffix}", f"{name}/{prefix}/{suffix}"]
    return tuple(spoken)


def _fits(envelope: Envelope, body: object) -> bool:
    if not isinstance(body, dict):
        return False
    return "ZbReceived" in body or "RfReceived" in body or any(_behind(body))


CODEC = Codec(
    family="tasmota",
    decode=decode,
    topics=("tele/#", "stat/#", "cmnd/#", "+/tele/+", "+/stat/+", "+/cmnd/+"),
    fits=_fits,
    siblings=_siblings,
)
