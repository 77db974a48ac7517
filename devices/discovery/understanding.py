"""What a message says to those who know what was announced: doors, presses, places, batteries.

A message is read for the entities that were announced on its topic. Whose it is the register says:
the device that is registered on that topic; of a battery, a sign of life or a measure any that is
registered on another topic of the same announced device. Pure; nothing here raises.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from devices.codecs.body import JsonObject, json_body
from devices.codecs.buttons import action_of, is_idle
from devices.codecs.codec import ButtonPressed, Decoded, Part, Switched, measured, shared
from devices.codecs.fields import accuracy, at_least_zero, moment_or_fault, percent, place
from devices.codecs.measures import value_of
from devices.directory import Device, Directory
from devices.discovery.announced import Announced, Presence, Spoken
from devices.discovery.announcement import Entity
from devices.discovery.limits import LONGEST_TEXT, Budget, TemplateFault
from devices.discovery.meaning import Meaning, converted
from devices.discovery.template import read_template
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Position, Reason, Rejection, SosPressed

FAMILY = "homeassistant"  # in metrics
MOST_TOLD = 1_000  # devices of which one message says that they are there
UNSAID = frozenset({"", "none", "null", "unknown", "unavailable"})
OF_DEVICE: frozenset[Meaning] = frozenset({"battery", "battery_low", "online", "fault"})
_TIMES = ("last_seen", "timestamp", "time", "tst")


def understood(
    announced: Announced, envelope: Envelope, directory: Directory | None
) -> Decoded | None:
    """Return what a message says, each part under the id of its device.

    None where nothing was announced on its topic, where no entity has a word for it, or where none
    of those that it speaks of is registered.
    """
    topic = envelope.topic
    spoken, presences = announced.on(topic), announced.presence_on(topic)
    if not spoken and not presences:
        return None
    message = _Message(envelope)
    if message.text is None:
        return None
    told = _Telling(announced, directory, message)
    for each in spoken:
        told.entity(each)
    told.presence(presences)
    return told.done()


class _Message:
    """One message as templates see it, with the steps that are left for all of them."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.budget = Budget()
        self.text: str | None = None
        self.faults: list[str] = []
        self._json: Any = _UNREAD
        if len(envelope.payload) <= LONGEST_TEXT:
            try:
                self.text = envelope.payload.decode()
            except UnicodeDecodeError:
                self.text = None

    @property
    def json(self) -> Any:
        if self._json is _UNREAD:
            self._json = json_body(self.envelope.payload)
        return self._json

    def rendered(self, template: str, name: str) -> str | None:
        """What a template makes of the message; None where it can't be worked out."""
        text = self.text or ""
        if not template:
            return text.strip()
        read = read_template(template)
        if isinstance(read, str):  # announced by a release that knew it
            self.faults.append(f"{name}: {read}")
            return None
        values: dict[str, Any] = {"value": text}
        if "value_json" in read.names and not isinstance(self.json, Rejection):
            values["value_json"] = self.json
        try:
            return read.render(values, self.budget)
        except TemplateFault as fault:
            self.faults.append(f"{name}: {fault}")
            return None


_UNREAD = object()


