"""Which key each service signs with: the services of a town must have the same.

Each notes the fingerprint of its own, which tells nobody the key.
"""

from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

from core.signing import fingerprint


class KeyInUse(msgspec.Struct, frozen=True):
    """Which key a service signs with since when."""

    service: str
    fingerprint: str
    noted_at: datetime


def note_key(conn: psycopg.Connection, service: str, secret: str) -> None:
    """Write down which key a service signs with. Raises psycopg.Error."""
    conn.execute(
        "INSERT INTO key_in_use (service, fingerprint, noted_at) VALUES (%s, %s, now())"
        " ON CONFLICT (service) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " noted_at = excluded.noted_at",
        (service, fingerprint(secret)),
    )


def keys_in_use(conn: psycopg.Connection) -> list[KeyInUse]:
    """Return the key of each service that has ever run. Raises psycopg.Error."""
    rows = conn.cursor(row_factory=class_row(KeyInUse)).execute(
        "SELECT service, fingerprint, noted_at FROM key_in_use ORDER BY service"
    )
    return rows.fetchall()
