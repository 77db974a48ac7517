"""Admission: from one message to readings of known devices. Pure; the one way into the store.

topic -> codec -> decode -> known device -> sane clock -> sane range -> WGS-84 -> id.

What devices announce of themselves (`devices.discovery`) is read here too: an announcement becomes
a value that the caller keeps, and what was announced so far comes in as one.
"""

import operator
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from devices.codecs import UNKNOWN, claimed, family_of, plain_json, recognised, under_base
from devices.codecs.body import json_body
from devices.codecs.buttons import press_of
from devices.codecs.codec import NOBODY, ButtonPressed, Codec, Decoded, Part, Switched, where_from
from devices.codecs.mending import mended
from devices.codecs.multipart import is_multipart
from devices.directory import Device, Directory
from devices.discovery.announced import NOTHING, Announced, Owned
from devices.discovery.announcement import is_announcement
from devices.discovery.understanding import FAMILY, understood
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
from ingest.admission.announcing import taken_in
from ingest.admission.glimpse import glimpsed
from ingest.admission.identity import content_id, distinct
from ingest.admission.plausibility import placed, timed

MAX_BYTES = 4 * 1024 * 1024  # a record with its pictures in base64 comes to 3 MB
MOST_PARTS = 40_000  # commas, tags, lines, ... of a message: some 6,000 positions; 0.2 s to read
SEPARATORS = (b",", b"{", b"[", b"<", b"&", b"\t", b"\n")
UNJUDGED = (ButtonPressed, Switched)
PLACED = (Position, SosPressed)
NUL = "\x00"  # PostgreSQL keeps no text that holds it
MARK = b"\xef\xbb\xbf"  # the byte order mark of UTF-8


class Counted(msgspec.Struct, frozen=True, gc=False):
    """A number by which a device counts what it says; the reading's id, where there is one."""

    device: str
    counter: str  # what it counts: "input-0", "frame", ...
    value: str


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """What became of one message: at least one of readings, rejections and ignored."""

    family: str
    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    ignored: Ignored | None = None
    redacted: int = 0  # private values cut out: pictures, id-card and phone numbers
    counted: tuple[Counted, ...] = ()
    repaired: tuple[str, ...] = ()  # what was mended in the outer form, where that helped
    device: str = ""  # of a message with rejections: who sent it, as far as can be told
    announcement: Owned | None = None  # to be kept, for what it says of the messages that follow


def admit(
    envelope: Envelope, directory: Directory | None, announced: Announced = NOTHING
) -> Admitted:
    """Read one message. Never raises for a bad message: what is wrong comes back as a value.

    With no directory every device is known, under the name that the topic or payload gives it.
    `announced` is what devices have said of themselves so far.
    """
    admitted = _read(envelope, directory, announced)
    is_too_large = any(each.reason is Reason.TOO_LARGE for each in admitted.rejections)
    if not is_too_large or admitted.readings:
        return admitted
    press = glimpsed(envelope)
    if press is None:
        return admitted
    glimpse = _read(press, directory, announced)
    return replace(glimpse, rejections=(*admitted.rejections, *glimpse.rejections))


def _read(envelope: Envelope, directory: Directory | None, announced: Announced) -> Admitted:
    if len(envelope.payload) > MAX_BYTES:
        detail = f"{len(envelope.payload)} bytes; at most {MAX_BYTES}"
        return Admitted(family_of(envelope), rejections=(Rejection(Reason.TOO_LARGE, detail),))
    parts = _parts(envelope)
    if parts > MOST_PARTS:
        detail = f"holds {parts} separators of values; at most {MOST_PARTS}: send it in pieces"
        return Admitted(family_of(envelope), rejections=(Rejection(Reason.TOO_LARGE, detail),))
    if envelope.topic.endswith("/config") and is_announcement(envelope.topic):
        announcing = _announcing(envelope, directory, announced)
        if announcing is not None:
            return announcing
    codec = claimed(envelope)
    if codec is None:
        admitted = _unclaimed(envelope, directory, announced)
    else:
        admitted = _settled(codec, envelope, directory)
        if not admitted.readings:
            admitted = _as_announced(admitted, envelope, directory, announced)
    if admitted.rejections or _noisy(envelope):
        return _storable(_best(admitted, envelope, directory, announced))
    return admitted


def _again(envelope: Envelope, directory: Directory | None, announced: Announced) -> Admitted:
    """Read a mended message, and by another family where its topic only looks like the first's."""
    codec = claimed(envelope)
    if codec is None:
        return _unclaimed(envelope, directory, announced)
    admitted = _settled(codec, envelope, directory)
    if not admitted.readings:
        admitted = _as_announced(admitted, envelope, directory, announced)
    if admitted.readings or directory is None or envelope.http is not None:
        return admitted
    other = _by_form(envelope, directory) if admitted.rejections else None
    return other if other is not None and other.readings else admitted


