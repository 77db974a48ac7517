"""A device's own secret: made once, shown once, kept as a salted hash.

The hash is written as Mosquitto writes it (`$7$`, PBKDF2 with SHA-512), so that the same row
serves the embedded broker, HTTP and a Mosquitto password file. Mosquitto's own number of rounds
is enough here: the secret is 192 random bits, not a word that somebody chose.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from core.errors import CarewatchError
from devices.names import is_reserved

ROUNDS = 101  # Mosquitto's default
SALT = 12  # bytes, Mosquitto's
SECRET = 24  # random bytes of a secret


class Credential(msgspec.Struct, frozen=True):
    """A device in the register and whether it can sign in."""

    id: str
    kind: str | None
    holder: str | None
    topic: str | None
    in_file: bool  # a town file names it
    secret_hash: str | None  # None = it never had a secret
    revoked_at: datetime | None

    @property
    def state(self) -> str:
        """Return `none`, `active` or `revoked`."""
        if self.secret_hash is None:
            return "none"
        return "active" if self.revoked_at is None else "revoked"


def issue(conn: psycopg.Connection, device: str) -> str:
    """Return a new secret for a registered device; the old one no longer serves.

    Raises CarewatchError for a device that is not in the register.
    """
    secret = secrets.token_urlsafe(SECRET)
    updated = conn.execute(
        "UPDATE device SET secret_hash = %s, secret_at = now(), revoked_at = NULL WHERE id = %s",
        (hashed(secret), device),
    )
    if not updated.rowcount:
        raise CarewatchError(_unknown(device))
    return secret


def revoke(conn: psycopg.Connection, device: str) -> None:
    """Revoke the device's secret; doing it twice changes nothing."""
    updated = conn.execute(
        "UPDATE device SET revoked_at = coalesce(revoked_at, now())"
        " WHERE id = %s AND secret_hash IS NOT NULL",
        (device,),
    )
    if not updated.rowcount:
        known = credential(conn, device) is not None
        raise CarewatchError(f"device {device!r} has no secret" if known else _unknown(device))


def withdraw(conn: psycopg.Connection, device: str) -> None:
    """Take a device's secret away, as if it had never had one: it may be given a first one."""
    conn.execute("UPDATE device SET secret_hash = NULL, revoked_at = NULL WHERE id = %s", (device,))


def credential(conn: psycopg.Connection, device: str) -> Credential | None:
    """Return what is known of one device's secret; None where it is not registered."""
    found = conn.cursor(row_factory=class_row(Credential)).execute(
        "SELECT id, kind, holder, topic, in_file, secret_hash, revoked_at FROM device"
        " WHERE id = %s",
        (device,),
    )
    return found.fetchone()


def credentials(conn: psycopg.Connection) -> list[Credential]:
    """Return all devices in the order of their ids."""
    found = conn.cursor(row_factory=class_row(Credential)).execute(
        "SELECT id, kind, holder, topic, in_file, secret_hash, revoked_at FROM device ORDER BY id"
    )
    return found.fetchall()


def credential_fits(conn: psycopg.Connection, device: str, secret: str) -> bool:
    """Return True if this is the device's secret, and not revoked."""
    if is_reserved(device):
        return False
    stored = (
        conn.cursor(row_factory=scalar_row)
        .execute(
            "SELECT secret_hash FROM device WHERE id = %s AND revoked_at IS NULL",
            (device.replace("\0", ""),),
        )
        .fetchone()
    )
    return stored is not None and fits(secret, stored)


def hashed(secret: str) -> str:
    """Return the salted hash of a secret, in the form of a Mosquitto password file."""
    salt = secrets.token_bytes(SALT)
    return f"$7${ROUNDS}${b64encode(salt).decode()}${b64encode(_derived(secret, salt)).decode()}"


def fits(secret: str, stored: str) -> bool:
    """Return True if `stored` was made of this secret."""
    _, _, rounds, salt, known = stored.split("$")
    return hmac.compare_digest(_derived(secret, b64decode(salt), int(rounds)), b64decode(known))


def _derived(secret: str, salt: bytes, rounds: int = ROUNDS) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", secret.encode(errors="replace"), salt, rounds)


def _unknown(device: str) -> str:
    return f"device {device!r} is not registered; `carewatch device list` names those that are"
