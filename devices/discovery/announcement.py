"""An announcement: what a device says in a discovery message about itself and its entities.

`{prefix}/{component}/[{node}/]{object}/config` announces one entity, `{prefix}/device/{id}/config`
all of a device; an empty payload withdraws it. Names may be abbreviated, `~` at the beginning or
end of a topic stands for the base topic. Written after
https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery and the abbreviations of Home
Assistant's `components/mqtt/abbreviations.py`. Pure; nothing here raises.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from devices.codecs.body import JsonObject, inner, json_object
from devices.discovery.meaning import Meaning, meaning_of
from devices.discovery.template import read_template
from devices.envelope import Envelope
from devices.readings import Reason, Rejection
from devices.topics import CONTRACT_ROOT

LONGEST = 65_536  # bytes of an announcement; a device of 80 entities has some 30,000
MOST_ENTITIES = 200  # of one announcement
LONGEST_TOPIC = 512
LONGEST_NAME = 120
MOST_AVAILABILITY = 8  # topics that say whether one entity is there
DEVICE = "device"  # the component of the form that announces a whole device
PREFIX = "homeassistant"  # unless a device is told otherwise
COMPONENTS = frozenset(
    (
        *("alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "date"),
        *("datetime", DEVICE, "device_automation", "device_tracker", "event", "fan", "humidifier"),
        *("image", "lawn_mower", "light", "lock", "notify", "number", "scene", "select", "sensor"),
        *("siren", "switch", "tag", "text", "time", "update", "vacuum", "valve", "water_heater"),
    )
)
Mode = Literal["all", "any", "latest"]

_FIELDS = {
    "atype": "automation_type",
    "avty": "availability",
    "avty_mode": "availability_mode",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmps": "components",
    "cmd_t": "command_topic",
    "dev": "device",
    "dev_cla": "device_class",
    "json_attr_t": "json_attributes_topic",
    "json_attr": "json_attributes_topic",
    "json_attr_tpl": "json_attributes_template",
    "obj_id": "object_id",
    "p": "platform",
    "pl": "payload",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "stat_t": "state_topic",
    "stype": "subtype",
    "t": "topic",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
_DEVICE_FIELDS = {"ids": "identifiers", "cns": "connections", "mf": "manufacturer", "mdl": "model"}
_SHARED = ("state_topic", "availability", "availability_topic", "availability_mode", "encoding")
_SHARED_ALSO = ("availability_template", "payload_available", "payload_not_available", "~")
# What an announcement has of; anything else on such a topic is some device's own configuration.
_TELLING = frozenset(
    ("state_topic", "topic", "command_topic", "json_attributes_topic", "components", "platform")
)


class Maker(msgspec.Struct, frozen=True):
    """The device that announces, by its own words."""

    id: str  # the first of its identifiers or addresses; "" where it gives none
    name: str = ""
    model: str = ""
    manufacturer: str = ""


class Availability(msgspec.Struct, frozen=True):
    """A topic that says whether an entity is there."""

    topic: str
    available: str = "online"
    not_available: str = "offline"
    template: str = ""


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a device has: a contact, a button, a battery."""

    component: str
    key: str  # what tells it from the others of its device
    name: str
    means: Meaning
    topic: str = ""  # where its state comes
    attributes: str = ""  # where its attributes come; of a tracker, where it is
    template: str = ""
    attributes_template: str = ""
    device_class: str = ""
    unit: str = ""
    on: str = "ON"
    off: str = "OFF"
    trigger: str | None = None  # the one payload that a trigger means; None: any
    action: str = ""  # what a trigger's press is called
    quantity: str = ""  # what it measures, in our words
    availability: tuple[Availability, ...] = ()
    mode: Mode = "latest"

    @property
    def topics(self) -> tuple[str, ...]:
        """Return where it speaks itself."""
        return tuple(dict.fromkeys(t for t in (self.topic, self.attributes) if t))


