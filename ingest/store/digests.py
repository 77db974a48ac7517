"""What outlives the readings: counts by hour and by device and day, and each device's latest.

Readings are digested in the order of their arrival numbers, each once, so late ones count in the
hour they belong to. On TimescaleDB the counts are continuous aggregates, refreshed by the
server; only the latest readings are kept here.
"""

import psycopg

MOST = 500_000  # readings digested in one transaction

_HOURLY = """
INSERT INTO reading_hourly AS so_far (hour, kind, readings)
SELECT date_trunc('hour', at, 'UTC'), kind, count(*) FROM reading
WHERE arrival > %(after)s AND arrival <= %(upto)s GROUP BY 1, 2
ON CONFLICT (hour, kind) DO UPDATE SET readings = so_far.readings + excluded.readings"""

_DAILY = """
INSERT INTO device_daily AS so_far (day, device, kind, readings, first_at, last_at)
SELECT date_trunc('day', at, 'UTC'), device, kind, count(*), min(at), max(at) FROM reading
WHERE arrival > %(after)s AND arrival <= %(upto)s GROUP BY 1, 2, 3
ON CONFLICT (device, day, kind) DO UPDATE SET
    readings = so_far.readings + excluded.readings,
    first_at = least(so_far.first_at, excluded.first_at),
    last_at = greatest(so_far.last_at, excluded.last_at)"""

_LATEST = """
INSERT INTO latest_reading AS so_far (device, kind, at, arrival, body)
SELECT DISTINCT ON (device, kind) device, kind, at, arrival, body FROM reading
WHERE arrival > %(after)s AND arrival <= %(upto)s ORDER BY device, kind, at DESC, arrival DESC
ON CONFLICT (device, kind) DO UPDATE
SET at = excluded.at, arrival = excluded.arrival, body = excluded.body
WHERE (excluded.at, excluded.arrival) > (so_far.at, so_far.arrival)"""


def digest(conn: psycopg.Connection, *, counts: bool) -> int:
    """Digest what has come since the last time; how many arrival numbers that were.

    `counts` only where the counts are tables of ours (native partitions).
    """
    done = 0
    while step := _digest_step(conn, counts=counts):
        done += step
    return done


def _digest_step(conn: psycopg.Connection, *, counts: bool) -> int:
    with conn.transaction():
        row = conn.execute(
            "SELECT digested, (SELECT max(last) FROM arrival_log) FROM upkeep FOR UPDATE"
        ).fetchone()
        assert row is not None  # the migration puts it there
        after, newest = row
        if newest is None or newest <= after:
            return 0
        span = {"after": after, "upto": min(newest, after + MOST)}
        for statement in (_HOURLY, _DAILY, _LATEST) if counts else (_LATEST,):
            conn.execute(statement, span)
        conn.execute("UPDATE upkeep SET digested = %(upto)s", span)
    return int(span["upto"] - after)
