"""Admission: from one message to readings of known devices. Pure; the one way into the store.

topic -> codec -> decode -> known device -> sane clock -> sane range -> WGS-84 -> id.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from devices.codecs import UNKNOWN, claimed, family_of, recognised
from devices.codecs.body import json_body
from devices.codecs.buttons import press_of
from devices.codecs.codec import ButtonPressed, Codec, Decoded, Part, Switched, where_from
from devices.directory import Device, Directory
from devices.envelope import Envelope
from devices.readings import (
    DeviceStatus,
    DoorMoved,
    FaceSeen,
    Ignored,
    Measured,
    Position,
    Reading,
    Reason,
    Rejection,
    SosPressed,
)
from devices.topics import parents
from ingest.admission.identity import content_id, distinct
from ingest.admission.plausibility import placed, timed

MAX_BYTES = 4 * 1024 * 1024  # a record with its pictures in base64 comes to 3 MB
MOST_PARTS = 40_000  # commas, tags, lines, ... of a message: some 6,000 positions; 0.2 s to read
SEPARATORS = (b",", b"{", b"[", b"<", b"&", b"\t", b"\n")
UNJUDGED = (ButtonPressed, Switched)
PLACED = (Position, SosPressed)
NUL = "\x00"  # PostgreSQL keeps no text that holds it


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """What became of one message: at least one of readings, rejections and ignored."""

    family: str
    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    ignored: Ignored | None = None
    redacted: int = 0  # private values cut out: pictures, id-card and phone numbers


def admit(envelope: Envelope, directory: Directory | None) -> Admitted:
    """Read one message. Never raises for a bad message: what is wrong comes back as a value.

    With no directory every device is known, under the name that the topic or payload gives it.
    """
    if len(envelope.payload) > MAX_BYTES:
        detail = f"{len(envelope.payload)} bytes; at most {MAX_BYTES}"
        return Admitted(family_of(envelope), rejections=(Rejection(Reason.TOO_LARGE, detail),))
    parts = _parts(envelope)
    if parts > MOST_PARTS:
        detail = f"holds {parts} separators of values; at most {MOST_PARTS}: send it in pieces"
        return Admitted(family_of(envelope), rejections=(Rejection(Reason.TOO_LARGE, detail),))
    codec = claimed(envelope) or _by_form(envelope, directory)
    if codec is None:
        return Admitted(UNKNOWN, rejections=(_unclaimed(envelope, directory),))
    return _settled(codec, codec.decode(envelope), envelope, directory)


def _parts(envelope: Envelope) -> int:
    """Return how many values a message may hold, by its separators.

    A multipart body has pictures as bytes in it, where any byte stands everywhere; of that the
    parts count.
    """
    payload = envelope.payload
    if len(payload) <= MOST_PARTS:
        return 0
    if payload.lstrip()[:2] == b"--":
        return payload.count(b"\n--") * 100  # each with its headers
    return sum(map(payload.count, SEPARATORS))


def _by_form(envelope: Envelope, directory: Directory | None) -> Codec | None:
    """Tried only where we expect something: without a town, or on a registered topic."""
    if directory is None or envelope.http or _registered_on(envelope.topic, directory):
        return recognised(envelope)
    return None


def _unclaimed(envelope: Envelope, directory: Directory | None) -> Rejection:
    """Why nobody reads it: the place is unknown, or (without a town) the JSON is broken."""
    if directory is None and envelope.payload.lstrip()[:1] in (b"{", b"["):
        parsed = json_body(envelope.payload)
        if isinstance(parsed, Rejection):
            return parsed
    where = where_from(envelope)[:200]
    return Rejection(
        Reason.UNKNOWN_TOPIC, f"no device is registered on {where}; no family speaks there"
    )


def _registered_on(topic: str, directory: Directory) -> bool:
    return any(directory.device_on(level) for level in (topic, *parents(topic)))


def _settled(
    codec: Codec, decoded: Decoded, envelope: Envelope, directory: Directory | None
) -> Admitted:
    readings: list[Reading] = []
    rejections: dict[Rejection, None] = {}  # each said once
    ignored = decoded.ignored
    for number, part in enumerate(decoded.parts):
        outcome = (
            part if isinstance(part, Rejection) else _one(part, number, codec, envelope, directory)
        )
        if isinstance(outcome, Rejection):
            rejections[outcome] = None
        elif isinstance(outcome, Ignored):
            ignored = ignored or outcome
        else:
            readings.append(outcome)
    if decoded.measured and directory is not None:
        readings += _measured(codec, decoded, envelope, directory)
    if len(readings) > 1:
        readings = distinct(readings)
    if _may_hold_nul(envelope):
        kept = [_keepable(reading) for reading in readings]
        readings = [one for one in kept if not isinstance(one, Rejection)]
        rejections.update((one, None) for one in kept if isinstance(one, Rejection))
    if readings or rejections:
        ignored = None
    elif ignored is None:
        ignored = Ignored("an empty message")
    return Admitted(codec.family, tuple(readings), tuple(rejections), ignored, decoded.redacted)


def _measured(
    codec: Codec, decoded: Decoded, envelope: Envelope, directory: Directory
) -> Iterator[Measured]:
    """What was measured, of devices that are registered to measure. A door's battery chip says
    how warm it is too, and nobody has asked."""
    for number, part in enumerate(decoded.measured):
        device = _device(part, codec, envelope, directory)
        if device is None or device.kind != "sensor":
            continue
        reading = _one(part, number, codec, envelope, directory)
        if isinstance(reading, Measured):
            yield reading


def _one(
    part: Part, number: int, codec: Codec, envelope: Envelope, directory: Directory | None
) -> Reading | Rejection | Ignored:
    """One part as a reading of a known device, or why it is none."""
    device = None
    if directory is not None:
        device = _device(part, codec, envelope, directory)
        if device is None:
            return Rejection(Reason.UNKNOWN_DEVICE, f'"{part.said.device[:200]}" is not registered')
    said = part.said
    if isinstance(said, UNJUDGED):
        judged = _judged(said, device)
        if isinstance(judged, Ignored):
            return judged
        said = judged
    changes = timed(said, envelope, device, directory)
    if device is not None and device.id != said.device:
        changes["device"] = device.id
    if isinstance(said, PLACED):
        fault = placed(said, part, device, changes)
        if fault is not None:
            return fault
    if isinstance(said, FaceSeen) and len(part.persons) > 1:
        changes["person"] = _person(part.persons, device, directory)
    if not said.id:
        changes["id"] = content_id(said, part.content, number, envelope, changes)
    return replace(said, **changes) if changes else said


# ------------------------------------------------------------------ whose it is


def _device(part: Part, codec: Codec, envelope: Envelope, directory: Directory) -> Device | None:
    """The registered device: by its own topic, by the name it gives, by a sibling topic."""
    where = where_from(envelope)
    on_topic = directory.device_on(where)
    if on_topic is not None and not part.shared:
        return on_topic
    names = (part.said.device, *part.names)
    for name in names:
        device = directory.devices.get(name)
        if device is not None:
            return device
    for name in names:
        for topic in codec.siblings(envelope, name):
            device = directory.device_on(topic)
            if device is not None:
                return device
    return on_topic


def _person(codes: tuple[str, ...], device: Device | None, directory: Directory | None) -> str:
    """The code by which the terminal's facility knows the person; the first when none is known."""
    if device is None or directory is None or not device.holder:
        return codes[0]
    facility = device.holder.partition(":")[2]
    known = (code for code in codes if directory.resident_by_face(facility, code))
    return next(known, codes[0])


