"""What is lost where, and the open outages: the memory of `area_outage`. Pure.

Nodes and places are those of `alerts.rules.shared.places`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import RuleState
from alerts.rules.shared.outages import Loss
from alerts.rules.shared.places import is_area, name_of

# Alertmanager's defaults for a group: wait for the rest of it, then report changes (group_wait,
# group_interval).
WAIT = timedelta(seconds=30)
UPDATE = timedelta(minutes=5)


class Incident(msgspec.Struct, frozen=True):
    """An open outage."""

    devices: int  # still lost
    found_at: datetime = msgspec.field(name="told")  # when the last finding on it was made
    due: datetime | None = msgspec.field(name="tell", default=None)  # of the next finding
    revised: bool = False  # one finding has revised it


class OutageState(RuleState, frozen=True):
    """What is lost in town, and the open outages."""

    heard: dict[str, int] = {}  # place -> devices heard there before
    lost: dict[str, dict[str, Loss]] = {}  # place -> devices lost there
    gateways: frozenset[str] = frozenset()  # those that are lost
    incidents: dict[str, Incident] = {}  # by node
    look: datetime | None = None  # when new losses are judged
    patient: bool = False  # not before: they lie in several places


def is_down(node: str, state: OutageState) -> bool:
    """Return True for a gateway that is lost itself."""
    return not is_area(node) and name_of(node) in state.gateways


def counted(state: OutageState, node: str, change: int, now: datetime) -> OutageState:
    """Return the state with one device more (or -1: fewer) in an incident."""
    incident = state.incidents[node]
    again = incident.found_at + UPDATE if incident.revised else now
    due = incident.due or max(again, now + WAIT)
    changed = replace(incident, devices=incident.devices + change, due=due)
    return replace(state, incidents={**state.incidents, node: changed})


def losses_of(state: OutageState, node: str) -> list[Loss]:
    """Return the devices of an incident, in the order they were lost."""
    found = (loss for own in state.lost.values() for loss in own.values() if loss.incident == node)
    return sorted(found, key=lambda loss: (loss.at, loss.device))


def moved_to(incident: str | None, devices: Iterable[str], state: OutageState) -> OutageState:
    """Return the state with these devices in another incident, or (None) in none."""
    moved = frozenset(devices)
    lost = {
        place: {
            device: replace(loss, incident=incident) if device in moved else loss
            for device, loss in own.items()
        }
        for place, own in state.lost.items()
    }
    return replace(state, lost=lost)