def _unclaimed(envelope: Envelope, directory: Directory | None, announced: Announced) -> Admitted:
    """A message on no family's usual topic: as announced, under a base topic, by its form, by the
    register."""
    by_word = _by_announcement(envelope, directory, announced)
    if by_word is not None and not by_word.rejections:
        return by_word
    tries = (_under_base, _by_form, _by_register)
    told = (found for each in tries if (found := each(envelope, directory)) is not None)
    first = next(told, None)
    if first is None:
        return Admitted(UNKNOWN, rejections=(_nobody(envelope, directory),))
    if first.readings:
        return first
    return next((found for found in told if found.readings), first)


def _under_base(envelope: Envelope, directory: Directory | None) -> Admitted | None:
    """Read as the family whose topic stands behind some levels of a base of the house's own.

    With a town it must be a registered device's: by its topic, one above, or one beside it.
    """
    found = under_base(envelope.topic)
    if found is None:
        return None
    codec, base = found
    admitted = _settled(codec, envelope, directory, Base(base))
    if directory is None:
        return None if admitted.rejections and not admitted.readings else admitted
    return admitted if admitted.readings or _registered_on(envelope.topic, directory) else None


# ------------------------------------------------------------------ what devices announce


def _announcing(
    envelope: Envelope, directory: Directory | None, announced: Announced
) -> Admitted | None:
    """An announcement, to be kept; None for a message that is none."""
    told = taken_in(envelope, directory, announced)
    if told is None or isinstance(told, Rejection):
        return Admitted(FAMILY, rejections=(told,)) if told is not None else None
    entities, faults = told.said.entities, told.said.faults
    what = "withdrawn" if told.said.withdrawn else f"announces {len(entities)} entities"
    ignored = None if faults else Ignored(what)
    return Admitted(FAMILY, rejections=faults, ignored=ignored, announcement=told)


def _by_announcement(
    envelope: Envelope, directory: Directory | None, announced: Announced
) -> Admitted | None:
    """Read as what was announced on its topic."""
    if announced is NOTHING or envelope.http is not None:
        return None
    decoded = understood(announced, envelope, directory)
    if decoded is None:
        return None
    return _settled(Codec(family=FAMILY, decode=lambda _: decoded), envelope, directory)


def _as_announced(
    admitted: Admitted, envelope: Envelope, directory: Directory | None, announced: Announced
) -> Admitted:
    """The same message as it was announced, where its family makes nothing of it."""
    told = _by_announcement(envelope, directory, announced)
    return told if told is not None and told.readings else admitted


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


def _by_form(envelope: Envelope, directory: Directory | None) -> Admitted | None:
    """Tried only where we expect something: without a town, or on a registered topic."""
    if directory is None or envelope.http or _registered_on(envelope.topic, directory):
        codec = recognised(envelope)
        return _settled(codec, envelope, directory) if codec else None
    return None


def _by_register(envelope: Envelope, directory: Directory | None) -> Admitted | None:
    """What comes on a device's own topic is its word, in whatever names."""
    if directory is None or directory.device_on(where_from(envelope)) is None:
        return None
    return _settled(plain_json.CODEC, envelope, directory)


def _nobody(envelope: Envelope, directory: Directory | None) -> Rejection:
    """Why nobody reads it: broken JSON where we expect some, no form that we know, no device."""
    where = where_from(envelope)
    expected = directory is None or _registered_on(where, directory)
    if expected and envelope.payload.lstrip()[:1] in (b"{", b"["):
        parsed = json_body(envelope.payload)
        if isinstance(parsed, Rejection):
            return parsed
    if directory is not None and expected:
        fault = f"a device is registered at {where[:200]} or above, and no family reads this form"
        return Rejection(Reason.UNKNOWN_TOPIC, fault)
    return Rejection(
        Reason.UNKNOWN_TOPIC, f"no device is registered on {where[:200]}; no family speaks there"
    )


def _registered_on(topic: str, directory: Directory) -> bool:
    return any(directory.device_on(level) for level in (topic, *parents(topic)))


class Base(msgspec.Struct, frozen=True, gc=False):
    """The levels of a base topic in front of a family's usual ones."""

    levels: str = ""  # "home/kitchen/"
    by_name: bool = False  # whether the name of a registered device is enough to be it


NO_BASE = Base(by_name=True)


def _usual(envelope: Envelope, base: Base) -> Envelope:
    """The message as if there were no base topic."""
    if not base.levels:
        return envelope
    return replace(envelope, topic=envelope.topic.removeprefix(base.levels))


