"""The inbox: what people, channels and loads say, in the one order of arrivals."""

import msgspec
import psycopg
from psycopg.rows import scalar_row

from alerts.types import InboxEntry
from core.locks import Lock

LONGEST_PAUSE = "5s"  # who freezes while holding it loses the connection, and with it the lock


def append(conn: psycopg.Connection, entry: InboxEntry, *, key: str | None = None) -> int:
    """Append an entry to the inbox; returns its arrival number.

    An entry under a key that is known already is not appended again: the first one's number
    comes back. Several entries of one caller belong into one `conn.transaction()` around the calls.
    """
    with conn.transaction():
        _take_arrival_lock(conn)
        before = said_under(conn, key)
        if before is not None:
            return before
        arrival = (
            conn.cursor(row_factory=scalar_row).execute("SELECT nextval('arrival')").fetchone()
        )
        assert isinstance(arrival, int)
        conn.execute(
            "INSERT INTO inbox (arrival, at, type, body, said_once)"
            " VALUES (%s, %s, %s, %s::jsonb, %s)",
            (
                arrival,
                entry.at,
                entry.__struct_config__.tag,
                msgspec.json.encode(entry).decode(),
                key,
            ),
        )
        conn.execute("SELECT pg_notify('arrival', 'inbox')")
    return arrival


def said_under(conn: psycopg.Connection, key: str | None) -> int | None:
    """Return the arrival number of the entry with a key, or None if there is none."""
    if key is None:
        return None
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT arrival FROM inbox WHERE said_once = %s", (key,)
    )
    return found.fetchone()


def _take_arrival_lock(conn: psycopg.Connection) -> None:
    conn.execute(
        "SELECT FROM pg_advisory_xact_lock(%s),"
        " set_config('idle_in_transaction_session_timeout', %s, true)",
        (Lock.ARRIVAL, LONGEST_PAUSE),
    )
