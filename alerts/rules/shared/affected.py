"""Whom a change of the town concerns, for rules that keep one state a device or a person."""

from collections.abc import Iterator

from alerts.rule import Begun, Change
from alerts.town.town import Town
from alerts.types import TownChanged
from devices.directory import DeviceKind
from devices.subject import HolderKind, Subject


def resettled(change: TownChanged) -> bool:
    """Return True if anybody's parameters may have changed: settings, or the areas they go by."""
    plans = change.plans
    return plans.rules is not None or plans.rules_for is not None or bool(change.register.areas)


def devices_of(change: Change, town: Town, *kinds: DeviceKind) -> Iterator[str]:
    """Yield the devices of these kinds to look at again, and all taken out of the register.

    None when the engine starts: states and timers survive a restart; a device never heard has none.
    """
    if isinstance(change, Begun):
        return
    directory, register = town.directory, change.register
    yield from register.removed.get("devices", ())
    if resettled(change):
        yield from (device.id for device in directory.devices if device.kind in kinds)
        return
    yield from (device.id for device in register.devices)
    for client in register.clients:
        held = directory.held_by(Subject("client", client.id))
        yield from (device.id for device in held if device.kind in kinds)


def clients_of(change: Change, town: Town) -> Iterator[str]:
    """Yield the clients ("client:c-1") to look at again: all of them when the engine starts."""
    if isinstance(change, Begun) or resettled(change):
        yield from (str(Subject("client", client.id)) for client in town.directory.clients)
    else:
        yield from (str(Subject("client", client.id)) for client in change.register.clients)
    yield from removed(change, "client")


def residents_of(change: Change, town: Town) -> Iterator[str]:
    """Yield the residents ("resident:r-1") to look at again: all when the engine starts."""
    if isinstance(change, Begun) or resettled(change):
        yield from (str(Subject("resident", resident.id)) for resident in town.directory.residents)
    else:
        yield from (str(Subject("resident", resident.id)) for resident in change.register.residents)
    yield from removed(change, "resident")


def removed(change: Change, kind: HolderKind) -> Iterator[str]:
    """Yield the people of a kind who were taken out of the register."""
    if isinstance(change, TownChanged):
        yield from (str(Subject(kind, key)) for key in change.register.removed.get(f"{kind}s", ()))
