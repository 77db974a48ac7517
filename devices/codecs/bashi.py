"""Bashi face terminals: POST of `{"action": "event", "device-id": ..., "type": "logr"}`.

`timestamp` is Unix time in seconds or milliseconds, `userid` of a stranger begins with 0000.
Written after https://bashisense.github.io/.
"""

from devices.codecs.body import json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, refused, shared
from devices.codecs.fields import likeness, moment, text
from devices.envelope import Envelope
from devices.readings import DeviceStatus, FaceSeen, Reason, Rejection
from devices.redaction import count_private

STRANGER = "0000"


def decode(envelope: Envelope) -> Decoded:
    """A recognition, or a sign of life; other events are ignored."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    device = text(body.get("device-id"))
    if device is None:
        return refused(Reason.MISSING_FIELD, "device-id is missing")
    at = moment(body.get("timestamp"), "timestamp")
    if isinstance(at, Rejection):
        return Decoded((at,))
    said = shared(envelope, device, at, id=text(body.get("seqnum")) or "")
    if body.get("action") == "heartbeat":
        return Decoded((Part(DeviceStatus(online=True, **said)),))
    if body.get("type") != "logr":
        return nothing(f"terminal event {str(body.get('type'))[:60]}")
    person = text(body.get("userid"))
    known = person is not None and not person.startswith(STRANGER)
    face = FaceSeen(
        person=person if known else None,
        score=likeness(body.get("score")) if known else None,
        **said,
    )
    return Decoded((Part(face),), redacted=count_private(body))


def _fits(envelope: Envelope, body: object) -> bool:
    return isinstance(body, dict) and "device-id" in body and "action" in body


CODEC = Codec(family="bashi", decode=decode, fits=_fits)
