"""The house-keeping of what ingest stores: run it every minute, in any number of processes.

Partitions roll, digests grow, the feed's log is trimmed behind its readers, old rejections go.
Each step is a short transaction of its own; one process works, the others find the lock taken.
"""

from datetime import UTC, datetime, timedelta
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import scalar_row

from core.locks import Lock
from devices.readings import TRACKED_KINDS
from ingest.store.digests import digest
from ingest.store.partitions import KEPT, TRACK, roll

LOG_KEPT = timedelta(days=1)  # batches in the feed's log, behind the slowest checkpoint
LOG_KEPT_AT_MOST = timedelta(days=7)  # with alerts away so long, the feed is read from `reading`
MARK_EVERY = timedelta(minutes=10)  # a replay reads at most so much too much at either end
REJECTIONS_KEPT = timedelta(days=30)  # a codec is mended, and they are read again, by then
COUNTS_KEPT = timedelta(days=7)
REJECTIONS_BYTES = 512 * 1024 * 1024  # a device gone mad fills no disk
REJECTION_OVERHEAD = 200  # bytes of a rejection beside its payload, about


class UpkeepReport(msgspec.Struct, frozen=True):
    """What one run did; all empty when another process was at it."""

    made: tuple[str, ...] = ()  # partitions
    dropped: tuple[str, ...] = ()  # partitions
    digested: int = 0  # arrival numbers
    trimmed: int = 0  # batches of the feed's log
    forgotten: int = 0  # rejections


def run(
    conn: psycopg.Connection,
    *,
    now: datetime | None = None,
    rejection_bytes: int = REJECTIONS_BYTES,
) -> UpkeepReport:
    """Do all that is due at `now` (the clock's, unless given). `conn` must not be in a transaction.

    Raises psycopg.Error; whatever was not done is due again next time.
    """
    moment = now or datetime.now(UTC)
    if not _locked(conn):
        return UpkeepReport()
    try:
        native = _partitioned(conn)
        _mark(conn, moment)
        digested = digest(conn, counts=native)  # first: what is dropped below has been counted
        rolled = [roll(conn, kept, moment.date()) for kept in KEPT] if native else []
        return UpkeepReport(
            made=tuple(name for made, _ in rolled for name in made),
            dropped=tuple(name for _, dropped in rolled for name in dropped),
            digested=digested,
            trimmed=_trim(conn, moment),
            forgotten=_forget(conn, moment, rejection_bytes),
        )
    finally:
        _unlock(conn)


def _locked(conn: psycopg.Connection) -> bool:
    return _scalar(conn, "SELECT pg_try_advisory_lock(%s)", Lock.UPKEEP)


def _unlock(conn: psycopg.Connection) -> None:
    _scalar(conn, "SELECT pg_advisory_unlock(%s)", Lock.UPKEEP)


def _partitioned(conn: psycopg.Connection) -> bool:
    """Return True if the readings are in native partitions, not in hypertables."""
    return _scalar(conn, "SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", TRACK.table)


def _scalar(conn: psycopg.Connection, question: LiteralString, value: object) -> bool:
    with conn.transaction():
        cursor = conn.cursor(row_factory=scalar_row).execute(question, (value,))
        return bool(cursor.fetchone())


def _mark(conn: psycopg.Connection, now: datetime) -> None:
    """Write down which number the order has reached; a replay begins and ends at such marks."""
    with conn.transaction():
        conn.execute(
            "INSERT INTO arrival_mark (at, arrival)"
            " SELECT %(now)s, max(last) FROM arrival_log HAVING max(last) IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM arrival_mark WHERE at > %(now)s - %(every)s)",
            {"now": now, "every": MARK_EVERY},
        )


def _trim(conn: psycopg.Connection, now: datetime) -> int:
    """Cut the feed's log behind its readers. The newest batch always stays."""
    with conn.transaction():
        cursor = conn.cursor(row_factory=scalar_row).execute(
            "WITH gone AS (DELETE FROM arrival_log"
            " WHERE last < (SELECT max(last) FROM arrival_log) AND (stored_at < %s OR"
            " stored_at < %s AND last <= (SELECT coalesce(min(states_at), last) FROM checkpoint))"
            " RETURNING last),"
            " floor AS (UPDATE upkeep SET trimmed = (SELECT max(last) FROM gone)"
            " WHERE EXISTS (SELECT FROM gone))"
            " SELECT count(*) FROM gone",
            (now - LOG_KEPT_AT_MOST, now - LOG_KEPT),
        )
        return cursor.fetchone() or 0


def _forget(conn: psycopg.Connection, now: datetime, rejection_bytes: int) -> int:
    """Let rejections go by age and size, counts by age, last positions with the positions."""
    with conn.transaction():
        conn.execute(
            "DELETE FROM latest_reading WHERE kind = ANY(%s) AND at < %s",
            (list(TRACKED_KINDS), now - TRACK.kept),
        )
        conn.execute("DELETE FROM message_count WHERE minute < %s", (now - COUNTS_KEPT,))
        by_age = conn.execute(
            "DELETE FROM rejection WHERE received_at < %s", (now - REJECTIONS_KEPT,)
        )
        by_size = conn.execute(
            "DELETE FROM rejection WHERE n <= (SELECT max(n) FROM (SELECT n,"
            " sum(octet_length(payload) + %s) OVER (ORDER BY n DESC) AS size FROM rejection)"
            " AS summed WHERE size > %s) AND pg_total_relation_size('rejection') > %s",
            (REJECTION_OVERHEAD, rejection_bytes, rejection_bytes),
        )
        return by_age.rowcount + by_size.rowcount
