"""What a device is given for its claim code: an account of its own, once.

The device makes a nonce before it asks and keeps it. Who shows the same nonce again is the same
device, whose answer was lost on the way: it gets a new secret, as often as it needs to. Who knows
the code and a serial number only gets nothing of what another has claimed.
"""

import re
from datetime import datetime
from typing import Literal

import msgspec
import psycopg

from core.errors import CarewatchError
from deploy import broker_accounts
from deploy.claiming.codes import ClaimCode, found
from devices.credentials import Credential, credential, fits, hashed
from devices.directory import Device, DeviceKind
from devices.names import is_reserved
from devices.registry import lock_town
from devices.topics import ANSWER, CONTRACT_ROOT

SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
NONCE = (16, 128)  # letters, at least and at most
LONGEST_CODE = 128  # letters, however many spaces somebody types
SPEAKS_AS: dict[DeviceKind, str] = {
    "phone": "position",
    "door": "door",
    "sos": "sos",
    "terminal": "face",
    "sensor": "status",
}  # the contract's kind that such a device sends most; it may send all six

Why = Literal[
    "bad_request", "unknown_code", "code_revoked", "code_expired", "code_full", "taken", "revoked"
]


class Claim(msgspec.Struct, frozen=True):
    """What a device asks with."""

    code: str
    serial: str
    nonce: str


class Claimed(msgspec.Struct, frozen=True):
    """What a device is given. Never logged: `secret`."""

    device: str
    secret: str
    topic: str
    answers: str
    repeated: bool = False


class Refused(msgspec.Struct, frozen=True):
    """Why a device is given nothing, and what to do about it."""

    error: Why
    mend: str


UNKNOWN = Refused("unknown_code", "check the code on the box; it is of this service alone")
OF_STATE: dict[str, Refused] = {
    "revoked": Refused("code_revoked", "ask the operator for a new claim code"),
    "expired": Refused("code_expired", "ask the operator for a new claim code"),
    "full": Refused("code_full", "as many devices as it was made for have claimed: ask for more"),
}
TAKEN = Refused(
    "taken",
    "this serial number has claimed with another nonce, or a device of this id is registered:"
    " the operator can free it (carewatch device claim-code release ID)",
)
SHUT_OUT = Refused("revoked", "the operator has revoked this device")


def fault_of(claim: Claim) -> Refused | None:
    """Return what is wrong with the form of a claim; None if nothing is."""
    if not SERIAL.fullmatch(claim.serial):
        return Refused(
            "bad_request",
            "serial: 1 to 64 letters, digits and . _ : -, not one of those first",
        )
    if not NONCE[0] <= len(claim.nonce) <= NONCE[1]:
        return Refused(
            "bad_request",
            "nonce: 16 to 128 letters that the device makes at random once, and keeps",
        )
    if len(claim.code) > LONGEST_CODE:
        return UNKNOWN
    return None


def exchange(
    conn: psycopg.Connection,
    claim: Claim,
    *,
    now: datetime,
    address: str = "",
    control_url: str | None = None,
) -> Claimed | Refused:
    """Give a device its account, in the register and at the broker: both or neither.

    Raises CarewatchError where the broker refuses or is away, psycopg.Error where the database is.
    """
    fault = fault_of(claim)
    if fault is not None:
        return fault
    if found(conn, claim.code) is None:  # before anybody waits for a stranger
        return UNKNOWN
    with conn.transaction():
        lock_town(conn)
        code = found(conn, claim.code)
        if code is None:
            return UNKNOWN
        device = f"{code.prefix}{claim.serial}".casefold()
        given = _given(conn, code, device, claim, now, control_url)
        if isinstance(given, Refused):
            return given
        _keep(conn, code, given, claim, now, address)
        return given


def _given(
    conn: psycopg.Connection,
    code: ClaimCode,
    device: str,
    claim: Claim,
    now: datetime,
    control_url: str | None,
) -> Claimed | Refused:
    if is_reserved(device):
        return TAKEN
    known = credential(conn, device)
    kept = conn.execute(
        "SELECT nonce_hash FROM claim WHERE device = %s AND code = %s", (device, code.id)
    ).fetchone()
    if kept is not None:
        return _again(conn, code, known, kept[0], claim, control_url)
    state = code.state(now)
    if state != "open":
        return OF_STATE[state]
    wanted = Device(id=device, kind=code.kind, holder=code.holder, model=code.model)
    if known is not None and not _awaits(known, wanted):
        return TAKEN
    new = Device(id=device) if known is not None else wanted
    return _claimed(code, device, broker_accounts.add(conn, new, control_url))


def _again(
    conn: psycopg.Connection,
    code: ClaimCode,
    known: Credential | None,
    nonce_hash: str,
    claim: Claim,
    control_url: str | None,
) -> Claimed | Refused:
    """Return a new secret for a device whose answer was lost, also when its code has ended."""
    if not fits(claim.nonce, nonce_hash):
        return TAKEN
    if known is None or known.state != "active":
        return SHUT_OUT
    return _claimed(code, known.id, broker_accounts.rotate(conn, known.id, control_url), True)


def _awaits(known: Credential, wanted: Device) -> bool:
    """Return True if a town file names the device as it claims to be, and it has no secret yet."""
    is_the_same = (known.kind, known.holder, known.topic) == (wanted.kind, wanted.holder, None)
    return known.in_file and known.state == "none" and is_the_same


def _claimed(code: ClaimCode, device: str, secret: str, repeated: bool = False) -> Claimed:
    begin = f"{CONTRACT_ROOT}{code.site}"
    return Claimed(
        device,
        secret,
        topic=f"{begin}/{SPEAKS_AS[code.kind]}/{device}",
        answers=f"{begin}/{ANSWER}/{device}",
        repeated=repeated,
    )


def _keep(
    conn: psycopg.Connection,
    code: ClaimCode,
    given: Claimed,
    claim: Claim,
    now: datetime,
    address: str,
) -> None:
    conn.execute(
        "INSERT INTO claim (device, code, serial, nonce_hash, claimed_at, last_at, address)"
        " VALUES (%(device)s, %(code)s, %(serial)s, %(nonce)s, %(now)s, %(now)s, %(address)s)"
        " ON CONFLICT (device) DO UPDATE SET last_at = %(now)s, address = %(address)s,"
        " times = claim.times + 1",
        {
            "device": given.device,
            "code": code.id,
            "serial": claim.serial,
            "nonce": hashed(claim.nonce),
            "now": now,
            "address": address,
        },
    )


def release(conn: psycopg.Connection, device: str, control_url: str | None) -> None:
    """Take back what a device has claimed, so that its serial number may claim anew.

    Its account is shut out. Raises CarewatchError for a device that has claimed nothing.
    """
    device = device.casefold()
    if conn.execute("DELETE FROM claim WHERE device = %s", (device,)).rowcount == 0:
        raise CarewatchError(
            f"device {device!r} has claimed nothing; `carewatch device claim-code list CODE` names"
            " those that have"
        )
    known = credential(conn, device)
    if known is None:
        conn.commit()
    elif known.in_file:
        broker_accounts.forget(conn, device, control_url)
    else:
        broker_accounts.take_out(conn, device, control_url)
