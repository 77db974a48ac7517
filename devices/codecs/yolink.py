"""YoLink sensors and remotes: `yl-home/{home}/{device}/report`, JSON.

`battery` counts 0 to 4; a door's own time is `stateChangedAt` (Unix milliseconds), `time` that
of the message. Written after https://doc.yosmart.com/.
"""

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    doubted,
    nothing,
    refused,
    shared,
    where_from,
)
from devices.codecs.fields import moment_or_fault, number, text
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection

STATES = {"open": True, "closed": False, "close": False}
BATTERY_STEP = 25  # percent for each of the four bars
CHANGED = ("Alert", "StatusChange")  # events at the moment of the change itself


def decode(envelope: Envelope) -> Decoded:
    """A door's state, a remote's press, or at least how the battery is."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    event, data = text(body.get("event")), body.get("data")
    if event is None or not isinstance(data, dict):
        return refused(Reason.MISSING_FIELD, "event or data is missing")
    kind, _, what = event.partition(".")
    changed = data.get("stateChangedAt") if what in CHANGED else None
    at, fault = moment_or_fault(changed or body.get("time"), "time")
    level = number(data.get("battery"))
    battery = level * BATTERY_STEP if level is not None and 0 <= level <= 4 else None
    device = _device(body, envelope)
    said = shared(envelope, device, at, id=text(body.get("msgid")) or "", battery=battery)
    return doubted(_said(kind, data, said), fault)


def _said(kind: str, data: JsonObject, said: JsonObject) -> Decoded:
    state, press = data.get("state"), data.get("event")
    if kind == "DoorSensor" and isinstance(state, str) and state.casefold() in STATES:
        return Decoded((Part(DoorMoved(open=STATES[state.casefold()], **said)),))
    if isinstance(press, dict) and text(press.get("type")):
        return Decoded((Part(ButtonPressed(action=str(text(press["type"])), **said)),))
    if said["battery"] is not None:
        return Decoded((Part(DeviceStatus(**said)),))
    return nothing(f"YoLink {kind[:60]}")


def _device(body: JsonObject, envelope: Envelope) -> str:
    levels = envelope.topic.split("/")
    on_topic = levels[2] if levels[0] == "yl-home" and len(levels) >= 4 else where_from(envelope)
    return text(body.get("deviceId")) or on_topic


def _fits(envelope: Envelope, body: object) -> bool:
    return isinstance(body, dict) and "deviceId" in body and "msgid" in body and "data" in body


CODEC = Codec(family="yolink", decode=decode, topics=("yl-home/+/+/report",), fits=_fits)
