"""Contract v1: our own format, on `carewatch/v1/{site}/{kind}/{device}`.

One typed pass decodes and checks a message (the wire types are `devices.contract.messages`);
only a faulty one is looked at a second time, to name what is wrong with it. A message without an
id that can be read gets one from its content; of a press no other field is needed either.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from core.refusal import Wrong, refusal
from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, nothing, refused
from devices.codecs.faults import first_fault
from devices.codecs.times import from_unix, read_time, to_utc
from devices.contract.messages import (
    MAX_BYTES,
    MESSAGES,
    ContractMessage,
    DoorMessage,
    FaceMessage,
    PositionMessage,
    SosMessage,
    StatusMessage,
    VisitMessage,
)
from devices.envelope import Envelope
from devices.readings import (
    KINDS,
    DeviceStatus,
    DoorMoved,
    FaceSeen,
    Position,
    Reason,
    Rejection,
    SosPressed,
    VisitMarked,
)
from devices.redaction import count_private
from devices.topics import ANSWER, CONTRACT_ROOT, ContractTopic, contract_topic

HTTP_ROOT = "/ingest/v1/"  # POST /ingest/v1/{site}/{kind}/{device}, for devices without MQTT
LONGEST_ID = 200  # characters, as in the wire types
NO_ID = "\0"  # stands where no id can be read: admission makes one from the content
_ONLY_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")

DIRECTIONS: dict[str, Literal["in", "out"]] = {
    **dict.fromkeys(("in", "enter", "entry"), "in"),
    **dict.fromkeys(("out", "exit", "leave"), "out"),
}

_Said = dict[str, Any]  # the fields that every reading shares


def decode(envelope: Envelope) -> Decoded:
    """The reading of one contract message, or a rejection that names the field at fault."""
    address = address_of(envelope)
    if address is None:
        shape = f"{CONTRACT_ROOT}{{site}}/{{kind}}/{{device}}"
        return refused(Reason.UNKNOWN_TOPIC, f"a contract topic is {shape}")
    read = _DECODE.get(address.kind)
    if address.kind == ANSWER:
        return nothing("an answer to a device")
    if read is None:
        known = ", ".join(KINDS)
        return refused(Reason.UNKNOWN_KIND, f'kind "{address.kind[:40]}" is none of: {known}')
    if len(envelope.payload) > MAX_BYTES:
        return refused(Reason.TOO_LARGE, f"{len(envelope.payload)} bytes; at most {MAX_BYTES}")
    try:
        message = read(envelope.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _faulty(envelope, address)
    part = _part(message, envelope, address)
    if address.kind != "face":
        return Decoded((part,))
    return Decoded((part,), redacted=count_private(msgspec.json.decode(envelope.payload)))


def address_of(envelope: Envelope) -> ContractTopic | None:
    """The parts of the contract topic, or of the HTTP path that stands for one; None elsewhere."""
    if envelope.http is None:
        return contract_topic(envelope.topic)
    path = envelope.http.path.partition("?")[0]
    return contract_topic(CONTRACT_ROOT + path.removeprefix(HTTP_ROOT))


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    """A device registered on the topic of any one kind sends all six under its own name."""
    address = address_of(envelope)
    site = address.site if address else ""
    return tuple(f"{CONTRACT_ROOT}{site}/{kind}/{name}" for kind in KINDS)


# ------------------------------------------------------------------ from wire type to reading


def _part(message: ContractMessage, envelope: Envelope, address: ContractTopic) -> Part:
    said = {
        "device": address.device,
        "id": message.id,
        "observed_at": _moment(message.at),
        "received_at": envelope.received_at,
        "battery": message.battery,
        "replayed": message.replayed is True,
    }
    return _READING[address.kind](message, said)


def _moment(at: datetime | float) -> datetime:
    if not isinstance(at, datetime):
        return from_unix(at)
    return at if at.tzinfo is UTC or at.tzinfo is None else to_utc(at)


def _position(m: PositionMessage, said: _Said) -> Part:
    reading = Position(
        lat=m.lat, lon=m.lon, accuracy=m.accuracy, speed=m.speed, mock=bool(m.mock), **said
    )
    return Part(reading, datum=m.datum)


def _door(m: DoorMessage, said: _Said) -> Part:
    return Part(DoorMoved(open=m.open, tamper=m.tamper, **said))


def _sos(m: SosMessage, said: _Said) -> Part:
    return Part(SosPressed(press=m.press or "short", lat=m.lat, lon=m.lon, **said))


def _face(m: FaceMessage, said: _Said) -> Part:
    reading = FaceSeen(
        person=m.person or None,
        score=m.score,
        alive=m.alive,
        method=m.method or "face",
        direction=DIRECTIONS.get((m.direction or "").casefold()),
        **said,
    )
    return Part(reading)


def _visit(m: VisitMessage, said: _Said) -> Part:
    reading = VisitMarked(
        action=m.action, client=m.client, rating=m.rating, evidence=m.evidence, **said
    )
    return Part(reading)


def _status(m: StatusMessage, said: _Said) -> Part:
    reading = DeviceStatus(
        online=m.online, signal=m.signal, firmware=m.firmware, fault=m.fault or None, **said
    )
    return Part(reading)


_READING: dict[str, Callable[[Any, _Said], Part]] = {
    "position": _position,
    "door": _door,
    "sos": _sos,
    "face": _face,
    "visit": _visit,
    "status": _status,
}
_DECODE: dict[str, Callable[[bytes], ContractMessage]] = {
    kind: msgspec.json.Decoder(wire).decode for kind, wire in MESSAGES.items()
}

# ------------------------------------------------------------------ what is wrong with a message


def _faulty(envelope: Envelope, address: ContractTopic) -> Decoded:
    """What can be read of a message that is not as it should be, and each fault beside it."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    faults: list[Rejection] = []
    written, body = body, _with_time(_with_id(body, faults))
    if address.kind == "sos":
        return _pressed_all_the_same(envelope, address, body, faults)
    if body is written:
        return Decoded((first_fault(body, MESSAGES[address.kind])[1],))
    try:
        message = msgspec.convert(body, MESSAGES[address.kind])
    except msgspec.ValidationError:
        return Decoded((first_fault(body, MESSAGES[address.kind])[1],))
    return Decoded((_named_anew(_part(message, envelope, address)), *faults))