class Announcement(msgspec.Struct, frozen=True):
    """One discovery message as it was understood."""

    topic: str  # where it was announced
    maker: Maker = Maker("")
    entities: tuple[Entity, ...] = ()
    withdrawn: bool = False
    faults: tuple[Rejection, ...] = ()  # of entities that can't be read; the others count

    @property
    def named(self) -> tuple[str, ...]:
        """Return every topic that it names."""
        told = (t for e in self.entities for t in (*e.topics, *(a.topic for a in e.availability)))
        return tuple(dict.fromkeys(told))


def is_announcement(topic: str) -> bool:
    """Return True if a topic has the shape of those on which devices announce."""
    if not topic.endswith("/config"):
        return False
    levels = topic.split("/")
    return any(levels[-n] in COMPONENTS for n in (3, 4) if len(levels) > n)


def read_announcement(envelope: Envelope) -> Announcement | Rejection | None:
    """Return what is announced; a Rejection where it can't be read.

    None for what is no announcement: a device may keep a configuration on such a topic.
    """
    topic, payload = envelope.topic, envelope.payload
    certain = topic.startswith(f"{PREFIX}/")
    if not payload.strip():
        return Announcement(topic, withdrawn=True)
    if len(payload) > LONGEST:
        if not certain:
            return None
        return Rejection(Reason.TOO_LARGE, f"an announcement of {len(payload)} bytes; {LONGEST}")
    body = json_object(payload)
    if isinstance(body, Rejection):
        return body if certain else None
    fields = _expanded(body, _FIELDS)
    if not certain and not _TELLING & fields.keys():
        return None
    if isinstance(fields.get("components"), dict):
        return _whole_device(topic, fields)
    component, key = _place(topic)
    maker = _maker(fields)
    entity = _entity(component, key, maker, fields)
    if isinstance(entity, Rejection):
        return entity
    return Announcement(topic, maker, (entity,))


def _whole_device(topic: str, fields: JsonObject) -> Announcement | Rejection:
    components = fields["components"]
    if len(components) > MOST_ENTITIES:
        many = f"an announcement of {len(components)} entities; at most {MOST_ENTITIES}"
        return Rejection(Reason.TOO_LARGE, many)
    shared = {name: fields[name] for name in (*_SHARED, *_SHARED_ALSO) if name in fields}
    maker = _maker(fields)
    read = [
        _entity(str(own.get("platform", "")), str(key), maker, shared | own)
        for key, told in components.items()
        if isinstance(told, dict) and len(own := _expanded(told, _FIELDS)) > 1
    ]  # one that names its platform alone is taken back
    entities = tuple(each for each in read if isinstance(each, Entity))
    faults = tuple(each for each in read if isinstance(each, Rejection))
    if faults and not entities:
        return faults[0]
    return Announcement(topic, maker, entities, faults=faults)


def _entity(component: str, key: str, maker: Maker, fields: JsonObject) -> Entity | Rejection:
    if component not in COMPONENTS:
        return Rejection(Reason.UNKNOWN_KIND, f"{key[:60]}: no component {component[:40]!r}")
    base = _text(fields, "~")
    state = _based(_text(fields, "state_topic") or _text(fields, "topic"), base)
    attributes = _based(_text(fields, "json_attributes_topic"), base)
    availability = tuple(_availability(fields, base))
    templates = ("value_template", "json_attributes_template")
    texts = (*(_text(fields, name) for name in templates), *(a.template for a in availability))
    topics = (state, attributes, *(a.topic for a in availability))
    wrong = next((fault for t in topics if t and (fault := _topic_fault(t))), None) or next(
        (why for t in texts if t and isinstance(why := read_template(t), str)), None
    )
    if wrong is not None:
        return Rejection(Reason.BAD_VALUE, f"{component} {key[:60]}: {wrong}")
    name = _text(fields, "name") or _text(fields, "object_id") or key
    device_class, unit = _text(fields, "device_class"), _text(fields, "unit_of_measurement")
    own = key.rpartition("/")[2]  # a node called front_door has lamps too
    words = (own, _text(fields, "object_id"), name.removeprefix(maker.name))
    means, quantity = meaning_of(component, device_class, unit, words)
    if component == "device_automation" and _text(fields, "automation_type") != "trigger":
        means = "context"
    payload = fields.get("payload")
    return Entity(
        component=component,
        key=key[:LONGEST_NAME],
        name=name[:LONGEST_NAME],
        means=means,
        quantity=quantity,
        topic=state,
        attributes=attributes,
        template=texts[0],
        attributes_template=texts[1],
        device_class=device_class[:40],
        unit=unit[:20],
        on=_payload(fields, "payload_on", "ON"),
        off=_payload(fields, "payload_off", "OFF"),
        trigger=str(payload) if isinstance(payload, str | int | float) else None,
        action="_".join(w for n in ("type", "subtype") if (w := _text(fields, n)))[:LONGEST_NAME],
        availability=availability,
        mode=_mode(fields),
    )


