"""Whom a change of the town concerns, for rules that keep one state a device or a client."""

from collections.abc import Iterator

from alerts.rule import Begun
from alerts.town.town import Town
from alerts.types import TownChanged
from devices.directory import DeviceKind


def resettled(change: TownChanged) -> bool:
    """May the parameters of anybody have changed: settings, or the areas they go by?"""
    plans = change.plans
    return plans.rules is not None or plans.rules_for is not None or bool(change.register.areas)


def devices_of(change: TownChanged | Begun, town: Town, *kinds: DeviceKind) -> Iterator[str]:
    """The devices of these kinds to look at again; those taken out of the register too."""
    if isinstance(change, Begun):
        return  # states and timers survive a restart; a device never heard has none
    directory, register = town.directory, change.register
    yield from register.removed.get("devices", ())
    if resettled(change):
        yield from (device.id for device in directory.devices if device.kind in kinds)
        return
    yield from (device.id for device in register.devices)
    for client in register.clients:
        held = directory.held_by(f"client:{client.id}")
        yield from (device.id for device in held if device.kind in kinds)


def clients_of(change: TownChanged | Begun, town: Town) -> Iterator[str]:
    """The clients ("client:c-1") to look at again: all of them when the engine starts."""
    if isinstance(change, Begun) or resettled(change):
        yield from (f"client:{client.id}" for client in town.directory.clients)
    else:
        yield from (f"client:{client.id}" for client in change.register.clients)
    if isinstance(change, TownChanged):
        yield from (f"client:{key}" for key in change.register.removed.get("clients", ()))
