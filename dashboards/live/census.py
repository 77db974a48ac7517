"""Which devices are alive, and which clients have a button that works. Pure.

A device counts as online while it was heard of within its supervision time: twice the interval
its kind declares (phone 5 min while on duty, terminal 2.5 min, battery sensors and buttons
12.5 h), which are the times the rule `device_silent` starts from. One never heard of is not
installed yet: it is not commissioned, and does not count as silent.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from core.shelf import Shelf
from dashboards.scope import Scope, sees_subject
from devices.directory import Client, Device, Directory
from devices.subject import Subject

MINUTES: Mapping[str | None, int] = {"phone": 10, "terminal": 5, "door": 1500, "sos": 1500}
OTHERWISE = 1500  # minutes, for a sensor or a device of no stated kind


class Signs(msgspec.Struct, frozen=True):
    """What was heard of the devices, at one moment."""

    heard: Shelf[datetime]  # device id -> last word, whatever it said
    gone: frozenset[str]  # devices whose last word was that they go
    now: datetime

    def online(self, device: Device) -> bool:
        """Return True if a device was heard of within its supervision time, and has not gone."""
        last = self.heard.get(device.id)
        if last is None or device.id in self.gone:
            return False
        minutes = MINUTES.get(device.kind, OTHERWISE)
        return self.now - last <= timedelta(minutes=minutes)


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """The count at one moment."""

    at: datetime | None = None
    online: int = 0
    commissioned: int = 0  # once heard of; in maintenance, and phones off duty, left out
    clients: int = 0  # not away
    covered: int = 0  # of them, with a button online
    uncovered: dict[str, int] = {}  # area id -> clients without one


def due(census: Census, now: datetime, devices: int) -> bool:
    """Return True if a count is due: every 5 s, less often the larger the town (50 s for a
    million)."""
    return census.at is None or now - census.at >= timedelta(seconds=max(5, devices // 20_000))


def take(directory: Directory, signs: Signs, *, scope: Scope, duty: frozenset[str]) -> Census:
    """Count the devices and clients that the scope shows."""
    online = commissioned = 0
    covered: set[Subject] = set()
    for device in directory.devices:
        if signs.heard.get(device.id) is None or not _counts(directory, device, scope, duty):
            continue
        commissioned += 1
        if not signs.online(device):
            continue
        online += 1
        if device.kind == "sos":
            covered.add(device.subject)
    now = signs.now
    active = [client for client in directory.clients if _active(directory, client, scope, now)]
    missing = [client for client in active if Subject("client", client.id) not in covered]
    return Census(
        at=now,
        online=online,
        commissioned=commissioned,
        clients=len(active),
        covered=len(active) - len(missing),
        uncovered=dict(Counter(client.area or "" for client in missing)),
    )


class Silent(msgspec.Struct, frozen=True):
    """A device that is not online."""

    id: str
    kind: str
    heard: datetime | None  # None: never


def silent(
    directory: Directory, signs: Signs, *, scope: Scope, duty: frozenset[str]
) -> list[Silent]:
    """Return the devices that are not online, the longest silent first; those never
    heard of last."""
    found = [
        Silent(device.id, device.kind or "", signs.heard.get(device.id))
        for device in directory.devices
        if not signs.online(device) and _counts(directory, device, scope, duty)
    ]
    return sorted(found, key=lambda one: (one.heard is None, one.heard or signs.now, one.id))


def _counts(directory: Directory, device: Device, scope: Scope, duty: frozenset[str]) -> bool:
    if device.maintenance:
        return False
    subject = device.subject
    if subject.kind == "caregiver":  # duty already holds only whom the scope shows
        return subject.id in duty
    return scope.whole or sees_subject(scope, directory, subject)


def _active(directory: Directory, client: Client, scope: Scope, now: datetime) -> bool:
    if any(away.from_ <= now < away.until for away in client.away):
        return False
    return scope.whole or sees_subject(scope, directory, Subject("client", client.id))
