"""Sparkplug B, as protobuf or in its JSON form: `spBv1.0/{group}/{message type}/{node}[/{device}]`.

Births and deaths are status; metric names are each plant's own, so data is ignored. Written after
https://sparkplug.eclipse.org/specification/.
"""

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, shared
from devices.codecs.fields import moment
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Reason, Rejection

PROTOBUF_TIMESTAMP = b"\x08"
COMING = {"NBIRTH": True, "DBIRTH": True, "NDEATH": False, "DDEATH": False}


def decode(envelope: Envelope) -> Decoded:
    """Coming and going of a node or device."""
    body = _message(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    levels = envelope.topic.split("/")
    online = COMING.get(levels[2]) if len(levels) >= 4 else None
    if online is None:
        return nothing("Sparkplug metrics of a plant's own names")
    at = moment(body.get("timestamp"), "timestamp")
    if isinstance(at, Rejection):
        return Decoded((at,))
    status = DeviceStatus(online=online, **shared(envelope, "/".join(levels[3:]), at))
    return Decoded((Part(status),))


def _message(payload: bytes) -> JsonObject | Rejection:
    """The JSON form, or of the protobuf form the timestamp (field 1, a varint): all we need."""
    if payload[:1] != PROTOBUF_TIMESTAMP:
        return json_object(payload)
    value = 0
    for place, byte in enumerate(payload[1:11]):
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return {"timestamp": value}
    return Rejection(Reason.BAD_VALUE, "the timestamp has no end")


CODEC = Codec(family="sparkplug", decode=decode, topics=("spBv1.0/#",))
