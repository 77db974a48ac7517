"""Phone apps that send a bare position: Home Assistant's companion app and MQTT tracker,
GPSLogger, Hubitat and others, each with its own names for the same few fields.

`gps` is [lat, lon]; speed is m/s; a template that was never filled in (`%LAT`) is refused.
Written after https://developers.home-assistant.io/docs/api/native-app-integration/sending-data,
https://www.home-assistant.io/integrations/mqtt_json/ and https://gpslogger.app/.
"""

from devices.codecs.body import JsonObject, json_body
from devices.codecs.codec import NOBODY, Codec, Decoded, Part, nothing, refused, shared, where_from
from devices.codecs.fields import (
    accuracy,
    at_least_zero,
    is_placeholder,
    moment,
    percent,
    place,
    text,
)
from devices.codecs.forms import parameters
from devices.envelope import Envelope
from devices.readings import Position, Reason, Rejection

WEBHOOK = "/api/webhook/"
LATITUDES = ("latitude", "lat")
LONGITUDES = ("longitude", "lon", "lng", "long")
ACCURACIES = ("gps_accuracy", "accuracy", "acc", "horizontal_accuracy")
BATTERIES = ("battery_level", "battery", "batt")
TIMES = ("timestamp", "time", "ts", "tst", "ss")
NAMES = ("device", "device_id", "deviceid", "entity_id", "id")


def decode(envelope: Envelope) -> Decoded:
    """One position; other messages of the companion app are ignored."""
    fields = _fields(envelope)
    if isinstance(fields, Rejection):
        return Decoded((fields,))
    if fields.get("encrypted") is True or fields.get("type") == "encrypted":
        return refused(Reason.ENCRYPTED, "the app encrypts what it sends: we have no key")
    data, kind = fields.get("data"), fields.get("type")
    if not isinstance(kind, str) or (
        "data" not in fields and _first(fields, LATITUDES) is not None
    ):
        return _position(fields, envelope)
    if kind != "update_location" or not isinstance(data, dict):
        return nothing(f"companion app {kind[:60]}")
    gps = data.get("gps")
    if gps is None and "location_name" in data:
        return nothing("the name of a zone without a place")
    if not isinstance(gps, list) or len(gps) < 2:
        return refused(Reason.MISSING_FIELD, "gps is [lat, lon]")
    return _position({**data, "latitude": gps[0], "longitude": gps[1]}, envelope)


def _fields(envelope: Envelope) -> JsonObject | Rejection:
    if envelope.payload.lstrip()[:1] == b"{" or envelope.http is None:
        body = json_body(envelope.payload)
        if isinstance(body, dict | Rejection):
            return body
        return Rejection(Reason.NOT_AN_OBJECT, "a position is a JSON object")
    return {**parameters(envelope)}


def _position(fields: JsonObject, envelope: Envelope) -> Decoded:
    where = place(_first(fields, LATITUDES), _first(fields, LONGITUDES))
    if isinstance(where, Rejection):
        return Decoded((where,))
    at = moment(_first(fields, TIMES), "time")
    if isinstance(at, Rejection):
        return Decoded((at,))
    battery = percent(_first(fields, BATTERIES))
    reading = Position(
        lat=where[0],
        lon=where[1],
        accuracy=accuracy(_first(fields, ACCURACIES)),
        speed=at_least_zero(fields.get("speed")),
        **shared(envelope, _device(fields, envelope), at, battery=battery),
    )
    return Decoded((Part(reading),))


def _device(fields: JsonObject, envelope: Envelope) -> str:
    """What the app calls its phone; a webhook's number or a path of its own names it too."""
    named = text(_first(fields, NAMES))
    if named and not is_placeholder(named):
        return named.removeprefix("device_tracker.")
    where = where_from(envelope)
    if envelope.http is not None and (envelope.http.method == "GET" or where in ("", "/")):
        return where.removeprefix(WEBHOOK) if where.startswith(WEBHOOK) else NOBODY
    return where.removeprefix(WEBHOOK)


def _first(fields: JsonObject, keys: tuple[str, ...]) -> object:
    return next((fields[key] for key in keys if fields.get(key) is not None), None)


def _fits(envelope: Envelope, body: object) -> bool:
    if isinstance(body, dict):
        return _first(body, LATITUDES) is not None and _first(body, LONGITUDES) is not None
    if envelope.http is None:
        return False
    fields = {**parameters(envelope)}
    return _first(fields, LATITUDES) is not None and _first(fields, LONGITUDES) is not None


CODEC = Codec(
    family="phone_apps",
    decode=decode,
    topics=("location/#",),
    paths=(WEBHOOK,),
    fits=_fits,
)
