"""Native partitions of the readings: made ahead of time, dropped behind it.

On TimescaleDB the hypertables' own jobs do this, and nothing here is called.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from core.locks import Lock
from ingest.store.rows import Table

AHEAD = timedelta(days=7)  # so that upkeep may fail for a week before a day has no partition
BEHIND = timedelta(days=3)  # the correction horizon: late readings find a partition too
MONDAY = date(1970, 1, 5)  # weeks begin here
# Dropping and attaching need a lock that a long reader may hold; nobody shall queue behind us.
PATIENCE = "200ms"
CLOCK_AHEAD = timedelta(days=1)  # a device whose clock is further ahead is judged by ours
FEW = 20_000  # rows that are moved out of the DEFAULT partition; a day with more stays there


class PartitionedTable(msgspec.Struct, frozen=True):
    """A table of readings: how wide its partitions are, how long they are kept."""

    table: Table
    width: timedelta
    kept: timedelta


TRACK = PartitionedTable("reading_track", timedelta(days=1), timedelta(days=90))
EVENT = PartitionedTable("reading_event", timedelta(days=7), timedelta(days=730))
KEPT = (TRACK, EVENT)


class Span(msgspec.Struct, frozen=True, order=True):
    """From the beginning of one UTC day to the beginning of another."""

    start: date
    end: date


def wanted(kept: PartitionedTable, today: date) -> list[Span]:
    """Return the partitions there should be around `today`."""
    first = today - BEHIND
    start = first - (first - MONDAY) % kept.width
    count = (today + AHEAD - start) // kept.width + 1
    return [Span(start + n * kept.width, start + (n + 1) * kept.width) for n in range(count)]


def outlived(kept: PartitionedTable, spans: Iterable[Span], today: date) -> list[Span]:
    """Return the partitions whose every reading is older than it may become."""
    return sorted(span for span in spans if span.end <= today - kept.kept)


def name_of(table: str, span: Span) -> str:
    """Return the partition's name: reading_track_20261122."""
    return f"{table}_{span.start:%Y%m%d}"


def roll(
    conn: psycopg.Connection, kept: PartitionedTable, today: date
) -> tuple[list[str], list[str]]:
    """Make what is wanted, drop what is outlived; the names made and dropped.

    What can't be locked at once, or would take long, is left for the next time.
    """
    there = existing(conn, kept)
    missing = [span for span in wanted(kept, today) if span not in there]
    made = [span for span in missing if _make(conn, kept, span, today)]
    dropped = [span for span in outlived(kept, there, today) if _drop(conn, kept, span)]
    if made or dropped:  # once a day
        with conn.transaction():
            conn.execute(
                f"DELETE FROM {kept.table}_other WHERE at < %s", (_midnight(today - kept.kept),)
            )
    return [name_of(kept.table, span) for span in made], [
        name_of(kept.table, span) for span in dropped
    ]


def existing(conn: psycopg.Connection, kept: PartitionedTable) -> set[Span]:
    """Return the partitions there are, the DEFAULT one left out."""
    with conn.transaction():
        names = conn.cursor(row_factory=scalar_row).execute(
            "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid"
            " WHERE inhparent = %s::regclass",
            (kept.table,),
        )
        days = [_day(found[0]) for name in names if (found := re.search(r"\d{8}$", name))]
    return {Span(day, day + kept.width) for day in days}


def _day(digits: str) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


_ATTACH = """
LOCK TABLE {other} IN ACCESS EXCLUSIVE MODE;
CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS);
WITH moved AS (DELETE FROM {other} WHERE at >= {start} AND at < {end} RETURNING *)
    INSERT INTO {part} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({start}) TO ({end})
"""


def _make(conn: psycopg.Connection, kept: PartitionedTable, span: Span, today: date) -> bool:
    """Attach one partition, with the few rows of its days that the DEFAULT one holds."""
    names = {
        "table": sql.Identifier(kept.table),
        "other": sql.Identifier(f"{kept.table}_other"),
        "part": sql.Identifier(name_of(kept.table, span)),
        "start": sql.Literal(_midnight(span.start)),
        "end": sql.Literal(_midnight(span.end)),
    }
    try:
        with conn.transaction() as transaction:
            conn.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            if span.start <= today + CLOCK_AHEAD:  # rows of its days may be on their way: no save
                conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.ARRIVAL,))
            strays = conn.execute(
                sql.SQL(
                    "SELECT FROM {other} WHERE at >= {start} AND at < {end} OFFSET %s LIMIT 1"
                ).format(**names),
                (FEW,),
            )
            if strays.fetchone() is not None:
                raise psycopg.Rollback(transaction)
            conn.execute(sql.SQL(_ATTACH).format(**names))
            return True
    except psycopg.errors.LockNotAvailable:
        return False
    return False


def _drop(conn: psycopg.Connection, kept: PartitionedTable, span: Span) -> bool:
    try:
        with conn.transaction():
            conn.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            conn.execute(f"DROP TABLE {name_of(kept.table, span)}")
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
