"""Devices that come and go one by one, outside any town file."""

from datetime import datetime

import psycopg

from alerts.desk import append
from alerts.types import TownChanged
from core.errors import CarewatchError
from deploy.town.references import DEVICE_ID
from devices import registry
from devices.credentials import credential, issue
from devices.directory import SECTION_OF, Device, RegisterChange
from devices.names import is_reserved_topic
from devices.subject import HOLDERS, Subject


def add_device(conn: psycopg.Connection, device: Device) -> str:
    """Register a device that is new, and give it its first secret, which is returned.

    A device that is registered already keeps its kind, holder and topic. Raises CarewatchError
    when it has a secret, or when the new device names what does not exist.
    """
    with conn.transaction():
        at = registry.lock_town(conn)
        known = credential(conn, device.id)
        if known is None:
            _register(conn, device, at)
        elif known.state == "active":
            raise CarewatchError(
                f"device {device.id!r} has a secret: `carewatch device rotate {device.id}` "
                "gives it a new one"
            )
        elif device != Device(id=device.id):
            raise CarewatchError(
                f"device {device.id!r} is registered already: leave kind, holder and topic out, "
                "or change them in the town file"
            )
        return issue(conn, device.id)


def remove_device(conn: psycopg.Connection, device: str) -> None:
    """Take out a device that was added by hand. Raises CarewatchError for any other."""
    with conn.transaction():
        at = registry.lock_town(conn)
        known = credential(conn, device)
        if known is None or known.in_file:
            why = "is in the town file: take it out there" if known else "is not registered"
            raise CarewatchError(f"device {device!r} {why}")
        _change(conn, RegisterChange(removed={"devices": (device,)}), at)


def _register(conn: psycopg.Connection, device: Device, at: datetime) -> None:
    if not DEVICE_ID.fullmatch(device.id):
        raise CarewatchError(
            f"device {device.id!r}: an id has no spaces and none of / + #, at most 128 characters"
        )
    if device.topic is not None and (not device.topic or set("+#") & set(device.topic)):
        raise CarewatchError(f"topic {device.topic!r}: one exact topic, without + and #")
    if device.topic is not None and is_reserved_topic(device.topic):
        raise CarewatchError(f"topic {device.topic!r} is kept for services")
    if device.holder is not None:
        _check_holder(conn, device.holder)
    _change(conn, RegisterChange(devices=(device,)), at)


def _check_holder(conn: psycopg.Connection, holder: str) -> None:
    try:
        subject = Subject.parse(holder, HOLDERS)
    except CarewatchError as wrong:
        raise CarewatchError(f"holder {wrong}") from None
    if not registry.exists(conn, SECTION_OF[subject.kind], subject.id):
        raise CarewatchError(f"holder {holder!r}: no such {subject.kind} is registered")


def _change(conn: psycopg.Connection, change: RegisterChange, at: datetime) -> None:
    registry.apply(conn, change)
    append(conn, TownChanged(at=at, register=change, by="device"))
