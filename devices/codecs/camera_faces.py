"""Faces that camera software recognises: Frigate and Double Take.

Frigate counts scores to 1 and names the camera; Double Take counts to 100 and says the same
recognition on `matches/{name}` and on `cameras/{camera}`: its id makes them one. A face without a
name is still being looked at; somebody nobody knows is called `unknown`. Written after
https://docs.frigate.video/integrations/mqtt and https://github.com/skrashevich/double-take.
"""

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, shared
from devices.codecs.fields import likeness, moment, text
from devices.envelope import Envelope
from devices.readings import FaceSeen, Rejection
from devices.redaction import count_private


def decode(envelope: Envelope) -> Decoded:
    """A sighting for each face, in their order; objects that are no faces are ignored."""
    if envelope.topic.startswith("frigate/") and not envelope.topic.endswith("object_update"):
        return nothing("Frigate's own message")
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    at, camera = moment(body.get("timestamp"), "timestamp"), text(body.get("camera"))
    if isinstance(at, Rejection):
        return Decoded((at,))
    faces = [face for face in _faces(body) if text(face.get("name")) is not None]
    if camera is None or not faces:
        return nothing("no face in it, or nobody matched yet")
    parts = []
    for face in faces:
        person = text(face.get("name"))
        person = None if person and person.casefold() == "unknown" else person
        key = f"{text(body.get('id')) or ''}-{person or 'unknown'}"
        score = likeness(face.get("score", face.get("confidence")))
        said = shared(envelope, camera, at, id=key)
        parts.append(Part(FaceSeen(person=person, score=score, **said), shared=True))
    return Decoded(tuple(parts), redacted=count_private(body))


def _faces(body: JsonObject) -> list[JsonObject]:
    if body.get("type") == "face":
        return [body]
    matches, one = body.get("matches"), body.get("match")
    unknowns = body.get("unknowns", [])
    found = [one] if isinstance(one, dict) else matches if isinstance(matches, list) else []
    strangers = unknowns if isinstance(unknowns, list) else []
    return [face for face in (*found, *strangers) if isinstance(face, dict)]


CODEC = Codec(
    family="camera_faces",
    decode=decode,
    topics=("frigate/#", "double-take/matches/+", "double-take/cameras/+"),
)
