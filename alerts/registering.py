"""Devices that come and go one by one, outside any town file: in register and inbox at once."""

from datetime import datetime

import psycopg

from alerts.inbox import append
from alerts.types import TownChanged
from core.errors import CarewatchError
from devices import registry
from devices.directory import SECTION_OF, Device, RegisterChange
from devices.names import DEVICE_ID, is_reserved_topic
from devices.subject import HOLDERS, Subject


def register_device(conn: psycopg.Connection, device: Device, at: datetime, by: str) -> None:
    """Register a device; the caller holds `registry.lock_town`, which gave the moment `at`.

    Raises CarewatchError when the device names what can't be or does not exist.
    """
    if not DEVICE_ID.fullmatch(device.id):
        raise CarewatchError(
            f"device {device.id!r}: an id has no spaces and none of / + #, at most 128 characters"
        )
    if device.topic is not None and (not device.topic or set("+#") & set(device.topic)):
        raise CarewatchError(f"topic {device.topic!r}: one exact topic, without + and #")
    if device.topic is not None and is_reserved_topic(device.topic):
        raise CarewatchError(f"topic {device.topic!r} is kept for services")
    if device.holder is not None:
        check_holder(conn, device.holder)
    change_devices(conn, RegisterChange(devices=(device,)), at, by)


def change_devices(conn: psycopg.Connection, change: RegisterChange, at: datetime, by: str) -> None:
    """Write a change of single devices into the register, and tell the rules of it."""
    registry.apply(conn, change)
    append(conn, TownChanged(at=at, register=change, by=by))


def check_holder(conn: psycopg.Connection, holder: str) -> None:
    """Raise CarewatchError unless the holder ("facility:f-1") is registered."""
    try:
        subject = Subject.parse(holder, HOLDERS)
    except CarewatchError as wrong:
        raise CarewatchError(f"holder {wrong}") from None
    if not registry.exists(conn, SECTION_OF[subject.kind], subject.id):
        raise CarewatchError(f"holder {holder!r}: no such {subject.kind} is registered")