def _availability(fields: JsonObject, base: str) -> Iterator[Availability]:
    told = fields.get("availability")
    listed = told[:MOST_AVAILABILITY] if isinstance(told, list) else [told]
    for each in (_expanded(one, _FIELDS) for one in listed if isinstance(one, dict)):
        yield _available(_text(each, "topic"), each, _text(each, "value_template"), base)
    if topic := _text(fields, "availability_topic"):
        yield _available(topic, fields, _text(fields, "availability_template"), base)


def _available(topic: str, fields: JsonObject, template: str, base: str) -> Availability:
    yes = _payload(fields, "payload_available", "online")
    no = _payload(fields, "payload_not_available", "offline")
    return Availability(_based(topic, base), yes, no, template)


def _mode(fields: JsonObject) -> Mode:
    mode = fields.get("availability_mode")
    return mode if mode in ("all", "any") else "latest"


def _maker(fields: JsonObject) -> Maker:
    device = _expanded(inner(fields, "device"), _DEVICE_FIELDS)
    ids = device.get("identifiers")
    first = ids[0] if isinstance(ids, list) and ids else ids
    if not isinstance(first, str | int):
        pairs = device.get("connections")
        pair = pairs[0] if isinstance(pairs, list) and pairs else None
        first = pair[1] if isinstance(pair, list) and len(pair) == 2 else ""
    about = (_text(device, name)[:LONGEST_NAME] for name in ("name", "model", "manufacturer"))
    return Maker(str(first)[:LONGEST_NAME], *about)


def _place(topic: str) -> tuple[str, str]:
    """The component and the key of an entity that is announced by itself."""
    levels = topic.split("/")
    if len(levels) > 4 and levels[-4] in COMPONENTS:
        return levels[-4], f"{levels[-3]}/{levels[-2]}"
    return levels[-3], levels[-2]


def _expanded(fields: Mapping[str, Any], names: Mapping[str, str]) -> JsonObject:
    return {names.get(name, name): value for name, value in fields.items()}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _payload(fields: Mapping[str, Any], name: str, usual: str) -> str:
    """A payload to compare with, as Home Assistant makes it text: `false` is "False"."""
    value = fields.get(name)
    return str(value) if isinstance(value, str | bool | int | float) else usual


def _based(topic: str, base: str) -> str:
    if not base or not topic:
        return topic
    if topic[0] == "~":
        return base + topic[1:]
    return topic[:-1] + base if topic[-1] == "~" else topic


def _topic_fault(topic: str) -> str | None:
    if len(topic) > LONGEST_TOPIC or any(sign in topic for sign in "+#\0"):
        return f"{topic[:60]!r} is no topic to speak on"
    if topic.startswith(("$", CONTRACT_ROOT, "carewatch/")):
        return f"{topic[:60]!r} can't be announced: the contract and services speak there"
    return None