def every_fault(body: JsonObject, kind: str) -> tuple[Wrong, ...]:
    """All that the contract finds wrong with a message of a kind, field by field; none where it
    can be read."""
    written, faults = body, list[Rejection]()
    body = _with_time(_with_id(body, faults))
    of_id = (Wrong(("id",), fault.detail) for fault in faults)
    try:
        msgspec.convert(body, MESSAGES[kind])
    except msgspec.ValidationError:
        return (*of_id, *refusal(body, MESSAGES[kind], hidden=None))
    return tuple(of_id) if body is not written else ()


def _named_anew(part: Part) -> Part:
    """With the id left to admission where the message has none."""
    if part.said.id != NO_ID:
        return part
    return replace(part, said=replace(part.said, id=""))


def _with_id(body: JsonObject, faults: list[Rejection]) -> JsonObject:
    """With `NO_ID` where there is none that can be read; an id that is none of ours is a fault."""
    written = body.get("id")
    if isinstance(written, str) and 0 < len(written) <= LONGEST_ID:
        return body
    if written not in (None, ""):
        faults.append(Rejection(Reason.BAD_VALUE, f"id is a text of 1-{LONGEST_ID} characters"))
    return {**body, "id": NO_ID}


def _with_time(body: JsonObject) -> JsonObject:
    """With a time that RFC 3339 does not know and people do (`+8:00`, second 60) as it is meant."""
    written = body.get("at")
    if not isinstance(written, str) or _ONLY_NUMBER.fullmatch(written.strip()):
        return body
    read = read_time(written)
    return body if read is None else {**body, "at": read}


def _pressed_all_the_same(
    envelope: Envelope, address: ContractTopic, body: JsonObject, faults: list[Rejection]
) -> Decoded:
    """A press counts though a field of it is wrong; each wrong field is a rejection beside it."""
    timeless = False
    while True:
        try:
            message = msgspec.convert(body, SosMessage)
        except msgspec.ValidationError:
            field, fault = first_fault(body, SosMessage)
            faults.append(fault)
            timeless = timeless or field == "at"
            body = {**body, "at": 0} if field == "at" else _without(body, field)
            continue
        part = _named_anew(_part(message, envelope, address))
        if timeless:
            part = replace(part, said=replace(part.said, observed_at=None))
        return Decoded((part, *faults))


def _without(body: JsonObject, field: str) -> JsonObject:
    """Without one field; without all but what a press must have where none is named."""
    kept = {key: value for key, value in body.items() if key != field}
    return kept if len(kept) < len(body) else {key: body[key] for key in ("id", "at")}


CODEC = Codec(
    family="contract",
    decode=decode,
    topics=("carewatch/#",),
    paths=(HTTP_ROOT,),
    siblings=_siblings,
)
