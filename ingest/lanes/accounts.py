"""Keeps a running broker's accounts as the register has them, without knowing any secret.

Issuing needs the secret and happens in `carewatch device`; what can be made right later is made
right here: accounts of devices that are revoked or gone are deleted (which ends their live
session), client ids are bound, and roles follow the topics. Deleted and not disabled, because a
listener that goes by certificates does not ask whether an account is disabled; one that is not
there has no rights.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import msgspec
import psycopg
import structlog
from psycopg.rows import scalar_row

from core.database import first_line
from core.errors import origin
from devices.broker_access import ROLE, is_device_account, role
from devices.credentials import Credential, credentials
from devices.names import is_reserved
from devices.registry import lock_town
from ingest.mqtt.control import BrokerControl, Command, ControlFault

ROUND = 1.0  # seconds between two looks for devices that were revoked: cut off within five
WHOLE = 300.0  # seconds between two comparisons of everything
OVERLAP = timedelta(seconds=30)  # a revocation may be committed so long after its own moment

log = structlog.get_logger()


class Plan(msgspec.Struct, frozen=True):
    """What it takes to make the broker right, and what only a person can."""

    commands: tuple[Command, ...] = ()
    missing: tuple[str, ...] = ()  # devices with a secret and no account: rotate them
    surplus: tuple[str, ...] = ()  # accounts of no device, or of one that may not sign in


def issue_commands(device: str, topic: str | None, secret: str) -> tuple[Command, ...]:
    """Return what gives a device its account; one that it had ends, with its live session."""
    return (
        *delete_commands(device),
        {"command": "createRole", **role(device, topic)},
        {
            "command": "createClient",
            "username": device,
            "clientid": device,
            "password": secret,
            "roles": [{"rolename": ROLE + device}],
        },
    )


def delete_commands(device: str) -> tuple[Command, ...]:
    """Return what takes a device's account away, and ends its live session."""
    return (
        {"command": "deleteClient", "username": device},
        {"command": "deleteRole", "rolename": ROLE + device},
    )


def plan(
    known: Iterable[Credential],
    accounts: Iterable[Mapping[str, Any]],
    roles: Iterable[Mapping[str, Any]],
) -> Plan:
    """Compare the register with what a broker has. Pure."""
    register = {each.id: each for each in known if not is_reserved(each.id)}
    ours = {str(each["username"]): each for each in accounts if is_device_account(each)}
    has = {str(each["rolename"]): _as_set(each) for each in roles}
    commands: list[Command] = []
    surplus: list[str] = []
    for name, account in ours.items():
        device = register.get(name)
        if device is None or device.state != "active":
            surplus.append(name)
            commands += delete_commands(name)
        else:
            commands += _mended(device, account, has.get(ROLE + name))
    missing = [
        each.id for each in register.values() if each.state == "active" and each.id not in ours
    ]
    return Plan(tuple(commands), tuple(missing), tuple(surplus))


def compared(control: BrokerControl, known: Iterable[Credential]) -> Plan:
    """Compare the register with a running broker. Raises ControlFault."""
    return plan(known, control.accounts(), control.roles())


def _mended(
    device: Credential, account: Mapping[str, Any], acls: frozenset[tuple[object, ...]] | None
) -> list[Command]:
    mended: list[Command] = []
    if account.get("clientid") != device.id:
        mended.append({"command": "setClientId", "username": device.id, "clientid": device.id})
    wanted = role(device.id, device.topic)
    if acls != _as_set(wanted):
        mended.append({"command": "modifyRole" if acls is not None else "createRole", **wanted})
    return mended


def _as_set(role: Mapping[str, Any]) -> frozenset[tuple[object, ...]]:
    return frozenset((a["acltype"], a["topic"], a["allow"]) for a in role.get("acls", ()))


class Keeper:
    """Makes a broker right on a thread of its own, while `active` says that it is ours to keep."""

    def __init__(self, control_url: str, database_url: str) -> None:
        self._control_url = control_url
        self._database_url = database_url
        self._active = False
        self._is_due = True  # the whole comparison
        self._compared_at = monotonic()
        self._fault = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="accounts", daemon=True)

    def start(self) -> None:
        """Begin to look after the broker."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look in hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def tend(self, *, active: bool, changed: bool) -> None:
        """Work, or leave it to another process; `changed`: the register has."""
        self._active = active
        self._is_due = self._is_due or changed

    def faults(self) -> list[str]:
        """Return what keeps the broker from being right, in words."""
        return [self._fault] if self._fault and self._active else []

    def _run(self) -> None:
        while not self._stopping.wait(ROUND):
            if not self._active:
                continue
            try:
                self._keep()
            except (ControlFault, psycopg.Error) as error:
                self._failed(first_line(error))
            except Exception as error:  # revocations wait for this thread: it begins again
                self._failed(type(error).__name__, where=origin(error))

    def _failed(self, why: str, **more: object) -> None:
        self._is_due = True
        self._fault = f"accounts of devices: {why}"
        log.warning("broker accounts not kept", why=self._fault, **more)

    def _keep(self) -> None:
        """Look until asked to end, or until it is another's. Raises ControlFault, psycopg.Error."""
        with (
            psycopg.connect(self._database_url, autocommit=True) as conn,
            BrokerControl(self._control_url) as control,
        ):
            since = _now(conn)
            while self._active and not self._stopping.wait(ROUND):
                if self._is_due or monotonic() - self._compared_at > WHOLE:
                    self._compare(conn, control)
                for each in _revoked(conn, since):
                    control.insist(delete_commands(each))
                since = _now(conn) - OVERLAP
                self._fault = ""

    def _compare(self, conn: psycopg.Connection, control: BrokerControl) -> None:
        self._is_due, self._compared_at = False, monotonic()
        accounts, roles = list(control.accounts()), list(control.roles())
        with conn.transaction():
            lock_town(conn)  # what is being issued just now is committed when we have it
            found = plan(credentials(conn), accounts, roles)
            control.insist(found.commands)
        if found.commands:
            log.info("broker accounts made right", commands=len(found.commands))
        if found.missing:
            log.warning("devices without an account at the broker", first=found.missing[0])


def _now(conn: psycopg.Connection) -> datetime:
    found = conn.cursor(row_factory=scalar_row).execute("SELECT clock_timestamp()")
    return found.fetchone()  # type: ignore[return-value]  # one row, always


def _revoked(conn: psycopg.Connection, since: datetime) -> list[str]:
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT id FROM device WHERE revoked_at > %s", (since,)
    )
    return found.fetchall()