def _judged(
    said: ButtonPressed | Switched, device: Device | None
) -> SosPressed | DoorMoved | DeviceStatus | Ignored:
    """A press or an input as the register understands it, or else just a sign of life."""
    shared = {name: getattr(said, name) for name in _SHARED}
    if isinstance(said, Switched):
        if device is not None and device.kind == "door":
            return DoorMoved(open=said.on, **shared)
        action = "on" if said.on else "off"
    else:
        action = said.action
    press = press_of(action, device)
    if press is not None:
        return SosPressed(press=press, **shared)
    if said.battery is not None:
        return DeviceStatus(**shared)
    return Ignored(f'"{action[:80]}" of this device means no SOS and no door')


_SHARED = ("device", "id", "observed_at", "received_at", "battery", "replayed")

# ------------------------------------------------------------------ what can't be kept


def _may_hold_nul(envelope: Envelope) -> bool:
    if b"u0000" in envelope.payload or b"\0" in envelope.payload or NUL in envelope.topic:
        return True
    return envelope.http is not None and "%00" in envelope.http.path


def _keepable(reading: Reading) -> Reading | Rejection:
    """PostgreSQL keeps no NUL in a text. A press is kept without it, anything else refused."""
    texts = {
        name: text
        for name in reading.__struct_fields__
        if isinstance(text := getattr(reading, name), str)
    }
    holding = {name: text.replace(NUL, "") for name, text in texts.items() if NUL in text}
    if not holding:
        return reading
    if isinstance(reading, SosPressed):
        return replace(reading, **holding)
    return Rejection(Reason.BAD_VALUE, f"a NUL character in {', '.join(holding)}")