def _settled(
    codec: Codec, envelope: Envelope, directory: Directory | None, base: Base = NO_BASE
) -> Admitted:
    decoded = codec.decode(envelope if base is NO_BASE else _usual(envelope, base))
    if decoded.node and directory is not None:
        decoded, base = _of_node(decoded, base, directory)
    readings: list[Reading] = []
    rejections: dict[Rejection, None] = {}  # each said once
    counted: tuple[Counted, ...] = ()
    ignored = decoded.ignored
    for number, part in enumerate(decoded.parts):
        if isinstance(part, Rejection):
            rejections[part] = None
            continue
        outcome = _one(part, number, codec, envelope, directory, base, rejections)
        if part.counter:
            counted += _counted(part, outcome, codec, envelope, directory, base)
        if isinstance(outcome, Rejection):
            rejections[outcome] = None
        elif isinstance(outcome, Ignored):
            ignored = ignored or outcome
        else:
            readings.append(outcome)
            counted += _named_press(part, outcome)
    if decoded.measured and directory is not None:
        readings += _measured(codec, decoded, envelope, directory, base)
    if len(readings) > 1:
        readings = distinct(readings)
    if readings or rejections:
        ignored = None
    elif ignored is None:
        ignored = Ignored("an empty message")
    return Admitted(
        codec.family,
        tuple(readings),
        tuple(rejections),
        ignored,
        decoded.redacted,
        counted,
    )


def _named_press(part: Part, outcome: Reading) -> tuple[Counted, ...]:
    """The id that a device gave a press of no believable time: with it, it is the same press.

    Its time is that of its receipt, so the id alone tells a press that is sent again from another.
    """
    if not isinstance(outcome, SosPressed) or not part.said.id or part.counter:
        return ()
    if outcome.observed_at is not None and outcome.clock != "quarantined":
        return ()
    return (Counted(outcome.device, f"press {outcome.id}", outcome.id),)


def _counted(
    part: Part,
    outcome: Reading | Rejection | Ignored,
    codec: Codec,
    envelope: Envelope,
    directory: Directory | None,
    base: Base,
) -> tuple[Counted, ...]:
    """The number that a part counts by; also of one that says nothing: a count that begins anew."""
    if isinstance(outcome, Rejection) or not part.said.id:
        return ()
    if not isinstance(outcome, Ignored):
        return (Counted(outcome.device, part.counter, outcome.id),)
    known = _device(part, codec, envelope, directory, base) if directory is not None else None
    name = part.said.device if known is None else known.id
    return (Counted(name, part.counter, part.said.id),)


def _of_node(decoded: Decoded, base: Base, directory: Directory) -> tuple[Decoded, Base]:
    """What a node says of itself, for each device that is registered on one of its topics."""
    on_node = directory.on_node(base.levels + decoded.node)
    if not on_node:
        return decoded, base
    parts = (part for part in decoded.parts if isinstance(part, Part))
    named = (replace(p, said=replace(p.said, device=key)) for p in parts for key in on_node)
    return replace(decoded, parts=tuple(named)), replace(base, by_name=True)


def _measured(
    codec: Codec, decoded: Decoded, envelope: Envelope, directory: Directory, base: Base
) -> Iterator[Measured]:
    """What was measured, of devices that are registered to measure. A door's battery chip says
    how warm it is too, and nobody has asked."""
    for number, part in enumerate(decoded.measured):
        device = _device(part, codec, envelope, directory, base)
        if device is None or device.kind != "sensor":
            continue
        reading = _one(part, number, codec, envelope, directory, base, {})
        if isinstance(reading, Measured):
            yield reading


def _one(
    part: Part,
    number: int,
    codec: Codec,
    envelope: Envelope,
    directory: Directory | None,
    base: Base,
    beside: dict[Rejection, None],
) -> Reading | Rejection | Ignored:
    """One part as a reading of a known device, or why it is none.

    What is wrong with a press that counts all the same goes to `beside`.
    """
    device = None
    if directory is not None:
        device = _device(part, codec, envelope, directory, base)
        if device is None:
            return _stranger(part)
    elif part.said.device == NOBODY:
        return _stranger(part)
    said = part.said
    if isinstance(said, UNJUDGED):
        judged = _judged(said, device)
        if isinstance(judged, Ignored):
            return judged
        said = judged
    if part.fault is not None:
        if not isinstance(said, SosPressed):
            return part.fault
        beside[part.fault] = None
    changes = timed(said, envelope, device, directory, codec.zone)
    if device is not None and device.id != said.device:
        changes["device"] = device.id
    if isinstance(said, PLACED):
        nowhere = placed(said, part, device, changes)
        if nowhere is not None:
            if isinstance(said, Position):
                return nowhere
            beside[nowhere] = None
    if isinstance(said, FaceSeen) and len(part.persons) > 1:
        changes["person"] = _person(part.persons, device, directory)
    if not said.id:
        changes["id"] = content_id(said, part.content, number, envelope, changes)
    return replace(said, **changes) if changes else said


