"""Overland (and what speaks its format): POST of GeoJSON points in `locations`.

Coordinates are lon, lat; `speed` m/s, -1 unknown; the battery 0-1. Every point counts by itself,
however often and in whatever batch it comes. Written after
https://github.com/aaronpk/Overland-iOS#api.
"""

from devices.codecs.body import json_object
from devices.codecs.codec import (
    Codec,
    Decoded,
    Part,
    as_item,
    bounded,
    nothing,
    refused,
    shared,
    where_from,
)
from devices.codecs.fields import accuracy, at_least_zero, moment, place, share_as_percent, text
from devices.envelope import Envelope
from devices.readings import Ignored, Position, Reason, Rejection


def decode(envelope: Envelope) -> Decoded:
    """A position for each point, in their order."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    points = body.get("locations")
    if not isinstance(points, list):
        return refused(Reason.MISSING_FIELD, "locations is missing")
    read, more = bounded(points)
    said = [as_item(_one(point, envelope), point) for point in read]
    parts = (*(one for one in said if not isinstance(one, Ignored)), *more)
    return Decoded(parts) if parts else nothing("no point in it")


def _one(point: object, envelope: Envelope) -> Part | Rejection | Ignored:
    if not isinstance(point, dict):
        return Rejection(Reason.NOT_AN_OBJECT, "a location is a GeoJSON feature")
    geometry, about = point.get("geometry"), point.get("properties")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return Ignored("no point")
    about = about if isinstance(about, dict) else {}
    at = moment(about.get("timestamp"), "timestamp")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return Rejection(Reason.MISSING_FIELD, "half a position: coordinates are lon, lat")
    where = place(coordinates[1], coordinates[0])
    if isinstance(at, Rejection):
        return at
    if isinstance(where, Rejection):
        return where
    device = text(about.get("device_id")) or where_from(envelope)
    reading = Position(
        lat=where[0],
        lon=where[1],
        accuracy=accuracy(about.get("horizontal_accuracy")),
        speed=at_least_zero(about.get("speed")),
        **shared(envelope, device, at, battery=share_as_percent(about.get("battery_level"))),
    )
    return Part(reading)


def _fits(envelope: Envelope, body: object) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("locations"), list):
        return False
    first = next(iter(body["locations"]), {"geometry": None})
    return isinstance(first, dict) and "geometry" in first


CODEC = Codec(family="overland", decode=decode, paths=("/api/v1/overland/",), fits=_fits)
