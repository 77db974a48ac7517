"""What is lost where, and the outages that stand: the memory of `area_outage`. Pure.

Nodes and places are those of `alerts.rules.shared.places`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import RuleState
from alerts.rules.shared.outages import Loss
from alerts.rules.shared.places import is_area, name_of

# Alertmanager's defaults for a group: wait for the rest of it, then tell changes (group_wait,
# group_interval).
WAIT = timedelta(seconds=30)
UPDATE = timedelta(minutes=5)


class Incident(msgspec.Struct, frozen=True):
    """An outage that stands."""

    devices: int  # still lost
    told: datetime  # when it was last spoken of
    tell: datetime | None = None  # when to tell how it has changed since
    revised: bool = False  # it has been told once how it changed


class OutageState(RuleState, frozen=True):
    """What is lost in town, and the outages that stand."""

    heard: dict[str, int] = {}  # place -> devices heard there before
    lost: dict[str, dict[str, Loss]] = {}  # place -> devices lost there
    gateways: frozenset[str] = frozenset()  # those that are lost
    incidents: dict[str, Incident] = {}  # by node
    look: datetime | None = None  # when new losses are judged
    patient: bool = False  # not before: they lie in several places


def is_down(node: str, state: OutageState) -> bool:
    """Is this a gateway that is lost itself?"""
    return not is_area(node) and name_of(node) in state.gateways


def counted(state: OutageState, node: str, change: int, now: datetime) -> OutageState:
    """The state with one device more (or -1: fewer) in an incident."""
    incident = state.incidents[node]
    again = incident.told + UPDATE if incident.revised else now
    tell = incident.tell or max(again, now + WAIT)
    changed = replace(incident, devices=incident.devices + change, tell=tell)
    return replace(state, incidents={**state.incidents, node: changed})


def told_in(state: OutageState, node: str) -> list[Loss]:
    """The devices that an incident tells of, in the order they were lost."""
    found = (loss for own in state.lost.values() for loss in own.values() if loss.incident == node)
    return sorted(found, key=lambda loss: (loss.at, loss.device))


def told_elsewhere(state: OutageState, devices: Iterable[str], incident: str | None) -> OutageState:
    """The state with these devices told of in another incident, or (None) in none."""
    moved = frozenset(devices)
    lost = {
        place: {
            device: replace(loss, incident=incident) if device in moved else loss
            for device, loss in own.items()
        }
        for place, own in state.lost.items()
    }
    return replace(state, lost=lost)
