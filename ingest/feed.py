"""The feed: readings in the one order, as the engine and the wall follow them, and how far the
workers that fill it have come. Others read it by way of `ingest.history`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from devices.readings import Reading

LANES = ("life", "bulk")  # of ingest
RENEWED_WITHIN = {"main": timedelta(seconds=10), "life": timedelta(seconds=2)}
PASSING = "http "  # a worker's name that begins so is one message on its way
BATCH = 2_000  # readings in a batch that is read back from `reading`

_decode = msgspec.json.Decoder(Reading).decode
_decode_batch = msgspec.json.Decoder(tuple[Reading, ...]).decode


class Batch(msgspec.Struct, frozen=True):
    """Readings that follow each other in the one order: readings[i] has arrival first + i."""

    first: int
    last: int
    readings: tuple[Reading, ...]


class Worker(msgspec.Struct, frozen=True):
    """What one lane of an ingest process last reported of itself."""

    worker: str
    lane: str  # life | bulk
    seen_until: datetime  # everything it received before is stored
    renewed_at: datetime  # when it reported that


def feed_after(
    conn: psycopg.Connection, arrival: int, *, life: bool = False, limit: int = 50
) -> list[Batch]:
    """Return the next batches (of up to 2,000 readings) whose numbers are above `arrival`.

    Fewer than `limit` when there are no more. With `life`, only batches that hold an SOS (and
    whatever else was saved with it). Complete: a batch that is still being written has a higher
    number than all that can be seen. Where the log is trimmed, the readings themselves are read.
    """
    rows = conn.execute(
        "SELECT trimmed, first, last, body FROM upkeep LEFT JOIN LATERAL ("
        " SELECT first, last, body FROM arrival_log WHERE last > %s"
        + (" AND life" if life else "")
        + " ORDER BY last LIMIT %s) AS log ON true",
        (arrival, limit),
        binary=True,
    ).fetchall()
    trimmed = rows[0][0]
    old = _trimmed(conn, arrival, trimmed, life=life, limit=limit) if arrival < trimmed else []
    logged = [row for row in rows if row[1] is not None][: limit - len(old)]
    return old + [Batch(first, last, _decode_batch(body)) for _, first, last, body in logged]


def _trimmed(
    conn: psycopg.Connection, after: int, upto: int, *, life: bool, limit: int
) -> list[Batch]:
    """Return the next batches of readings that the log has no more."""
    rows = conn.execute(
        "SELECT arrival, body FROM reading WHERE arrival > %s AND arrival <= %s"
        + (" AND kind = 'sos'" if life else "")
        + " ORDER BY arrival LIMIT %s",
        (after, upto, BATCH * limit),
    )
    return list(islice(_runs((arrival, _decode(body)) for arrival, body in rows), limit))


def _runs(numbered: Iterable[tuple[int, Reading]]) -> Iterator[Batch]:
    """Yield batches of readings whose numbers have no gap between them."""
    for _, run in groupby(enumerate(numbered), key=lambda item: item[1][0] - item[0]):
        members = [member for _, member in run]
        for start in range(0, len(members), BATCH):
            part = members[start : start + BATCH]
            yield Batch(part[0][0], part[-1][0], tuple(reading for _, reading in part))


def last_arrival(conn: psycopg.Connection) -> int:
    """Return the newest number in the feed; 0 where it is empty."""
    found = conn.cursor(row_factory=scalar_row).execute("SELECT max(last) FROM arrival_log")
    return int(found.fetchone() or 0)


def horizon(
    conn: psycopg.Connection, lane: Literal["main", "life"], *, patient: bool = False
) -> datetime:
    """Return the moment up to which timers may fire: what was received before is in the feed.

    A worker not renewed for 10 s counts as dead and holds nobody up (the life lane waits only
    2 s, and only for life workers); with no worker alive it is the database's now. With `patient`
    every worker counts that did not leave in good order.
    """
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT coalesce(min(seen_until), clock_timestamp()) FROM ingest_horizon"
        " WHERE (%s OR renewed_at > clock_timestamp() - %s) AND (lane = 'life' OR %s)",
        (patient, RENEWED_WITHIN[lane], lane == "main"),
    )
    moment: datetime = found.fetchone()  # type: ignore[assignment]  # an aggregate: always a row
    return moment


def workers(conn: psycopg.Connection) -> list[Worker]:
    """Return every lane that has not left in good order; a dead one keeps its last report."""
    cursor = conn.cursor(row_factory=class_row(Worker))
    return cursor.execute(
        "SELECT worker, lane, seen_until, renewed_at FROM ingest_horizon"
        " WHERE NOT starts_with(worker, %s) ORDER BY worker, lane",
        (PASSING,),
    ).fetchall()


def silent_lanes(conn: psycopg.Connection, silence: timedelta) -> list[str]:
    """Return the lanes of which no worker has reported for so long, the life lane first.

    A message by HTTP is no worker: it shows that one request came through, not that ingest runs.
    """
    cursor = conn.cursor(row_factory=scalar_row).execute(
        "SELECT lane FROM unnest(%s::text[]) WITH ORDINALITY AS lanes (lane, place)"
        " WHERE NOT EXISTS (SELECT FROM ingest_horizon AS report WHERE report.lane = lanes.lane"
        " AND NOT starts_with(worker, %s) AND renewed_at > clock_timestamp() - %s)"
        " ORDER BY place",
        (list(LANES), PASSING, silence),
    )
    return cursor.fetchall()


def renew_horizon(
    conn: psycopg.Connection, worker: str, lane: Literal["life", "bulk"], seen_until: datetime
) -> None:
    """Report that a worker has committed all it received on this lane before `seen_until`."""
    conn.execute(
        "INSERT INTO ingest_horizon (worker, lane, seen_until) VALUES (%s, %s, %s)"
        " ON CONFLICT (worker, lane) DO UPDATE SET seen_until = excluded.seen_until,"
        " renewed_at = clock_timestamp()",
        (worker, lane, seen_until),
    )


@contextmanager
def passing(conn: psycopg.Connection) -> Iterator[datetime]:
    """Take in one message that no session brought: the horizon waits for it inside the block.

    Yields the moment to stamp it with, which no timer has passed. It may be an SOS, so both
    lanes wait. `conn` is in autocommit mode; one message a connection. Raises psycopg.Error.
    """
    worker = f"{PASSING}{conn.info.backend_pid}"
    with conn.transaction():
        conn.execute(
            "DELETE FROM ingest_horizon WHERE starts_with(worker, %s)"
            " AND renewed_at < clock_timestamp() - interval '1 minute'",
            (PASSING,),
        )
        renew_horizon(conn, worker, "life", datetime.now(UTC))
    try:
        yield datetime.now(UTC)
    finally:
        if not conn.broken:
            leave_horizon(conn, worker, ["life"])


def leave_horizon(conn: psycopg.Connection, worker: str, lanes: Sequence[str]) -> None:
    """Delete what a worker reported, as it ends in good order: nobody need wait for it."""
    conn.execute(
        "DELETE FROM ingest_horizon WHERE worker = %s AND lane = ANY(%s)", (worker, list(lanes))
    )
