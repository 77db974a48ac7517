"""OwnTracks phones: `owntracks/{user}/{device}` and its sub-topics over MQTT, or POST by HTTP.

Written after the OwnTracks booklet (https://owntracks.org/booklet/tech/json/) and the project's
own JSON Schema (github.com/owntracks/json-schema): what that schema calls a faulty message is
refused. Positions, transitions (which carry one) and last wills are kept. `vel` is km/h, an
`acc` of 0 is unknown, and the `tst` of a last will is the time at which the phone connected.
"""

from devices.codecs.body import JsonObject, json_body
from devices.codecs.codec import Codec, Decoded, Part, as_item, bounded, nothing, shared, where_from
from devices.codecs.fields import (
    KMH,
    accuracy,
    at_least_zero,
    is_placeholder,
    moment,
    moment_or_fault,
    percent,
    place,
    text,
)
from devices.codecs.forms import query
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Ignored, Position, Reason, Rejection
from devices.redaction import count_private
from devices.topics import parents

ROOT = "owntracks/"
SUBTOPICS = (
    *("event", "waypoint", "waypoints", "cmd", "card", "info", "step", "steps", "beacon"),
    *("dump", "status", "request", "response"),
)
_TYPES: dict[str, tuple[str, ...]] = {  # _type -> the fields that the schema requires
    "location": ("lat", "lon", "tst"),
    "transition": ("event", "tst"),
    "cmd": ("action",),
    "steps": ("from", "to", "steps", "tst"),
    "request": ("request",),
}
_WORDS: dict[tuple[str, str], tuple[str, ...]] = {  # (_type, field) -> the words allowed
    ("request", "request"): ("tour", "tours", "untour"),
    ("transition", "event"): ("enter", "leave"),
    ("cmd", "action"): (
        *("action", "clearWaypoints", "dump", "reportLocation", "reportSteps", "response"),
        *("setConfiguration", "setWaypoints", "status", "waypoints"),
    ),
}
_NUMBERS = {
    "location": ("lat", "lon"),
    "transition": ("lat", "lon"),
    "steps": ("from", "to", "steps"),
}


def decode(envelope: Envelope) -> Decoded:
    """The readings of one message; an array is read object by object, in its order."""
    body = json_body(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    objects, more = bounded(body) if isinstance(body, list) else ([body], ())
    if not objects:
        return nothing("an empty batch")
    said = [one for item in objects for one in _said(item, envelope, isinstance(body, list))]
    parts = (*(one for one in said if not isinstance(one, Ignored)), *more)
    ignored = next((one for one in said if isinstance(one, Ignored)), None)
    pictures = b'"image"' in envelope.payload or b'"face"' in envelope.payload
    return Decoded(parts, ignored, count_private(body) if pictures else 0)


def _said(item: object, envelope: Envelope, batch: bool) -> list[Part | Rejection | Ignored]:
    """What one object says; beside a last will, what is wrong with its time."""
    one = _one(item, envelope)
    said = [as_item(one, item) if batch else one]
    if isinstance(item, dict) and item.get("_type") == "lwt" and isinstance(one, Part):
        at = moment(item.get("tst"), "tst")
        fault = at if isinstance(at, Rejection) else None
        if at is None:
            fault = Rejection(Reason.MISSING_FIELD, "tst is missing from lwt")
        said += [fault] if fault else []
    return said


def _one(item: object, envelope: Envelope) -> Part | Rejection | Ignored:
    if not isinstance(item, dict):
        return Rejection(Reason.NOT_AN_OBJECT, "an OwnTracks message is a JSON object")
    kind = item.get("_type")
    if not isinstance(kind, str):
        return Rejection(Reason.MISSING_FIELD, "_type is missing")
    if kind == "encrypted":
        return Rejection(Reason.ENCRYPTED, "OwnTracks payload encryption is on: we have no key")
    fault = _fault(kind, item)
    if fault is not None:
        return fault
    if kind == "location" or (kind == "transition" and _has_place(item)):
        return _position(item, envelope)
    if kind == "lwt":
        return _last_will(item, envelope)
    return Ignored(f"OwnTracks {kind}")


def _fault(kind: str, item: JsonObject) -> Rejection | None:
    """What the schema finds wrong with a message of this type."""
    for field in _TYPES.get(kind, ()):
        value = item.get(field)
        if value is None:
            return Rejection(Reason.MISSING_FIELD, f"{field} is missing from {kind}")
        allowed = _WORDS.get((kind, field))
        if allowed is not None and value not in allowed:
            return Rejection(Reason.BAD_VALUE, f"{field} {str(value)[:40]!r} is unknown")
    for field in _NUMBERS.get(kind, ()):
        if field in item and (
            isinstance(item[field], bool) or not isinstance(item[field], int | float)
        ):
            return Rejection(Reason.BAD_VALUE, f"{field} {str(item[field])[:40]!r} is no number")
    return None


def _has_place(item: JsonObject) -> bool:
    """A beacon's transition comes with 0/0: it says who came near, not where."""
    return bool(item.get("lat") or item.get("lon"))


def _position(item: JsonObject, envelope: Envelope) -> Part | Rejection:
    name, names = _names(item, envelope)
    at = moment(item.get("tst"), "tst")
    if isinstance(at, Rejection):
        return at
    where = place(item.get("lat"), item.get("lon"))
    if isinstance(where, Rejection):
        return where
    reading = Position(
        lat=where[0],
        lon=where[1],
        accuracy=accuracy(item.get("acc")),
        speed=at_least_zero(item.get("vel"), KMH),
        **shared(envelope, name, at, battery=percent(item.get("batt"))),
    )
    return Part(reading, names)


def _last_will(item: JsonObject, envelope: Envelope) -> Part:
    """A will without a time is a will."""
    name, names = _names(item, envelope)
    at, _ = moment_or_fault(item.get("tst"), "tst")
    reading = DeviceStatus(online=False, **shared(envelope, name, at))
    return Part(reading, names)


def _names(item: JsonObject, envelope: Envelope) -> tuple[str, tuple[str, ...]]:
    """What the message calls its phone: by its topic, else by the tracker id."""
    tid = text(item.get("tid"))
    said = [_on_topic(envelope.topic)]
    if "topic" in item:
        said.append(_on_topic(text(item["topic"]) or ""))
    asked = query(envelope) if envelope.http is not None else {}
    if "u" in asked and "d" in asked:
        said.append(f"{asked['u']}/{asked['d']}")
    names = [name for name in said if name and not any(map(is_placeholder, name.split("/")))]
    if tid:
        names.append(f"tid:{tid}")
    best = names[0] if names else said[0] or where_from(envelope)
    return best, tuple(names[1:])


def _on_topic(topic: str) -> str:
    """`user/device` of a topic, whichever sub-topic it is and whatever base it has."""
    levels = topic.removeprefix(ROOT).strip("/").split("/")
    if len(levels) > 2 and levels[-1] in SUBTOPICS:
        levels = levels[:-1]
    return "/".join(levels)


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    return (ROOT + name, *parents(envelope.topic))


def _fits(envelope: Envelope, body: object) -> bool:
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and isinstance(first.get("_type"), str)


CODEC = Codec(
    family="owntracks",
    decode=decode,
    topics=("owntracks/#",),
    paths=("/pub", "/owntracks"),
    fits=_fits,
    siblings=_siblings,
)
