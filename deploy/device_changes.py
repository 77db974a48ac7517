"""Devices that come and go one by one, outside any town file."""

import psycopg

from alerts.registering import change_devices, register_device
from core.errors import CarewatchError
from devices import registry
from devices.credentials import credential, issue
from devices.directory import Device, RegisterChange


def add_device(conn: psycopg.Connection, device: Device) -> str:
    """Register a device that is new, and give it its first secret, which is returned.

    A device that is registered already keeps its kind, holder and topic. Raises CarewatchError
    when it has a secret, or when the new device names what does not exist.
    """
    with conn.transaction():
        at = registry.lock_town(conn)
        known = credential(conn, device.id)
        if known is None:
            register_device(conn, device, at, by="device")
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
        change_devices(conn, RegisterChange(removed={"devices": (device,)}), at, by="device")
