"""Which broker sessions this process reads.

There is one life slot and one bulk slot; a process that finds both taken stands by. With shared
subscriptions every process has a bulk slot of its own. A session's client id is its slot and a
suffix of this installation that nobody can guess, not its process: whoever takes a slot over gets
what the broker had kept for, or handed to, the process before. A broker goes on giving a dead
process its share, so no slot may stay without a reader.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from core.locks import Lock

LIFE = "life"
BULK = "bulk-1"  # with shared subscriptions also bulk-2, ...
_TAKE_TURNS = "SELECT pg_advisory_xact_lock(%s, 0)"

# A worker that lost its lock is dead, unless it renewed a moment ago (the database may have been
# restarted); one that holds its lock and has not renewed for long is frozen.
_SLOTS = """
SELECT slot AS name, worker, CASE
    WHEN renewed_at < clock_timestamp() - interval '10 s' THEN 'dead'
    WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND classid = %s AND objid = worker AND objsubid = 2) THEN 'alive'
    WHEN renewed_at < clock_timestamp() - interval '1.5 s' THEN 'dead'
    ELSE 'doubtful' END AS holder
FROM ingest_slot ORDER BY slot"""


class Slot(msgspec.Struct, frozen=True):
    """One session and what is known of the process that reads it."""

    name: str
    worker: int
    holder: Literal["alive", "doubtful", "dead"]


def to_claim(slots: Sequence[Slot], me: int, *, shared: bool = False) -> tuple[str, ...]:
    """Return the slots that `me` should take now: those missing or whose holder is dead.

    If `shared`, at least one bulk slot besides: one of a process that has several, else a new
    one; but none while a holder's fate is in doubt.
    """
    known = {slot.name for slot in slots}
    claims = tuple(slot.name for slot in slots if slot.holder == "dead" and slot.worker != me)
    claims += tuple(name for name in (LIFE, BULK) if name not in known)
    bulk = [slot for slot in slots if slot.name != LIFE]
    served = any(slot.worker == me for slot in bulk) or any(name != LIFE for name in claims)
    if not shared or served or any(slot.holder == "doubtful" for slot in bulk):
        return claims
    holders = [slot.worker for slot in bulk]
    spare = [slot.name for slot in bulk if holders.count(slot.worker) > 1]
    return (*claims, spare[-1] if spare else f"bulk-{len(bulk) + 1}")


def enrol(conn: psycopg.Connection, worker: int | None = None) -> int:
    """Hold the lock that shows this process is alive, for as long as `conn` lives.

    Returns the process's number: a new one, or `worker` where it had one before.
    """
    with conn.transaction():
        if worker is None:
            numbers = conn.cursor(row_factory=scalar_row).execute("SELECT nextval('ingest_worker')")
            worker = int(numbers.fetchone() or 0)
        conn.execute("SELECT pg_try_advisory_lock(%s, %s)", (Lock.WORKER, worker))
    return worker


def renew(conn: psycopg.Connection, worker: int, *, shared: bool) -> frozenset[str]:
    """Renew what this process holds, take what it should, and return the names of its slots."""
    with conn.transaction():
        conn.execute(_TAKE_TURNS, (Lock.WORKER,))
        slots = conn.cursor(row_factory=class_row(Slot)).execute(_SLOTS, (Lock.WORKER,)).fetchall()
        mine = {slot.name for slot in slots if slot.worker == worker}
        mine.update(to_claim(slots, worker, shared=shared))
        conn.execute(
            "INSERT INTO ingest_slot (slot, worker) SELECT unnest(%s::text[]), %s"
            " ON CONFLICT (slot) DO UPDATE"
            " SET worker = excluded.worker, renewed_at = clock_timestamp()",
            (sorted(mine), worker),
        )
    return frozenset(mine)


def session_suffix(conn: psycopg.Connection) -> str:
    """Return what the client ids of this installation's sessions end in. Raises psycopg.Error."""
    found = conn.cursor(row_factory=scalar_row).execute("SELECT suffix FROM broker_session_suffix")
    return str(found.fetchone())


def leave(conn: psycopg.Connection, worker: int) -> None:
    """Give up the slots of a process that ends in good order: others may take them at once."""
    with conn.transaction():
        conn.execute("UPDATE ingest_slot SET renewed_at = 'epoch' WHERE worker = %s", (worker,))
