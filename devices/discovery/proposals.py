"""What announcements let a person register: each announced device, and what it could be. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from devices.directory import DeviceKind, Directory
from devices.discovery.announced import Owned
from devices.discovery.announcement import Entity, Maker
from devices.discovery.meaning import Meaning

LONGEST_ID = 60
_KINDS: dict[Meaning, DeviceKind] = {  # what is offered first where a topic says several things
    "call": "sos",
    "door": "door",
    "press": "sos",
    "position": "phone",
    "switched": "sos",
    "measured": "sensor",
}
_ORDER = tuple(_KINDS)
_NO_ID = re.compile(r"[\s/+#\x00-\x1f\x7f:]+")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One topic of an announced device, and what may be registered on it."""

    topic: str
    name: str
    kind: DeviceKind
    means: Meaning
    id: str  # that is free, and says what it is
    registered: str  # the device that is registered on it; "" where none is


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """An announced device."""

    maker: Maker
    owner: str  # device whose account announced it; "" for an account that is no device's
    withdrawn: bool  # all that it announced
    announced_at: datetime  # the last time
    offers: tuple[Offer, ...]
    also: tuple[str, ...]  # names of what it has besides: its battery, whether it is there


def proposals(
    announced: Iterable[tuple[Owned, datetime]], directory: Directory
) -> tuple[Proposal, ...]:
    """Return the announced devices that can be registered, those announced last first."""
    groups: dict[str, list[tuple[Owned, datetime]]] = {}
    for owned, at in announced:
        groups.setdefault(owned.group, []).append((owned, at))
    found = (_proposal(members, directory) for members in groups.values())
    offered = (each for each in found if each.offers)
    return tuple(sorted(offered, key=lambda each: each.announced_at, reverse=True))


def _proposal(members: list[tuple[Owned, datetime]], directory: Directory) -> Proposal:
    makers = [owned.said.maker for owned, _ in members]
    maker = max(makers, key=lambda each: (bool(each.model), bool(each.name)))
    live = [owned for owned, _ in members if not owned.said.withdrawn]
    entities = [e for owned in live or [own for own, _ in members] for e in owned.said.entities]
    return Proposal(
        maker=maker,
        owner=members[0][0].owner,
        withdrawn=not live,
        announced_at=max(at for _, at in members),
        offers=tuple(_offers(entities, maker, directory)),
        also=tuple(dict.fromkeys(e.name for e in entities if e.means not in _KINDS)),
    )


def _offers(entities: list[Entity], maker: Maker, directory: Directory) -> Iterable[Offer]:
    by_topic: dict[str, Entity] = {}
    for entity in sorted((e for e in entities if e.means in _KINDS), key=_rank):
        topic = entity.attributes if entity.means == "position" else entity.topic
        if topic:
            by_topic.setdefault(topic, entity)
    measured = False
    for topic, entity in by_topic.items():
        if entity.means == "measured":  # one topic is enough: the others are the same sensor's
            if measured:
                continue
            measured = True
        on_topic = directory.device_on(topic)
        kind = _KINDS[entity.means]
        yield Offer(
            topic=topic,
            name=entity.name,
            kind=kind,
            means=entity.means,
            id=_free(kind, maker, entity, directory),
            registered=on_topic.id if on_topic is not None else "",
        )


def _rank(entity: Entity) -> int:
    return _ORDER.index(entity.means)


def _free(kind: DeviceKind, maker: Maker, entity: Entity, directory: Directory) -> str:
    """An id that is not taken: door-kitchen, door-kitchen-2."""
    name = maker.name or entity.name or maker.id or entity.key
    made = f"{kind}-{_NO_ID.sub('-', name).strip('-').casefold()}"[:LONGEST_ID]
    numbers = range(2, len(directory.devices) + 3)
    tries = (made, *(f"{made}-{n}" for n in numbers[:1000]))
    return next((each for each in tries if each not in directory.devices), made)
