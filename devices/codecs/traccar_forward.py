"""What a Traccar server forwards: its positions and events as JSON.

The road by which trackers and watches that speak TCP reach us. Speed is knots, times carry
their offset, the device is `device.uniqueId`; an event or position with the alarm `sos` is a
press, with or without a fix, at the time of the event. Written after https://www.traccar.org/forward/.
"""

from datetime import datetime

from devices.codecs.body import JsonObject, inner, json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, refused, shared
from devices.codecs.fields import (
    KNOT,
    accuracy,
    at_least_zero,
    moment_or_fault,
    number,
    percent,
    text,
)
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Position, Reason, Rejection, SosPressed

COMING = {"deviceOnline": True, "deviceOffline": False, "deviceUnknown": False}
SOS = "sos"
# A fix may be hours older than what happened: indoors the last one is sent along.
FIX_TIMES = ("fixTime", "deviceTime", "eventTime", "serverTime")
EVENT_TIMES = ("eventTime", "deviceTime", "fixTime", "serverTime")


def decode(envelope: Envelope) -> Decoded:
    """A press, a position, coming and going."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    device, position, event = (inner(body, key) for key in ("device", "position", "event"))
    name = text(device.get("uniqueId")) or text(device.get("name"))
    if name is None:
        return refused(Reason.MISSING_FIELD, "device.uniqueId is missing")
    fixed, misfixed = _first_time(FIX_TIMES, position, event)
    happened, fault = _first_time(EVENT_TIMES, position, event)
    battery = percent(inner(position, "attributes").get("batteryLevel"))
    said = shared(envelope, name, happened, id=_id(position, event), battery=battery)
    place = _place(position)
    parts: list[Part] = []
    if _calls(position, event):
        lat, lon = place or (None, None)
        parts.append(Part(SosPressed(lat=lat, lon=lon, **_apart(said, "sos")), fault=fault))
    if place is not None:
        where = _position(place, position, {**said, "observed_at": fixed})
        parts.append(Part(where, fault=misfixed))
    online = COMING.get(text(event.get("type")) or "")
    if online is not None or (not parts and position):
        parts.append(Part(DeviceStatus(online=online, **_apart(said, "status")), fault=fault))
    return Decoded(tuple(parts)) if parts else nothing("a Traccar event without news")


def _first_time(
    keys: tuple[str, ...], position: JsonObject, event: JsonObject
) -> tuple[datetime | None, Rejection | None]:
    """The first of these times that is there: of the event, else of the position."""
    for key in keys:
        written = event.get(key) or position.get(key)
        if written:
            return moment_or_fault(written, key)
    return None, None


def _place(position: JsonObject) -> tuple[float, float] | None:
    lat, lon = number(position.get("latitude")), number(position.get("longitude"))
    if lat is None or lon is None or position.get("valid") is False:
        return None
    return lat, lon


def _calls(position: JsonObject, event: JsonObject) -> bool:
    """Whether an alarm of either says SOS; several alarms stand with commas between."""
    alarms = (text(inner(body, "attributes").get("alarm")) for body in (position, event))
    return any(SOS in (alarm or "").split(",") for alarm in alarms)


def _apart(said: JsonObject, kind: str) -> JsonObject:
    """An id that the bare position, which comes by itself as well, can't take away."""
    return {**said, "id": f"{kind}-{said['id']}"} if said["id"] else said


def _position(place: tuple[float, float], position: JsonObject, said: JsonObject) -> Position:
    return Position(
        lat=place[0],
        lon=place[1],
        accuracy=accuracy(position.get("accuracy")),
        speed=at_least_zero(position.get("speed"), KNOT),
        **said,
    )


def _id(position: JsonObject, event: JsonObject) -> str:
    """The position's number: an event and the position it came from are one."""
    number_ = text(position.get("id")) or ""
    return f"position-{number_}" if number_ and number_ != "0" else text(event.get("id")) or ""


def _fits(envelope: Envelope, body: object) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("device"), dict):
        return False
    return "uniqueId" in body["device"] and ("position" in body or "event" in body)


CODEC = Codec(family="traccar", decode=decode, fits=_fits)
