"""Hikvision terminals by ISAPI: events posted as JSON, XML, or multipart with pictures.

`AccessControllerEvent` with major 5 is an event at a door; its minor codes say by what somebody
was known (75 face, 38 finger, 1 card, ...). A grant is `face`; the door's contact (25 open, 26
closed) is `door`; heartbeats are `status`. Written after Hikvision's ISAPI guide for access
control and captured messages.
"""

from typing import Literal
from xml.etree import ElementTree

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, shared, where_from
from devices.codecs.fields import likeness, moment, number, text
from devices.codecs.multipart import BodyPart, body_parts
from devices.envelope import Envelope
from devices.readings import (
    DeviceStatus,
    DoorMoved,
    FaceMethod,
    FaceSeen,
    Ignored,
    Reason,
    Rejection,
)
from devices.redaction import count_private

AT_DOOR = 5  # the major code of what happens at a door
GRANTS: dict[int, FaceMethod] = {
    **dict.fromkeys((1, 2), "card"),
    **dict.fromkeys((38, 40, 43, 46, 69, 72), "finger"),
    **dict.fromkeys((54, 57, 60, 63, 66, 75, 77), "face"),
    101: "pin",
}
FACE_UNKNOWN = 76
DIRECTIONS: dict[str, Literal["in", "out"]] = {  # of attendanceStatus
    **dict.fromkeys(("checkin", "breakin", "overtimein"), "in"),
    **dict.fromkeys(("checkout", "breakout", "overtimeout"), "out"),
}
DOOR_CONTACT = {25: True, 26: False, 27: True, 28: True}  # 27 forced, 28 held open
WRAPPERS = ("EventNotificationAlert", "AccessControllerEvent")  # outer first
BEATS = ("heartbeat", "videoloss")  # a camera's beat is a video loss that is `inactive`
ADDRESSES = ("macAddress", "deviceID", "deviceSerialNo", "ipAddress", "ipv6Address")


def decode(envelope: Envelope) -> Decoded:
    """The event of one post; pictures beside it are counted and left out."""
    parts = body_parts(envelope)
    pictures = sum(part.content_type.startswith("image/") for part in parts)
    texts = [part for part in parts if not part.content_type.startswith("image/")]
    said = [_read(part, envelope) for part in texts]
    ignored = next((one for one in said if isinstance(one, Ignored)), None)
    kept = tuple(one for one in said if not isinstance(one, Ignored))
    if not kept and ignored is None:
        return nothing("no event in it")
    return Decoded(kept, ignored, pictures + sum(_private(part) for part in texts))


def _read(part: BodyPart, envelope: Envelope) -> Part | Rejection | Ignored:
    if part.body.lstrip()[:1] == b"<":
        fields = _from_xml(part.body)
    else:
        fields = json_object(part.body)
        for wrapper in WRAPPERS:
            if isinstance(fields, dict) and isinstance(fields.get(wrapper), dict):
                fields = {**fields, **fields[wrapper]}
    return fields if isinstance(fields, Rejection) else _event(fields, envelope)


def _event(fields: JsonObject, envelope: Envelope) -> Part | Rejection | Ignored:
    kind = text(fields.get("eventType"))
    if kind is None:
        return Rejection(Reason.MISSING_FIELD, "eventType is missing")
    at = moment(fields.get("dateTime"), "dateTime")
    if isinstance(at, Rejection):
        return at
    names = tuple(name for key in ADDRESSES if (name := text(fields.get(key))))
    serial = text(fields.get("serialNo")) or ""
    said = shared(
        envelope,
        names[0] if names else where_from(envelope),
        at,
        id=serial,
        replayed=str(fields.get("currentEvent", "true")).casefold() == "false",
    )
    if kind.casefold() in BEATS:
        return Part(DeviceStatus(online=True, **said), names[1:])
    if kind != "AccessControllerEvent" or number(fields.get("majorEventType")) != AT_DOOR:
        return Ignored(f"ISAPI {kind[:60]}")
    return _at_door(fields, said, names)


def _at_door(
    fields: JsonObject, said: JsonObject, names: tuple[str, ...]
) -> Part | Rejection | Ignored:
    minor = number(fields.get("subEventType"))
    if minor is None:
        return Rejection(Reason.MISSING_FIELD, "subEventType is missing")
    code = int(minor)
    if code in DOOR_CONTACT:
        return Part(DoorMoved(open=DOOR_CONTACT[code], **said), names[1:])
    if code not in GRANTS and code != FACE_UNKNOWN:
        return Ignored(f"access event 5/{code}")
    person = text(fields.get("employeeNoString")) or text(fields.get("employeeNo"))
    reading = FaceSeen(
        person=person if code in GRANTS else None,
        score=likeness(fields.get("similarity")),
        method=GRANTS.get(code, "face"),
        direction=DIRECTIONS.get(str(fields.get("attendanceStatus")).casefold()),
        **said,
    )
    return Part(reading, names[1:])


def _from_xml(body: bytes) -> JsonObject | Rejection:
    """Element names without namespace and their text. No document type: it could hold entities,
    and no UTF-16, in which it would not be seen."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        return Rejection(Reason.BAD_VALUE, "XML with a document type or in UTF-16 is not read")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return Rejection(Reason.NOT_JSON, f"neither JSON nor XML: {error}")
    return {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}


def _private(part: BodyPart) -> int:
    body = json_object(part.body)
    return 0 if isinstance(body, Rejection) else count_private(body)


def _fits(envelope: Envelope, body: object) -> bool:
    if isinstance(body, dict):
        return "eventType" in body or "EventNotificationAlert" in body
    return isinstance(body, str) and ("EventNotificationAlert" in body or '"eventType"' in body)


CODEC = Codec(family="hikvision", decode=decode, fits=_fits)
