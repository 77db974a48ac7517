"""ChirpStack, versions 3 and 4, and gateways that speak its format (Milesight).

`application/{app}/device/{devEUI}/event/{up|status|join|...}` (v3 also `.../rx`), JSON. One
uplink heard by several gateways is one event: its id is made of the frame counter. Written after
https://www.chirpstack.io/docs/chirpstack/integrations/events.html.
"""

import base64
import binascii
from datetime import datetime

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, doubted, nothing, refused, shared
from devices.codecs.fields import moment_or_fault, number, percent, text
from devices.codecs.lorawan import Uplink, best_signal, decoded, solved_location
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Reason, Rejection
from devices.topics import parents

DECODED = ("object", "decoded", "payload", "fields", "data")
NO_NEWS = frozenset({"ack", "txack", "tx", "error", "log", "integration"})
EVENTS_BY_FORM = (("margin", "status"), ("batteryLevel", "status"), ("location", "location"))


def decode(envelope: Envelope) -> Decoded:
    """What the device of one event said; an uplink that we can't read is a sign of life."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    event = _event(envelope.topic, body)
    if event in NO_NEWS:
        return nothing(f"LoRaWAN {event}")
    wrapped = body.get("obj")  # Milesight gateways: the event inside, its fields beside it
    if isinstance(wrapped, dict):
        body = {**wrapped, "object": {k: v for k, v in body.items() if k != "obj"}}
    names = _names(body, envelope.topic)
    if not names:
        return refused(Reason.MISSING_FIELD, "devEui is missing")
    at, fault = moment_or_fault(body.get("time"), "time")
    if event in ("up", "rx"):
        return doubted(_uplink(body, names, at, envelope), fault)
    if fault is not None:
        return Decoded((fault,))
    said = shared(envelope, names[0], at, id=_id(body), battery=_battery(body))
    if event == "location":
        return solved_location(body.get("location"), names, said)
    return Decoded((Part(DeviceStatus(online=True, **said), names[1:], shared=True),))


def _event(topic: str, body: JsonObject) -> str:
    levels = topic.split("/")
    if levels[0] == "application" and len(levels) >= 5:
        return levels[-1]
    return next((event for field, event in EVENTS_BY_FORM if field in body), "up")


def _uplink(
    body: JsonObject, names: tuple[str, ...], at: datetime | None, envelope: Envelope
) -> Decoded:
    try:
        frame = base64.b64decode(text(body.get("data")) or "", validate=True)
    except (binascii.Error, ValueError):
        return refused(Reason.BAD_VALUE, "data is not base64")
    info = body.get("deviceInfo")
    profile = info.get("deviceProfileName") if isinstance(info, dict) else None
    port = number(body.get("fPort"))
    uplink = Uplink(
        device=names[0],
        names=names[1:],
        id=_id(body),
        counter="frame" if number(body.get("fCnt")) is not None else "",
        at=at,
        fields=_fields(body),
        frame=frame,
        port=int(port) if port is not None else None,
        model=text(profile) or text(body.get("deviceProfileName")) or "",
        signal=best_signal(body.get("rxInfo")),
    )
    return decoded(uplink, envelope)


def _fields(body: JsonObject) -> JsonObject:
    """What the server's own decoder found: `object`, or in version 3 also `objectJSON`; a bridge
    of somebody's own may call it otherwise."""
    fields = next((body[key] for key in DECODED if isinstance(body.get(key), dict)), None)
    if isinstance(body.get("objectJSON"), str):
        parsed = json_object(body["objectJSON"].encode("utf-8", "replace"))
        fields = {} if isinstance(parsed, Rejection) else parsed
    return fields if isinstance(fields, dict) else {}


def _names(body: JsonObject, topic: str) -> tuple[str, ...]:
    """The devEUI and the name; the topic's EUI where the event itself is silent."""
    info = body.get("deviceInfo")
    written = (
        [text(info.get(key)) for key in ("devEui", "deviceName")] if isinstance(info, dict) else []
    )
    written += [_eui(body.get("devEUI")), _eui(body.get("devEui")), text(body.get("deviceName"))]
    levels = topic.split("/")
    if levels[:1] == ["application"] and len(levels) >= 5:
        written.append(levels[3])
    return tuple(dict.fromkeys(name for name in written if name))


def _eui(written: object) -> str | None:
    """A device EUI in hex; version 3 may write the eight bytes in base64."""
    name = text(written)
    if name is None or len(name) != 12:
        return name
    try:
        raw = base64.b64decode(name, validate=True)
    except (binascii.Error, ValueError):
        return name
    return raw.hex() if len(raw) == 8 else name


def _id(body: JsonObject) -> str:
    """The same for every copy of one frame, whichever gateways heard it."""
    counter = number(body.get("fCnt"))
    if counter is not None:
        return f"{text(body.get('devAddr')) or 'fcnt'}-{counter:.0f}"
    return text(body.get("deduplicationId")) or ""


def _battery(body: JsonObject) -> float | None:
    if body.get("externalPowerSource") is True or body.get("batteryLevelUnavailable") is True:
        return None
    return percent(body.get("batteryLevel"))


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    levels = envelope.topic.split("/")
    if levels[:1] != ["application"] or len(levels) < 5:
        return tuple(parents(envelope.topic))
    root = f"application/{levels[1]}/device/{name}"
    return (root, f"{root}/event/up", f"{root}/rx", f"{root}/event/+", f"{root}/event/#")


def _fits(envelope: Envelope, body: object) -> bool:
    if not isinstance(body, dict):
        return False
    inner = body.get("obj", body)
    return isinstance(inner, dict) and (
        "devEUI" in inner or isinstance(inner.get("deviceInfo"), dict)
    )


CODEC = Codec(
    family="chirpstack",
    decode=decode,
    topics=("application/+/device/+/event/+", "application/+/device/+/+"),
    fits=_fits,
    siblings=_siblings,
)
