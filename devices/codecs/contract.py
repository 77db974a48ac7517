"""Contract v1: our own format, on `carewatch/v1/{site}/{kind}/{device}`.

One typed pass decodes and checks a message (the wire types are `devices.contract.messages`);
only a faulty one is looked at a second time, to name what is wrong with it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, refused
from devices.codecs.faults import first_fault
from devices.codecs.times import from_unix, to_utc
from devices.contract.messages import (
    MAX_BYTES,
    MESSAGES,
    DoorMessage,
    FaceMessage,
    Message,
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
from devices.topics import CONTRACT_ROOT, ContractTopic, contract_topic

HTTP_ROOT = "/ingest/v1/"  # POST /ingest/v1/{site}/{kind}/{device}, for devices without MQTT
OPTIONAL_OF_SOS = ("battery", "replayed", "press", "lat", "lon")

DIRECTIONS: dict[str, Literal["in", "out"]] = {
    **dict.fromkeys(("in", "enter", "entry"), "in"),
    **dict.fromkeys(("out", "exit", "leave"), "out"),
}

_Said = dict[str, Any]  # the fields that every reading shares


def decode(envelope: Envelope) -> Decoded:
    """The reading of one contract message, or a rejection that names the field at fault."""
    address = _address(envelope)
    if address is None:
        shape = f"{CONTRACT_ROOT}{{site}}/{{kind}}/{{device}}"
        return refused(Reason.UNKNOWN_TOPIC, f"a contract topic is {shape}")
    read = _DECODE.get(address.kind)
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


def _address(envelope: Envelope) -> ContractTopic | None:
    if envelope.http is None:
        return contract_topic(envelope.topic)
    path = envelope.http.path.partition("?")[0]
    return contract_topic(CONTRACT_ROOT + path.removeprefix(HTTP_ROOT))


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    """A device registered on the topic of any one kind sends all six under its own name."""
    address = _address(envelope)
    site = address.site if address else ""
    return tuple(f"{CONTRACT_ROOT}{site}/{kind}/{name}" for kind in KINDS)


# ------------------------------------------------------------------ from wire type to reading


def _part(message: Message, envelope: Envelope, address: ContractTopic) -> Part:
    said = {
        "device": address.device,
        "id": message.id,
        "observed_at": _moment(message.at),
        "received_at": envelope.received_at,
        "battery": message.battery,
        "replayed": bool(message.replayed),
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
_DECODE: dict[str, Callable[[bytes], Message]] = {
    kind: msgspec.json.Decoder(wire).decode for kind, wire in MESSAGES.items()
}

# ------------------------------------------------------------------ what is wrong with a message


def _faulty(envelope: Envelope, address: ContractTopic) -> Decoded:
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    if address.kind == "sos":
        return _pressed_all_the_same(envelope, address, body)
    _, fault = first_fault(body, MESSAGES[address.kind])
    return Decoded((fault,))


def _pressed_all_the_same(envelope: Envelope, address: ContractTopic, body: JsonObject) -> Decoded:
    """A press counts though a lesser field of it is wrong; each wrong field is a rejection."""
    faults: list[Part | Rejection] = []
    for _ in OPTIONAL_OF_SOS:
        try:
            message = msgspec.convert(body, SosMessage)
            return Decoded((_part(message, envelope, address), *faults))
        except msgspec.ValidationError:
            field, fault = first_fault(body, SosMessage)
            faults.append(fault)
            if field not in OPTIONAL_OF_SOS:
                break
            body = {key: value for key, value in body.items() if key != field}
    return Decoded(tuple(faults[-1:]))


CODEC = Codec(
    family="contract",
    decode=decode,
    topics=("carewatch/#",),
    paths=(HTTP_ROOT,),
    siblings=_siblings,
)
