"""Whose account an announcement came from, and whether it may announce what it names. Pure.

A broker does not say who published. But its rights do: a device may announce under its own name and
on its own topics (`devices.device_rights`), so the topic of an announcement tells the account. What
no device may publish on comes from an account of the operator's, a bridge or an integration.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from devices.device_rights import rights_of
from devices.directory import Device, Directory
from devices.discovery.announced import Owned
from devices.discovery.announcement import Announcement, Entity
from devices.readings import Reason, Rejection
from devices.topics import matches, parents


def owned(said: Announcement, directory: Directory | None) -> Owned | Rejection:
    """Return an announcement with its owner; a Rejection where it names what is another's.

    Topics that only say whether a device is there are left out where they are another's: a device
    behind a bridge names the bridge's.
    """
    accounts = list(_accounts(said.topic, directory)) if directory is not None else []
    if not accounts:
        return Owned(said)
    for device in accounts:
        if all(_may(device, topic) for entity in said.entities for topic in entity.topics):
            entities = tuple(_within(entity, device) for entity in said.entities)
            return Owned(replace(said, entities=entities), device.id)
    first = accounts[0]
    spoken = (topic for entity in said.entities for topic in entity.topics)
    foreign = next(topic for topic in spoken if not _may(first, topic))
    return Rejection(
        Reason.BAD_VALUE,
        f"device {first.id!r} announces {foreign[:120]!r}, where it may not publish:"
        " a device announces its own topics",
    )


def _accounts(topic: str, directory: Directory) -> Iterator[Device]:
    """The devices that may publish on a topic: by their names in it, by those above it."""
    seen: set[str] = set()
    levels = topic.split("/")
    for device in (*_named(levels, directory), *_above(topic, levels, directory)):
        if device.id not in seen and _may(device, topic):
            seen.add(device.id)
            yield device


def _named(levels: list[str], directory: Directory) -> Iterator[Device]:
    for level in levels:
        keys = (level, *directory.on_node(level))
        yield from (device for key in keys if (device := directory.devices.get(key)) is not None)


def _above(topic: str, levels: list[str], directory: Directory) -> Iterator[Device]:
    """Who is registered above a topic; a bridge under whose base it stands."""
    bridges = (f"{levels[0]}/bridge/{each}" for each in ("state", "info"))
    for place in (topic, *parents(topic), *bridges):
        device = directory.device_on(place)
        if device is not None:
            yield device


def _may(device: Device, topic: str) -> bool:
    return any(matches(each, topic) for each in rights_of(device.id, device.topic).speaks)


def _within(entity: Entity, device: Device) -> Entity:
    own = tuple(each for each in entity.availability if _may(device, each.topic))
    return entity if own == entity.availability else replace(entity, availability=own)
