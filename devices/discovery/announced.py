"""All that has been announced so far, as one frozen snapshot: who speaks on which topic, of what.

Pure. `changed` gives the next snapshot and leaves this one as it was.
"""

from collections.abc import Iterable

import msgspec

from core.shelf import Shelf
from devices.discovery.announcement import Announcement, Availability, Entity, Maker, Mode

MOST_ON_TOPIC = 64  # entities that one message is read for
MOST_OF_OWNER = 2_000  # announcements of one account; a bridge of 150 devices makes as many
MOST_OF_NOBODY = 50_000  # of accounts that no device has: bridges that the operator runs


class Owned(msgspec.Struct, frozen=True):
    """An announcement, and whose account it came from."""

    said: Announcement
    owner: str = ""  # device id; "" for an account that is no device's
    payload: bytes = b""  # as it came

    @property
    def group(self) -> str:
        """Return what tells its device from others: no account adds to another's device."""
        return f"{self.owner}\n{self.said.maker.id or self.said.topic}"


class Spoken(msgspec.Struct, frozen=True):
    """An entity, and the announcement that it stands in."""

    entity: Entity
    maker: Maker
    group: str
    announced_on: str
    withdrawn: bool


class Presence(msgspec.Struct, frozen=True):
    """What a topic says of whether a device is there."""

    said: Availability
    mode: Mode
    alone: bool  # no other topic says so of the same entity
    group: str
    announced_on: str


class Announced:
    """A frozen snapshot of all announcements, by the topics that they name."""

    __slots__ = ("_by_config", "_by_topic", "_counts", "_groups", "_presence")

    def __init__(self) -> None:
        self._by_config: Shelf[Owned] = Shelf()
        self._by_topic: Shelf[tuple[Spoken, ...]] = Shelf()
        self._presence: Shelf[tuple[Presence, ...]] = Shelf()
        self._groups: Shelf[tuple[str, ...]] = Shelf()  # group -> config topics
        self._counts: Shelf[int] = Shelf()  # owner -> announcements

    def __len__(self) -> int:
        return len(self._by_config)

    def get(self, config: str) -> Owned | None:
        """Return what was announced on a config topic."""
        return self._by_config.get(config)

    def has_room(self, owner: str) -> bool:
        """Return True if this account may announce more."""
        most = MOST_OF_OWNER if owner else MOST_OF_NOBODY
        return (self._counts.get(owner) or 0) < most

    def on(self, topic: str) -> tuple[Spoken, ...]:
        """Return the entities that speak on a topic: those of the device that announced it first.

        What was withdrawn counts where nothing else does: a device that is registered speaks on.
        """
        found = self._by_topic.get(topic) or ()
        if not found:
            return ()
        live = [each for each in found if not each.withdrawn] or found
        group = live[0].group
        return tuple(each for each in live if each.group == group)[:MOST_ON_TOPIC]

    def presence_on(self, topic: str) -> tuple[Presence, ...]:
        """Return which devices a topic says are there."""
        return self._presence.get(topic) or ()

    def topics_of(self, group: str) -> tuple[str, ...]:
        """Return all topics on which a device's entities speak."""
        announced = (self._by_config.get(config) for config in self._groups.get(group) or ())
        entities = (entity for owned in announced if owned for entity in owned.said.entities)
        return tuple(dict.fromkeys(topic for entity in entities for topic in entity.topics))

    def changed(self, news: Iterable[Owned]) -> "Announced":
        """Return the next snapshot; the very same one where nothing is new."""
        change = _Change(self)
        for owned in news:
            change.take(owned)
        return change.done()


NOTHING = Announced()


class _Change:
    """What some announcements change, gathered and then put in at once."""

    def __init__(self, before: Announced) -> None:
        self.before = before
        self.by_config: dict[str, Owned | None] = {}
        self.by_topic: dict[str, tuple[Spoken, ...] | None] = {}
        self.presence: dict[str, tuple[Presence, ...] | None] = {}
        self.groups: dict[str, tuple[str, ...] | None] = {}
        self.counts: dict[str, int | None] = {}

    def take(self, news: Owned) -> None:
        config = news.said.topic
        held = self._held(config)
        if news.said.withdrawn and not news.said.entities:  # a message; a stored one has them
            if held is None or held.said.withdrawn:
                return
            news = Owned(msgspec.structs.replace(held.said, withdrawn=True), held.owner)
        elif held is not None and (held.said, held.owner) == (news.said, news.owner):
            return
        places = self._out(held) if held is not None else {}
        self._in(news, places)
        self.by_config[config] = news

    def done(self) -> Announced:
        if not self.by_config:
            return self.before
        nxt = Announced()
        nxt._by_config = self.before._by_config.changed(self.by_config)
        nxt._by_topic = self.before._by_topic.changed(self.by_topic)
        nxt._presence = self.before._presence.changed(self.presence)
        nxt._groups = self.before._groups.changed(self.groups)
        nxt._counts = self.before._counts.changed(self.counts)
        return nxt

    def _held(self, config: str) -> Owned | None:
        return self.by_config.get(config) or self.before._by_config.get(config)

    def _topic(self, topic: str) -> tuple[Spoken, ...]:
        if topic in self.by_topic:
            return self.by_topic[topic] or ()
        return self.before._by_topic.get(topic) or ()

    def _present(self, topic: str) -> tuple[Presence, ...]:
        if topic in self.presence:
            return self.presence[topic] or ()
        return self.before._presence.get(topic) or ()

    def _group(self, group: str) -> tuple[str, ...]:
        if group in self.groups:
            return self.groups[group] or ()
        return self.before._groups.get(group) or ()

    def _add(self, owner: str, count: int) -> None:
        known = self.counts.get(owner) if owner in self.counts else self.before._counts.get(owner)
        self.counts[owner] = (known or 0) + count

    def _out(self, held: Owned) -> dict[str, int]:
        """Take an announcement out; returns the places at which its entities stood."""
        config = held.said.topic
        places: dict[str, int] = {}
        self._add(held.owner, -1)
        for topic in held.said.named:
            before = self._topic(topic)
            spoken = tuple(s for s in before if s.announced_on != config)
            self.by_topic[topic] = spoken or None
            own = (n for n, each in enumerate(before) if each.announced_on == config)
            places[topic] = next(own, len(spoken))
            present = tuple(p for p in self._present(topic) if p.announced_on != config)
            self.presence[topic] = present or None
        left = tuple(each for each in self._group(held.group) if each != config)
        self.groups[held.group] = left or None
        return places

    def _in(self, owned: Owned, places: dict[str, int]) -> None:
        """Put an announcement in, behind those that were there before it."""
        said, group = owned.said, owned.group
        self._add(owned.owner, 1)
        self.groups[group] = (*self._group(group), said.topic)
        present: dict[str, Presence] = {}
        for entity in said.entities:
            spoken = Spoken(entity, said.maker, group, said.topic, said.withdrawn)
            for topic in entity.topics:
                others = self._topic(topic)
                place = places.get(topic, len(others))
                self.by_topic[topic] = (*others[:place], spoken, *others[place:])
            alone = len(entity.availability) == 1
            for each in entity.availability:
                present[each.topic] = Presence(each, entity.mode, alone, group, said.topic)
        for topic, one in present.items():
            self.presence[topic] = (*self._present(topic), one)
