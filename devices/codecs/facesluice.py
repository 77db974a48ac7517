"""MQTT face terminals of the facesluice kind: `mqtt/face/{terminal}/Rec`, `/Snap`, `/Ack`,
`mqtt/face/basic` (coming and going) and `mqtt/face/heartbeat`; or POST to `/Subscribe/...`.

Written after the vendor's "MQTT V1.25" manual and captures of its firmware: `persionName` is
theirs, most numbers are text, times are the terminal's local time, PushType 2 and Sendintime 0
mark records sent again or late, `VerifyStatus` 3 is somebody not registered. Pictures, id-card
and phone numbers are counted and left out.
"""

from typing import Any, Literal

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, shared, where_from
from devices.codecs.fields import likeness, moment, text
from devices.envelope import Envelope
from devices.readings import DeviceStatus, FaceSeen, Ignored, Reason, Rejection
from devices.redaction import count_private
from devices.topics import parents

ROOT = "mqtt/face/"
SHARED = frozenset({"basic", "heartbeat"})  # all terminals speak here
RECOGNISED = frozenset({"RecPush", "VerifyPush"})
STRANGER = frozenset({"StrSnapPush", "SnapPush"})
STATUS = {"Online": True, "HeartBeat": True, "Offline": False}
NOT_REGISTERED = "3"  # of VerifyStatus
REPLAY = "2"  # of PushType
BY_CARD = "2"  # of VerfyType: the id card alone
PERSONS = ("personId", "PersonID", "customId", "CustomizeID", "PersonUUID")
RECORDS = ("RecordID", "SnapID", "nRecordIndex")
TIMES = ("time", "CreateTime", "Time")
DIRECTIONS: dict[str, Literal["in", "out"]] = {
    "entr": "in",
    "in": "in",
    "enter": "in",
    "exit": "out",
    "out": "out",
}


def decode(envelope: Envelope) -> Decoded:
    """A record, a stranger's snapshot, a heartbeat, coming or going; the rest is ignored."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    operator = body.get("operator")
    if operator is None and envelope.topic == f"{ROOT}heartbeat":
        operator = "HeartBeat"
    if not isinstance(operator, str):
        return Decoded((Rejection(Reason.MISSING_FIELD, "operator is missing"),))
    redacted = count_private(body)
    info = body.get("info", body)
    read = _face if operator in RECOGNISED | STRANGER else _status if operator in STATUS else None
    if read is None:
        return Decoded(ignored=Ignored(f"terminal message {operator[:60]}"), redacted=redacted)
    if not isinstance(info, dict):
        return Decoded((Rejection(Reason.BAD_VALUE, "info is no object"),), redacted=redacted)
    return Decoded((read(operator, info, body, envelope),), redacted=redacted)


def _face(
    operator: str, info: JsonObject, body: JsonObject, envelope: Envelope
) -> Part | Rejection:
    said = _said(info, body, envelope)
    if isinstance(said, Rejection):
        return said
    known = operator in RECOGNISED and text(info.get("VerifyStatus")) != NOT_REGISTERED
    codes = [text(info.get(key)) for key in PERSONS] if known else []
    persons = tuple(code for code in codes if code and code != "0")
    record = next((number for key in RECORDS if (number := text(info.get(key)))), "")
    said["id"] = f"snap-{record}" if record and operator in STRANGER else record
    said["replayed"] = text(info.get("PushType")) == REPLAY or text(info.get("Sendintime")) == "0"
    reading = FaceSeen(
        person=persons[0] if persons else None,
        score=likeness(info.get("similarity1", info.get("Similarity1"))) if persons else None,
        method="card" if text(info.get("VerfyType")) == BY_CARD else "face",
        direction=DIRECTIONS.get(str(info.get("direction", "")).casefold()),
        **said,
    )
    return Part(reading, _names(info, body, envelope)[1:], persons=persons)


def _status(
    operator: str, info: JsonObject, body: JsonObject, envelope: Envelope
) -> Part | Rejection:
    said = _said(info, body, envelope)
    if isinstance(said, Rejection):
        return said
    return Part(DeviceStatus(online=STATUS[operator], **said), _names(info, body, envelope)[1:])


def _said(info: JsonObject, body: JsonObject, envelope: Envelope) -> dict[str, Any] | Rejection:
    at = moment(next((info[key] for key in TIMES if info.get(key)), None), "time")
    if isinstance(at, Rejection):
        return at
    return shared(envelope, _names(info, body, envelope)[0], at)


def _names(info: JsonObject, body: JsonObject, envelope: Envelope) -> tuple[str, ...]:
    """The terminal's id: in the record, on top of it, or only in the topic."""
    keys = ("facesluiceId", "deviceId", "DeviceID")
    written = [text(place.get(key)) for place in (info, body) for key in keys]
    level = envelope.topic.removeprefix(ROOT).partition("/")[0]
    if envelope.topic.startswith(ROOT) and level not in SHARED:
        written.append(level)
    names = dict.fromkeys(name for name in written if name)
    return tuple(names) or (where_from(envelope),)


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    known = (f"{ROOT}{name}{branch}" for branch in ("/Rec", "/Snap", "", "/rec"))
    return (*known, *parents(envelope.topic))


def _fits(envelope: Envelope, body: object) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("operator"), str):
        return False
    info = body.get("info")
    return isinstance(info, dict) and ("facesluiceId" in info or body["operator"] in RECOGNISED)


CODEC = Codec(
    family="facesluice",
    decode=decode,
    topics=("mqtt/face/#",),
    paths=("/Subscribe/",),
    fits=_fits,
    siblings=_siblings,
)