class _Telling:
    """The parts that one message is found to say."""

    def __init__(
        self, announced: Announced, directory: Directory | None, message: _Message
    ) -> None:
        self.announced = announced
        self.directory = directory
        self.message = message
        self.parts: list[Part | Rejection] = []
        self.measured: list[Part] = []
        self.batteries: dict[str, float] = {}  # by device

    def entity(self, spoken: Spoken) -> None:
        """Take in what one entity makes of the message."""
        entity = spoken.entity
        targets = self._targets(spoken)
        if not targets or entity.means == "context":
            return
        if entity.means == "battery":
            text = self.message.rendered(entity.template, entity.name)
            if (battery := percent(text)) is not None:
                self.batteries.update(dict.fromkeys(targets, battery))
            return
        said = shared(self.message.envelope, "")
        found = _SAID[entity.means](entity, self.message, said)
        if found is None:
            return
        for device in targets:
            self._take(found, device)

    def presence(self, presences: tuple[Presence, ...]) -> None:
        """Take in which devices the message says are there, or are not."""
        told: dict[str, bool] = {}
        words: dict[str, str | None] = {}
        for each in presences:
            if len(told) >= MOST_TOLD:
                break
            available = each.said
            if available.template not in words:
                words[available.template] = self.message.rendered(
                    available.template, "availability"
                )
            online = _is_there(each, words[available.template])
            if online is not None:
                told.update(dict.fromkeys(self._members(each.group), online))
        for device, online in told.items():
            status = DeviceStatus(online=online, **shared(self.message.envelope, device))
            self.parts.append(Part(status, shared=True))

    def done(self) -> Decoded | None:
        """Return all that was found; None for nothing at all."""
        parts = [self._with_battery(part) for part in self.parts]
        spoken_for = {part.said.device for part in parts if isinstance(part, Part)}
        for device, battery in self.batteries.items():
            if device not in spoken_for:
                said = shared(self.message.envelope, device, battery=battery)
                parts.append(Part(DeviceStatus(**said), shared=True))
        if parts or self.measured:
            return Decoded(tuple(parts), measured=tuple(self.measured))
        if self.message.faults:
            first = self.message.faults[0][:200]
            return Decoded((Rejection(Reason.BAD_VALUE, f"by its announcement: {first}"),))
        return None

    def _take(self, found: Part | Rejection | tuple[Part, ...], device: str) -> None:
        if isinstance(found, Rejection):
            self.parts.append(found)
        elif isinstance(found, Part):
            self.parts.append(_of(found, device))
        else:
            self.measured += [_of(part, device) for part in found]

    def _with_battery(self, part: Part | Rejection) -> Part | Rejection:
        if not isinstance(part, Part) or part.said.battery is not None:
            return part
        battery = self.batteries.get(part.said.device)
        return part if battery is None else replace(part, said=replace(part.said, battery=battery))

    # -------------------------------------------------------------- whose it is

    def _targets(self, spoken: Spoken) -> tuple[str, ...]:
        """The devices that an entity speaks of."""
        if self.directory is None:
            return (spoken.maker.id or spoken.entity.key,)
        own = self._on(self.message.envelope.topic)
        if own is not None:
            return (own.id,)
        also = [device for topic in spoken.entity.topics if (device := self._on(topic))]
        if also:  # its other topic: a tracker's state and its attributes
            return tuple(device.id for device in also[:1])
        return self._kin(spoken)

    def _kin(self, spoken: Spoken) -> tuple[str, ...]:
        """Those that are registered on other topics of the same announced device."""
        members = self._members(spoken.group)
        means = spoken.entity.means
        if means in OF_DEVICE:
            return members
        wanted = "sensor" if means == "measured" else "sos"
        kin = tuple(each for each in members if self._kind(each) == wanted)
        if means == "measured":
            return kin
        is_press = means in ("press", "call")  # of a button whose presses have a topic each
        return kin if is_press and len(members) == 1 else ()

    def _members(self, group: str) -> tuple[str, ...]:
        if self.directory is None:
            return (group.partition("\n")[2],)
        found = (self._on(topic) for topic in self.announced.topics_of(group))
        return tuple(dict.fromkeys(device.id for device in found if device is not None))

    def _on(self, topic: str) -> Device | None:
        assert self.directory is not None
        return self.directory.device_on(topic) or self.directory.device_on_like(topic)

    def _kind(self, device: str) -> str | None:
        known = self.directory.devices.get(device) if self.directory is not None else None
        return known.kind if known is not None else None


def _of(part: Part, device: str) -> Part:
    return replace(part, said=replace(part.said, device=device), shared=True)


