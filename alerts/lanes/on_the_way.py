"""Who is on the way to an alert, and whether their phone says that they have come. Pure.

A person of the staff who is also a caregiver of the register carries a phone that tells
positions. Nobody's phone is asked for more than it tells anyway.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from alerts.town.geometry import metres
from devices.directory import Circle, Directory
from devices.readings import Position

VAGUE = 100.0  # metres of accuracy; a vaguer fix, or one of unknown accuracy, says nothing


class Way(msgspec.Struct, frozen=True):
    """One person going to one alert."""

    alert: str
    person: str
    caregiver: str  # who they are in the register, if they are there at all
    since: datetime  # "I'm going"
    to: Circle


class Ways:
    """The ways under way, by the phone that will tell of the arrival."""

    def __init__(self) -> None:
        self._of_phone: dict[str, dict[str, Way]] = {}  # device -> alert -> way

    def __bool__(self) -> bool:
        return bool(self._of_phone)

    def begin(self, way: Way, directory: Directory) -> None:
        """Somebody is going. Where no phone tells of them, only a tap will say that they came."""
        for phone in directory.held_by(f"caregiver:{way.caregiver}"):
            self._of_phone.setdefault(phone.id, {})[way.alert] = way

    def end(self, alert: str) -> None:
        """They have come, or nobody need go any more."""
        for phone, ways in list(self._of_phone.items()):
            ways.pop(alert, None)
            if not ways:
                del self._of_phone[phone]

    def ended_by(self, fix: Position) -> Iterator[Way]:
        """The ways that end with this fix."""
        if fix.mock or not fix.accuracy or fix.accuracy > VAGUE:
            return
        for way in self._of_phone.get(fix.device, {}).values():
            distance = metres(fix.lat, fix.lon, way.to.lat, way.to.lon)
            if fix.at >= way.since and distance <= way.to.radius:
                yield way


def place_of(subject: str, directory: Directory) -> Circle | None:
    """Where one goes to help: the home of a client, or the facility of a resident."""
    what, _, key = subject.partition(":")
    match what:
        case "client":
            client = directory.clients.get(key)
            return client.home if client else None
        case "resident":
            resident = directory.residents.get(key)
            return place_of(f"facility:{resident.facility}", directory) if resident else None
        case "facility":
            facility = directory.facilities.get(key)
            return facility.home if facility else None
    return None
