"""The door to what ingest has stored: the feed for the engine and the wall, and questions about
the past. It only reads; the one thing written here is how far a worker has come."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from devices.readings import Reading

_decode_readings = msgspec.json.Decoder(tuple[Reading, ...]).decode
RENEWED_WITHIN = {"main": timedelta(seconds=10), "life": timedelta(seconds=2)}


class Batch(msgspec.Struct, frozen=True):
    """The readings that were new in one committed batch: readings[i] has arrival first + i."""

    first: int
    last: int
    readings: tuple[Reading, ...]


def feed_after(
    conn: psycopg.Connection, arrival: int, *, life: bool = False, limit: int = 50
) -> list[Batch]:
    """At most `limit` batches (of up to 2,000 readings) whose numbers are above `arrival`.

    With `life`, only batches that hold an SOS (and whatever else was saved with it). Complete: a
    batch that is still being written has a higher number than all that can be seen.
    """
    rows = conn.execute(
        "SELECT first, last, body FROM arrival_log WHERE last > %s"
        + (" AND life" if life else "")
        + " ORDER BY last LIMIT %s",
        (arrival, limit),
        binary=True,
    )
    return [Batch(first, last, _decode_readings(body)) for first, last, body in rows]


def horizon(conn: psycopg.Connection, lane: Literal["main", "life"]) -> datetime:
    """Everything received before this moment is in the feed: timers may fire up to it.

    A worker not renewed for 10 s counts as dead and holds nobody up (the life lane waits only
    2 s, and only for life workers); with no worker alive it is the database's now.
    """
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT coalesce(min(seen_until), clock_timestamp()) FROM ingest_horizon"
        " WHERE renewed_at > clock_timestamp() - %s AND (lane = 'life' OR %s)",
        (RENEWED_WITHIN[lane], lane == "main"),
    )
    moment: datetime = found.fetchone()  # type: ignore[assignment]  # an aggregate: always a row
    return moment


class Worker(msgspec.Struct, frozen=True):
    """What one lane of an ingest process last said of itself."""

    worker: str
    lane: str  # life | bulk
    seen_until: datetime  # everything it received before is stored
    renewed_at: datetime  # when it said so


def workers(conn: psycopg.Connection) -> list[Worker]:
    """Every lane that has not left in good order; a dead one keeps its last word."""
    cursor = conn.cursor(row_factory=class_row(Worker))
    return cursor.execute(
        "SELECT worker, lane, seen_until, renewed_at FROM ingest_horizon ORDER BY worker, lane"
    ).fetchall()


def last_arrival(conn: psycopg.Connection) -> int:
    """The newest number in the feed; 0 where it is empty."""
    found = conn.cursor(row_factory=scalar_row).execute("SELECT max(last) FROM arrival_log")
    return int(found.fetchone() or 0)


def renew_horizon(
    conn: psycopg.Connection, worker: str, lane: Literal["life", "bulk"], seen_until: datetime
) -> None:
    """A worker says: all that I received on this lane before `seen_until` is committed."""
    conn.execute(
        "INSERT INTO ingest_horizon (worker, lane, seen_until) VALUES (%s, %s, %s)"
        " ON CONFLICT (worker, lane) DO UPDATE SET seen_until = excluded.seen_until,"
        " renewed_at = clock_timestamp()",
        (worker, lane, seen_until),
    )


def leave_horizon(conn: psycopg.Connection, worker: str, lanes: Sequence[str]) -> None:
    """A worker ends in good order: nobody need wait for it any more."""
    conn.execute(
        "DELETE FROM ingest_horizon WHERE worker = %s AND lane = ANY(%s)", (worker, list(lanes))
    )