def _is_there(presence: Presence, word: str | None) -> bool | None:
    """Whether a device is there; None where its other topics have a word in it too."""
    if word == presence.said.available:
        return True if presence.alone or presence.mode != "all" else None
    if word == presence.said.not_available:
        return False if presence.alone or presence.mode != "any" else None
    return None


# ------------------------------------------------------------------ what an entity makes of it

Found = Part | Rejection | tuple[Part, ...] | None


def _is_on(entity: Entity, message: _Message) -> bool | None:
    word = message.rendered(entity.template, entity.name)
    return True if word == entity.on else False if word == entity.off else None


def _door(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    is_open = _is_on(entity, message)
    return None if is_open is None else Part(DoorMoved(open=is_open, **said))


def _call(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    return Part(SosPressed(**said)) if _is_on(entity, message) else None


def _switched(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    is_on = _is_on(entity, message)
    return None if is_on is None else Part(Switched(on=is_on, **said))


def _press(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    word = message.rendered(entity.template, entity.name)
    if word is None or word.casefold() in UNSAID:
        return None
    action: str | None = word
    if entity.component == "event":
        body = json_body(word.encode())
        told = body.get("event_type") if isinstance(body, dict) else word
        action = action_of(told)
    elif entity.component == "device_automation":
        if entity.trigger is not None and word != entity.trigger:
            return None
        action = _trigger(entity, word)
    return Part(ButtonPressed(action=action, **said)) if action else None


def _trigger(entity: Entity, word: str) -> str:
    """What a trigger's press is called: by its payload, or by its type where that is no word."""
    is_word = word.isascii() and any(map(str.isalpha, word)) and len(word) <= 60
    letting_go = entity.action and is_idle(entity.action)
    return word if is_word and not letting_go else entity.action or "press"


def _position(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    if message.envelope.topic != entity.attributes:
        return None  # "home" or "not_home" is no place
    body: Any = message.json
    if entity.attributes_template:
        body = json_body((message.rendered(entity.attributes_template, entity.name) or "").encode())
    if not isinstance(body, dict) or "latitude" not in body:
        return None
    found = place(body.get("latitude"), body.get("longitude"))
    if isinstance(found, Rejection):
        return found
    at, fault = moment_or_fault(_first(body, _TIMES), "time")
    said = {
        **said,
        "observed_at": at,
        "battery": percent(_first(body, ("battery_level", "battery"))),
    }
    position = Position(
        lat=found[0],
        lon=found[1],
        accuracy=accuracy(body.get("gps_accuracy")),
        speed=at_least_zero(body.get("speed")),
        **said,
    )
    return Part(position, fault=fault)


def _first(body: JsonObject, names: tuple[str, ...]) -> object:
    return next((body[name] for name in names if body.get(name) not in (None, "")), None)


def _battery_low(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    is_low = _is_on(entity, message)
    return None if is_low is None else Part(DeviceStatus(battery_low=is_low, **said))


def _online(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    is_there = _is_on(entity, message)
    return None if is_there is None else Part(DeviceStatus(online=is_there, **said))


def _fault(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    if not _is_on(entity, message):
        return None
    return Part(DeviceStatus(fault=entity.device_class or entity.key, **said))


def _measured(entity: Entity, message: _Message, said: dict[str, Any]) -> Found:
    quantity = entity.quantity
    if entity.component == "binary_sensor":
        is_on = _is_on(entity, message)
        value = None if is_on is None else float(is_on)
    else:
        value = value_of(quantity, message.rendered(entity.template, entity.name))
        value = None if value is None else converted(quantity, entity.unit, value)
    return None if value is None else measured({quantity: value}, said)


_SAID: dict[Meaning, Callable[[Entity, _Message, dict[str, Any]], Found]] = {
    "door": _door,
    "call": _call,
    "press": _press,
    "switched": _switched,
    "position": _position,
    "battery_low": _battery_low,
    "online": _online,
    "fault": _fault,
    "measured": _measured,
}
