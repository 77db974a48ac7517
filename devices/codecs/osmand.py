"""The OsmAnd protocol and the Traccar client: a GET or form POST, newer clients a POST of JSON.

In the query `speed` is knots, `hdop` is no metres (only `accuracy` is), and a message may hold
cells and wireless networks without a position. In JSON `speed` is m/s, the battery 0-1, and -1
means unknown. `alarm=sos` is a press. Times without a zone are UTC. Written after https://www.traccar.org/osmand/.
"""

from devices.codecs.body import JsonObject, inner, json_body, objects
from devices.codecs.codec import Codec, Decoded, Part, bounded, doubted, refused, shared
from devices.codecs.fields import (
    KNOT,
    accuracy,
    at_least_zero,
    moment_or_fault,
    percent,
    place,
    share_as_percent,
    text,
)
from devices.codecs.forms import parameters
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Position, Reason, Rejection, SosPressed

IDS = ("id", "deviceid", "device_id")
CALLS = ("sos", "panic", "emergency")
YES = ("true", "1", "yes")


def decode(envelope: Envelope) -> Decoded:
    """A position, a press, or, where there is no fix, a sign of life."""
    body = json_body(envelope.payload) if envelope.payload.lstrip()[:1] == b"{" else None
    if isinstance(body, Rejection):
        return Decoded((body,))
    return _from_json(body, envelope) if isinstance(body, dict) else _from_form(envelope)


def _from_form(envelope: Envelope) -> Decoded:
    fields = parameters(envelope)
    device = next((fields[key] for key in IDS if fields.get(key)), None)
    if device is None:
        return refused(Reason.MISSING_FIELD, "id is missing")
    at, fault = moment_or_fault(fields.get("timestamp"), "timestamp")
    battery = percent(fields.get("batt", fields.get("battery", fields.get("batteryLevel"))))
    said = shared(envelope, device, at, battery=battery)
    lat, lon = fields.get("lat", fields.get("latitude")), fields.get("lon", fields.get("longitude"))
    if "location" in fields:
        lat, _, lon = fields["location"].partition(",")
    measured = {
        "accuracy": accuracy(fields.get("accuracy", fields.get("hacc"))),
        "speed": at_least_zero(fields.get("speed"), KNOT),
        "mock": fields.get("mock", "").casefold() in YES,
    }
    return doubted(_said(said, lat, lon, measured, fields.get("alarm", "")), fault)


def _from_json(body: JsonObject, envelope: Envelope) -> Decoded:
    device = next((name for key in IDS if (name := text(body.get(key)))), None)
    places = objects(body, "location")
    if not places or device is None:
        return refused(Reason.MISSING_FIELD, "location or device_id is missing")
    alarm = text(body.get("alarm")) or ""
    read, more = bounded(places)
    said = [_one(where, device, alarm, envelope) for where in read]
    return Decoded((*(part for each in said for part in each.parts), *more))


def _one(where: JsonObject, device: str, alarm: str, envelope: Envelope) -> Decoded:
    at, fault = moment_or_fault(where.get("timestamp"), "timestamp")
    coords, power, extras = (inner(where, key) for key in ("coords", "battery", "extras"))
    battery = share_as_percent(power.get("level"))
    said = shared(envelope, device, at, id=text(where.get("uuid")) or "", battery=battery)
    measured = {
        "accuracy": accuracy(coords.get("accuracy")),
        "speed": at_least_zero(coords.get("speed")),
        "mock": where.get("mock") is True,
    }
    alarm = text(extras.get("alarm")) or alarm
    told = _said(said, coords.get("latitude"), coords.get("longitude"), measured, alarm)
    return doubted(told, fault)


def _said(said: JsonObject, lat: object, lon: object, measured: JsonObject, alarm: str) -> Decoded:
    """A press is a press without a fix; a message without coordinates says that it lives."""
    where = place(lat, lon) if lat or lon else None
    found = where if isinstance(where, tuple) else (None, None)
    parts: list[Part | Rejection] = []
    if alarm.casefold() in CALLS:
        parts.append(Part(SosPressed(lat=found[0], lon=found[1], **said)))
    if isinstance(where, tuple):
        parts.append(Part(Position(lat=where[0], lon=where[1], **measured, **said)))
    elif isinstance(where, Rejection):
        parts.append(where)
    return Decoded(tuple(parts) or (Part(DeviceStatus(**said)),))


def _fits(envelope: Envelope, body: object) -> bool:
    if envelope.http is None:
        return False
    if isinstance(body, dict):
        return any(key in body for key in IDS) and bool(objects(body, "location"))
    fields = parameters(envelope)
    known = ("lat", "latitude", "location", "timestamp", "cell", "wifi", "alarm")
    return any(key in fields for key in IDS) and any(key in fields for key in known)


CODEC = Codec(family="osmand", decode=decode, fits=_fits, zone="UTC")
