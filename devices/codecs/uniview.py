"""Uniview terminals by LAPI: POST of PersonVerification notices and heartbeats.

A notice lists the faces and cards it saw and how each matched: MatchStatus 1 is a known person,
6 was not alive, the rest nobody known. Written after Uniview's LAPI guide for access control.
"""

from devices.codecs.body import JsonObject, json_object, objects
from devices.codecs.codec import Codec, Decoded, Part, refused, shared
from devices.codecs.fields import likeness, moment, text
from devices.envelope import Envelope
from devices.readings import DeviceStatus, FaceSeen, Ignored, Reason, Rejection
from devices.redaction import count_private

ROOT = "/LAPI/"
MATCHED, NOT_ALIVE = "1", "6"


def decode(envelope: Envelope) -> Decoded:
    """A sighting for each match, in their order; a heartbeat is a status."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    device = text(body.get("DeviceCode"))
    if device is None:
        return refused(Reason.MISSING_FIELD, "DeviceCode is missing")
    redacted = count_private(body)
    at = moment(body.get("Timestamp", body.get("Time")), "Timestamp")
    if isinstance(at, Rejection):
        return Decoded((at,), redacted=redacted)
    if "LibMatInfoList" in body:
        parts = tuple(
            _match(match, body, device, envelope) for match in objects(body, "LibMatInfoList")
        )
        return Decoded(parts, Ignored("nobody in it"), redacted)
    if "RefId" in body or "NextTime" in body:
        return Decoded((Part(DeviceStatus(online=True, **shared(envelope, device, at))),))
    return Decoded(ignored=Ignored("another notice"), redacted=redacted)


def _match(
    match: JsonObject, body: JsonObject, device: str, envelope: Envelope
) -> Part | Rejection:
    faces = objects(body, "FaceInfoList")
    seen = next((face.get("Timestamp") for face in faces), body.get("Timestamp"))
    at = moment(seen, "Timestamp")
    if isinstance(at, Rejection):
        return at
    status = text(match.get("MatchStatus"))
    person = match.get("MatchPersonInfo")
    code = text(person.get("PersonCode")) if isinstance(person, dict) else None
    reading = FaceSeen(
        person=(code or text(match.get("MatchPersonID"))) if status == MATCHED else None,
        score=likeness(match.get("Similarity")),
        alive=False if status == NOT_ALIVE else None,
        method="face" if faces or not objects(body, "CardInfoList") else "card",
        **shared(envelope, device, at, id=text(body.get("Seq")) or ""),
    )
    return Part(reading)


def _fits(envelope: Envelope, body: object) -> bool:
    return isinstance(body, dict) and "DeviceCode" in body and "LibMatInfoList" in body


CODEC = Codec(family="uniview", decode=decode, paths=(ROOT,), fits=_fits)
