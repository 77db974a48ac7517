"""Sparkplug B in its JSON form: `spBv1.0/{group}/{message type}/{node}[/{device}]`.

On the wire Sparkplug is protobuf; gateways that republish it as JSON keep its field names. Births
and deaths are status; metric names are each plant's own, so data is ignored. Written after
https://sparkplug.eclipse.org/specification/.
"""

from devices.codecs.body import json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, shared
from devices.codecs.fields import moment
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Rejection

COMING = {"NBIRTH": True, "DBIRTH": True, "NDEATH": False, "DDEATH": False}


def decode(envelope: Envelope) -> Decoded:
    """Coming and going of a node or device."""
    body = json_object(envelope.payload)
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


CODEC = Codec(family="sparkplug", decode=decode, topics=("spBv1.0/#",))
