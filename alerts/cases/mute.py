"""Why an alert pages nobody for now: mutes, shelves, maintenance, chattering.

The devices of an area outage need none: `area_outage` covers their silence itself.
Pure. Every mute has an end, a reason and a name. None of it ever touches a life alert.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.figures.alarm_load import CHATTER_COUNT, CHATTER_WINDOW
from alerts.types import Alert, AlertKey, Muted, Severity
from devices.directory import Directory
from devices.subject import Subject

SHELVED_FOR = timedelta(hours=1)
LOOK_AGAIN = timedelta(minutes=10)  # for a reason without an end of its own
OF_DEVICES = ("device_silent", "battery_low")  # rules that speak of a device, not of a person


class Mute(msgspec.Struct, frozen=True):
    """Why nobody is paged, and when to look again."""

    reason: str
    until: datetime


def mute(
    alert: Alert,
    mutes: Iterable[Muted],
    directory: Directory,
    now: datetime,
) -> Mute | None:
    """Return why this alert pages nobody at this moment; None: page. Never for a life alert."""
    if alert.severity is Severity.LIFE:
        return None
    holding = [one for one in mutes if now < one.until and fits(one, alert, directory)]
    if holding:
        longest = max(holding, key=lambda one: one.until)
        by = f" ({longest.person})" if longest.person else ""
        return Mute(f"{longest.reason}{by}", longest.until)
    device = directory.devices.get(device_of(alert) or "")
    if device is not None and device.maintenance:
        return Mute("maintenance", now + LOOK_AGAIN)
    return None


def fits(muted: Muted, alert: Alert, directory: Directory) -> bool:
    """Return True if a mute names this alert's subject, rule and area (with all below it)."""
    return (
        (muted.subject is None or muted.subject == alert.subject)
        and (muted.rule is None or muted.rule == alert.rule)
        and (muted.area is None or muted.area in directory.area_path(alert.area))
    )


def device_of(alert: Alert) -> str | None:
    """Return the device that an alert is about; None where it is about a person or a place."""
    subject = Subject.parse(alert.subject)
    if subject.kind == "device":
        return subject.id
    if alert.rule not in OF_DEVICES:
        return None
    return alert.key or next((fact.device for fact in alert.evidence if fact.device), None)


class Chatter:
    """Counts raises, to shelve what raises again and again within a minute."""

    def __init__(self) -> None:
        self._raised: dict[AlertKey, list[datetime]] = {}

    def heard(self, key: AlertKey, at: datetime) -> bool:
        """Count one more raise, and return True if the alert is chattering now."""
        recent = [t for t in self._raised.get(key, ()) if t > at - CHATTER_WINDOW]
        recent.append(at)
        self._raised[key] = recent
        if len(self._raised) > 10_000:
            self._forget(at)
        return len(recent) >= CHATTER_COUNT

    def _forget(self, at: datetime) -> None:
        self._raised = {
            key: times for key, times in self._raised.items() if times[-1] > at - CHATTER_WINDOW
        }


def shelf(key: AlertKey, at: datetime) -> Muted:
    """Return the service's own mute of a chattering alert, for an hour."""
    return Muted(
        at=at,
        id="-".join(part for part in ("chattering", key.rule, key.subject, key.key) if part),
        until=at + SHELVED_FOR,
        reason="chattering",
        person="",
        subject=key.subject,
        rule=key.rule,
    )
