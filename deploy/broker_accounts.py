"""Device credentials, given and taken in the register and at a running broker in one act.

Where no control URL is set the register alone changes, and its accounts are exported.
"""

from collections.abc import Sequence

import psycopg

from core.errors import CarewatchError
from deploy.device_changes import add_device, remove_device
from devices.broker_access import is_device_account
from devices.credentials import credential, issue, revoke, withdraw
from devices.directory import Device
from devices.registry import lock_town
from ingest.lanes.accounts import delete_commands, issue_commands
from ingest.mqtt.control import BrokerControl, ControlFault

LATER = "the broker is told as soon as `carewatch ingest` reaches it"


def add(conn: psycopg.Connection, device: Device, control_url: str | None) -> str:
    """Give a device its first secret, and register it where it is new. Return the secret.

    Raises CarewatchError, and changes nothing, where register or broker refuse.
    """
    with conn.transaction():
        secret = add_device(conn, device)
        _give(conn, device.id, secret, control_url)
    return secret


def rotate(conn: psycopg.Connection, device: str, control_url: str | None) -> str:
    """Give a device a new secret, and end a session that it holds with the old one. Return it.

    Raises CarewatchError, and changes nothing, where register or broker refuse.
    """
    with conn.transaction():
        lock_town(conn)  # or a keeper takes the account away before we have committed
        secret = issue(conn, device)
        _give(conn, device, secret, control_url)
    return secret


def shut_out(conn: psycopg.Connection, device: str, control_url: str | None) -> None:
    """Revoke a device's secret, and end its live session at the broker.

    Raises CarewatchError; where the broker alone is away the register has revoked it already.
    """
    revoke(conn, device)
    conn.commit()
    _delete((device,), control_url, "revoked")


def shut_out_all(conn: psycopg.Connection, devices: Sequence[str], control_url: str | None) -> int:
    """Revoke the secrets of those that have one, and end their sessions. Return how many had.

    Raises CarewatchError; where the broker alone is away the register has revoked them all.
    """
    known = (credential(conn, device) for device in devices)
    active = [each.id for each in known if each is not None and each.state == "active"]
    for device in active:
        revoke(conn, device)
    conn.commit()
    _delete(active, control_url, "revoked")
    return len(active)


def forget(conn: psycopg.Connection, device: str, control_url: str | None) -> None:
    """Take a device's secret away as if it had never had one, and its account at the broker.

    Raises CarewatchError; where the broker alone is away the register has forgotten it already.
    """
    withdraw(conn, device)
    conn.commit()
    _delete((device,), control_url, "forgotten")


def take_out(conn: psycopg.Connection, device: str, control_url: str | None) -> None:
    """Remove a device that was added by hand, and its account at the broker.

    Raises CarewatchError; where the broker alone is away the register has removed it already.
    """
    remove_device(conn, device)
    conn.commit()
    _delete((device,), control_url, "removed")


def _delete(devices: Sequence[str], control_url: str | None, done: str) -> None:
    """End accounts and their live sessions. `done`: what the register has done already."""
    if control_url is None or not devices:
        return
    try:
        with BrokerControl(control_url) as control:
            for device in devices:
                control.insist(delete_commands(device))
    except ControlFault as fault:
        raise CarewatchError(f"{', '.join(devices)}: {done}, but {fault}; {LATER}") from None


def _give(conn: psycopg.Connection, device: str, secret: str, control_url: str | None) -> None:
    if control_url is None:
        return
    known = credential(conn, device)
    with BrokerControl(control_url) as control:
        there = control.account(device)
        if there is not None and not is_device_account(there):
            raise CarewatchError(
                f"the broker has an account {device!r} that is no device's: take it out there, "
                "or give the device another id"
            )
        control.insist(issue_commands(device, known.topic if known else None, secret))