def _stranger(part: Part) -> Rejection:
    if part.said.device == NOBODY:
        return Rejection(Reason.MISSING_FIELD, "it does not say which device it is of: no id")
    return Rejection(Reason.UNKNOWN_DEVICE, f'"{part.said.device[:200]}" is not registered')


# ------------------------------------------------------------------ whose it is


def _device(
    part: Part, codec: Codec, envelope: Envelope, directory: Directory, base: Base
) -> Device | None:
    """The registered device: by its own topic, by the name it gives, by a sibling topic.

    Under a base topic a name alone is not enough: whoever may publish there would speak for all.
    """
    where = where_from(envelope)
    on_topic = directory.device_on(where)
    if on_topic is not None and not part.shared:
        return on_topic
    names = (part.said.device, *part.names) if part.names else (part.said.device,)
    by_name = base.by_name or _registered_on(where, directory)
    if by_name:
        for name in names:
            device = directory.devices.get(name)
            if device is not None:
                return device
    siblings = _siblings(names, codec, envelope, base)
    for topic in siblings:
        device = directory.device_on(topic)
        if device is not None:
            return device
    return on_topic or _whatever_case(names if by_name else (), (where, *siblings), directory)


def _siblings(
    names: tuple[str, ...], codec: Codec, envelope: Envelope, base: Base
) -> tuple[str, ...]:
    """The topics under which a device of one of these names may be registered."""
    usual = _usual(envelope, base)
    found = (base.levels + topic for name in names for topic in codec.siblings(usual, name))
    return (*found, *parents(envelope.topic)) if base.levels else tuple(found)


def _whatever_case(
    names: tuple[str, ...], topics: tuple[str, ...], directory: Directory
) -> Device | None:
    """The device whose id or topic is the same but for capitals: makers write EUIs both ways."""
    by_id = (directory.device_like(name) for name in names)
    by_topic = (directory.device_on_like(topic) for topic in topics)
    return next((device for device in (*by_id, *by_topic) if device is not None), None)


def _person(codes: tuple[str, ...], device: Device | None, directory: Directory | None) -> str:
    """The code by which the terminal's facility knows the person; the first when none is known."""
    if device is None or directory is None or device.subject.kind != "facility":
        return codes[0]
    facility = device.subject.id
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

# ------------------------------------------------------------------ a second try


def _noisy(envelope: Envelope) -> bool:
    """Whether the message holds what no text should: a NUL, or a mark of its encoding."""
    payload, http = envelope.payload, envelope.http
    if b"\0" in payload or b"u0000" in payload:
        return True
    if not payload.isascii() and not _is_utf8(payload):
        return True
    return "%00" in http.path if http is not None else NUL in envelope.topic


def _is_utf8(payload: bytes) -> bool:
    if payload[:1] == MARK[:1] and payload.startswith(MARK):
        return False
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _best(
    first: Admitted, envelope: Envelope, directory: Directory | None, announced: Announced
) -> Admitted:
    """The message read again with its outer form mended, where more comes of it."""
    if first.readings and not first.rejections and is_multipart(envelope):
        return first  # its pictures are no text
    whole, repairs = mended(envelope) or (envelope, ())
    if not repairs and (directory is None or envelope.http is not None):
        return first
    again = _again(whole, directory, announced)
    if _says_more(first, again) or not (repairs or _says_more(again, first)):
        return first
    if not repairs:
        return again
    readings = tuple(replace(reading, repaired=repairs) for reading in again.readings)
    return replace(again, readings=readings, repaired=repairs)


def _says_more(one: Admitted, other: Admitted) -> bool:
    """Which of two ways to read a message has more presses, more readings, fewer faults."""
    return _weight(one) > _weight(other)


def _weight(admitted: Admitted) -> tuple[int, int, int, bool]:
    presses = sum(isinstance(reading, SosPressed) for reading in admitted.readings)
    faults = len(admitted.rejections)
    return presses, len(admitted.readings), -faults, not _unreadable(admitted)


def _unreadable(admitted: Admitted) -> bool:
    return any(rejection.reason is Reason.NOT_JSON for rejection in admitted.rejections)


# ------------------------------------------------------------------ what can't be kept


def _storable(admitted: Admitted) -> Admitted:
    """Without texts that PostgreSQL can't keep."""
    kept = [_keepable(reading) for reading in admitted.readings]
    refused = [one for one in kept if isinstance(one, Rejection)]
    if not refused and all(map(operator.is_, kept, admitted.readings)):
        return admitted
    readings = tuple(one for one in kept if not isinstance(one, Rejection))
    rejections = tuple(dict.fromkeys((*admitted.rejections, *refused)))
    return replace(admitted, readings=readings, rejections=rejections)


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
