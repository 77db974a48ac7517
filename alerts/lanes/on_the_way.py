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
from devices.subject import Subject

WORST_ACCURACY = 100.0  # metres; a vaguer fix could lie outside the 150 m of a home and not show it


class Journey(msgspec.Struct, frozen=True):
    """One person going to one alert."""

    alert: str
    person: str
    caregiver: str  # who they are in the register, if they are there at all
    since: datetime  # "I'm going"
    to: Circle


class Journeys:
    """The ways under way, by the phone that will tell of the arrival."""

    def __init__(self) -> None:
        self._of_phone: dict[str, dict[str, Journey]] = {}  # device -> alert -> journey

    def __bool__(self) -> bool:
        return bool(self._of_phone)

    def begin(self, journey: Journey, directory: Directory) -> None:
        """Note that somebody is going. Where no phone reports for them, only a tap ends it."""
        for phone in directory.held_by(Subject("caregiver", journey.caregiver)):
            self._of_phone.setdefault(phone.id, {})[journey.alert] = journey

    def end(self, alert: str) -> None:
        """Forget the journeys to an alert: they have come, or nobody need go any more."""
        for phone, journeys in list(self._of_phone.items()):
            journeys.pop(alert, None)
            if not journeys:
                del self._of_phone[phone]

    def ended_by(self, fix: Position) -> Iterator[Journey]:
        """Yield the journeys that end with this fix."""
        if fix.mock or not fix.accuracy or fix.accuracy > WORST_ACCURACY:
            return
        for journey in self._of_phone.get(fix.device, {}).values():
            distance = metres(fix.lat, fix.lon, journey.to.lat, journey.to.lon)
            if fix.at >= journey.since and distance <= journey.to.radius:
                yield journey
