"""Admission: from one message to readings of known devices. Pure; the one way into the store.

topic -> codec -> decode -> known device -> sane clock -> sane range -> WGS-84 -> id.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from devices.codecs import UNKNOWN, claimed, recognised
from devices.codecs.body import json_body
from devices.codecs.buttons import press_of
from devices.codecs.codec import ButtonPressed, Codec, Decoded, Part, Switched, where_from
from devices.codecs.times import to_utc
from devices.coordinates import to_wgs84
from devices.directory import Device, Directory
from devices.envelope import Envelope
from devices.readings import (
    Clock,
    DeviceStatus,
    DoorMoved,
    FaceSeen,
    Ignored,
    Position,
    Reading,
    Reason,
    Rejection,
    SosPressed,
)
from devices.topics import parents

AHEAD = timedelta(minutes=2)  # domain.md section 4, Time
QUARANTINE = timedelta(hours=24)
# Before this no device that speaks to us was made: a factory clock (1970, 1980, 2000, a GPS week
# rolled over), not a buffered reading. See docs/decisions/0010-reading-devices.md.
FIRST_SANE = datetime(2010, 1, 1, tzinfo=UTC)
DEFAULT_ZONE = "Asia/Shanghai"
NUL = "\x00"  # PostgreSQL keeps no text that holds it


class Admitted(msgspec.Struct, frozen=True):
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
    codec = claimed(envelope) or _by_form(envelope, directory)
    if codec is None:
        return Admitted(UNKNOWN, rejections=(_unclaimed(envelope, directory),))
    if len(envelope.payload) > codec.max_bytes:
        detail = f"{len(envelope.payload)} bytes; at most {codec.max_bytes}"
        return Admitted(codec.family, rejections=(Rejection(Reason.TOO_LARGE, detail),))
    return _settled(codec, codec.decode(envelope), envelope, directory)


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
    rejections: list[Rejection] = []
    ignored = decoded.ignored
    for number, part in enumerate(decoded.parts):
        outcome = (
            part if isinstance(part, Rejection) else _one(part, number, codec, envelope, directory)
        )
        if isinstance(outcome, Rejection):
            if outcome not in rejections:
                rejections.append(outcome)
        elif isinstance(outcome, Ignored):
            ignored = ignored or outcome
        else:
            readings.append(_distinct(outcome, readings))
    if readings or rejections:
        ignored = None
    elif ignored is None:
        ignored = Ignored("an empty message")
    return Admitted(codec.family, tuple(readings), tuple(rejections), ignored, decoded.redacted)


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
    if isinstance(said, ButtonPressed | Switched):
        judged = _judged(said, device)
        if isinstance(judged, Ignored):
            return judged
        said = judged
    changes = _timed(said, envelope, device, directory)
    if device is not None and device.id != said.device:
        changes["device"] = device.id
    if isinstance(said, Position | SosPressed):
        fault = _place(said, part, device, changes)
        if fault is not None:
            return fault
    if isinstance(said, FaceSeen) and len(part.persons) > 1:
        changes["person"] = _person(part.persons, device, directory)
    if not said.id:
        changes["id"] = _content_id(said, part.content, number, envelope, changes)
    settled = replace(said, **changes) if changes else said
    return _keepable(settled) if _may_hold_nul(envelope) else settled


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
    for topic in _other_topics(names, where, codec, envelope):
        device = directory.device_on(topic)
        if device is not None:
            return device
    return on_topic


def _other_topics(
    names: tuple[str, ...], where: str, codec: Codec, envelope: Envelope
) -> Iterable[str]:
    for name in names:
        yield from codec.siblings(envelope, name)
    yield from parents(where)


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

# ------------------------------------------------------------------ when it was


def clock_of(observed_at: datetime, received_at: datetime) -> Clock:
    """What to think of a device's time. Buffered readings of any age are `ok`."""
    if observed_at < FIRST_SANE:
        return "quarantined"
    if observed_at <= received_at:
        return "ok"
    lead = observed_at - received_at
    if lead > QUARANTINE:
        return "quarantined"
    return "ahead" if lead > AHEAD else "ok"


def _timed(
    said: Reading, envelope: Envelope, device: Device | None, directory: Directory | None
) -> dict[str, Any]:
    """The changes that the times ask for: a naive time placed in its zone, the clock judged."""
    changes: dict[str, Any] = {}
    if envelope.retain and not said.replayed:
        changes["replayed"] = True
    observed = said.observed_at
    if observed is None:
        return changes
    if observed.tzinfo is None:
        observed = changes["observed_at"] = to_utc(
            observed.replace(tzinfo=_zone(device, directory))
        )
    clock = clock_of(observed, envelope.received_at)
    if clock != "ok":
        changes["clock"] = clock
    return changes


def _zone(device: Device | None, directory: Directory | None) -> ZoneInfo:
    if device is not None and device.timezone:
        return ZoneInfo(device.timezone)
    return ZoneInfo(directory.timezone if directory is not None else DEFAULT_ZONE)


# ------------------------------------------------------------------ where it was


def _place(
    said: Position | SosPressed, part: Part, device: Device | None, changes: dict[str, Any]
) -> Rejection | None:
    """Adds the coordinates in WGS-84 to `changes`; a position without a sane place is refused.

    An SOS without one is still an SOS.
    """
    lat, lon = said.lat, said.lon
    fault = _place_fault(lat, lon)
    if fault is not None or lat is None or lon is None:
        if isinstance(said, Position):
            return fault
        changes.update(lat=None, lon=None)
        return None
    datum = part.datum or (device.datum if device is not None else None) or "wgs84"
    if datum != "wgs84":
        lat, lon = to_wgs84(lat, lon, datum)
        if isinstance(said, Position):
            changes["datum"] = datum
    lat, lon = round(lat, 6), round(lon, 6)
    if lat != said.lat or lon != said.lon:
        changes["lat"], changes["lon"] = lat, lon
    return None


def _place_fault(lat: float | None, lon: float | None) -> Rejection | None:
    if lat is None or lon is None:
        return Rejection(Reason.MISSING_FIELD, "half a position: both lat and lon are needed")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return Rejection(Reason.OUT_OF_RANGE, f"lat {lat} lon {lon}: no place on Earth")
    if lat == 0 and lon == 0:
        return Rejection(Reason.BAD_VALUE, "lat 0 lon 0 is what a receiver without a fix sends")
    return None


# ------------------------------------------------------------------ how it is told from others


def _content_id(
    said: Reading, content: bytes | None, number: int, envelope: Envelope, changes: dict[str, Any]
) -> str:
    """An id from device, device time, kind, payload and place in the message.

    The same message delivered again gets the same id, with or without a time of its own; so does
    an item of a batch (`content`) that is sent again in another batch.
    """
    observed = changes.get("observed_at", said.observed_at)
    key = f"{changes.get('device', said.device)}\n{observed}\n{type(said).__name__}\n"
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=12)
    if content is not None:
        digest.update(content)
        return digest.hexdigest()
    digest.update(b"%d\n" % number)
    digest.update(envelope.payload)
    if envelope.http is not None:
        digest.update(envelope.http.path.encode("utf-8", "replace"))
    return digest.hexdigest()


def _distinct(reading: Reading, before: list[Reading]) -> Reading:
    """Two readings of one message that would share a key: the later one's id is numbered."""
    same = sum(1 for other in before if other.id == reading.id and other.device == reading.device)
    return replace(reading, id=f"{reading.id}.{same + 1}") if same else reading


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
