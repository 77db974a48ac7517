"""How well devices speak: what was refused, sent twice, late or of a wrong clock.

What is counted from readings is counted from the newest of them, so that a question costs the same
in a town of any size.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import psycopg
from psycopg.rows import class_row

from ingest.store.save import AdmittedMessage, Arrivals

NEWEST = 200_000  # readings that are looked at
KEPT = timedelta(days=7)  # counts of what was sent again
LATE = timedelta(minutes=1)  # received so long after it happened, a reading is late
# Upper ends of the histogram's bars: our clock minus the device's, in seconds.
SKEWS = (-86_400, -120, -10, -1, 1, 10, 60, 3600, 86_400)


class RejectionCount(msgspec.Struct, frozen=True):
    """What was refused of one device for one reason."""

    device: str  # "" where nobody could tell
    family: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    sample: int  # the number of the newest


class DeviceQuality(msgspec.Struct, frozen=True):
    """What one device's newest readings show."""

    device: str
    readings: int
    late: int  # received more than a minute after it happened, buffered ones included
    replayed: int  # said to come from the device's own buffer
    untimed: int  # without a time, or with one that can't be believed
    busiest: int  # readings in its busiest minute
    skews: list[int]  # of live readings with a time, a number for each bar


def rejection_counts(
    conn: psycopg.Connection, since: datetime, devices: Collection[str] | None = None
) -> list[RejectionCount]:
    """Return what was refused since, by device, family and reason; the most frequent first."""
    cursor = conn.cursor(row_factory=class_row(RejectionCount))
    return cursor.execute(
        "SELECT device, family, reason, count(*) AS count, min(received_at) AS first_at,"
        " max(received_at) AS last_at, max(n) AS sample FROM rejection"
        " WHERE received_at >= %s AND (%s::text[] IS NULL OR device = ANY(%s))"
        " GROUP BY device, family, reason ORDER BY count DESC, last_at DESC",
        (since, *[None if devices is None else list(devices)] * 2),
    ).fetchall()


_QUALITY = """
WITH newest AS (
    SELECT device, at, received_at, body LIKE '%%"replayed":true%%' AS replayed,
        body LIKE '%%"observed_at":null%%' OR body LIKE '%%"clock":"quarantined"%%' AS untimed
    FROM reading
    WHERE arrival > (SELECT coalesce(max(last), 0) - %(newest)s FROM arrival_log)
        AND received_at >= %(since)s
        AND (%(devices)s::text[] IS NULL OR device = ANY(%(devices)s))
), judged AS (
    SELECT *, width_bucket(extract(epoch FROM received_at - at), %(skews)s::numeric[]) AS bar,
        NOT replayed AND NOT untimed AS live
    FROM newest
), minutes AS (
    SELECT device, max(n) AS busiest FROM (
        SELECT device, count(*) AS n FROM newest GROUP BY device, date_trunc('minute', received_at)
    ) AS each_minute GROUP BY device
)
SELECT device, count(*) AS readings,
    count(*) FILTER (WHERE received_at - at > %(late)s) AS late,
    count(*) FILTER (WHERE replayed) AS replayed,
    count(*) FILTER (WHERE untimed) AS untimed,
    max(busiest) AS busiest,
    ARRAY[{bars}] AS skews
FROM judged JOIN minutes USING (device) GROUP BY device"""


def device_quality(
    conn: psycopg.Connection, since: datetime, devices: Collection[str] | None = None
) -> list[DeviceQuality]:
    """Return what readings received since show of each device; the newest 200,000 at most."""
    bars = ", ".join(
        f"count(*) FILTER (WHERE live AND bar = {bar})" for bar in range(len(SKEWS) + 1)
    )
    asked = {
        "newest": NEWEST,
        "since": since,
        "devices": None if devices is None else list(devices),
        "skews": list(SKEWS),
        "late": LATE,
    }
    cursor = conn.cursor(row_factory=class_row(DeviceQuality))
    return cursor.execute(_QUALITY.format(bars=bars).encode(), asked).fetchall()


# ------------------------------------------------------------------ what was sent again


def repeats_of(messages: Sequence[AdmittedMessage], arrivals: Arrivals) -> Counter[str]:
    """Return how many messages of each device had been stored before."""
    return Counter(
        message.admitted.readings[0].device
        for message, outcome in zip(messages, arrivals.outcomes, strict=True)
        if outcome == "duplicate"
    )


def keep_repeats(conn: psycopg.Connection, repeats: Mapping[str, int]) -> None:
    """Add these to the counts of the current hour, and forget those of weeks ago.

    Raises psycopg.Error.
    """
    if not repeats:
        return
    conn.execute("DELETE FROM device_repeats WHERE hour < clock_timestamp() - %s", (KEPT,))
    found = sorted(repeats.items())
    conn.execute(
        "INSERT INTO device_repeats AS kept (hour, device, messages)"
        " SELECT date_trunc('hour', clock_timestamp()), device, messages"
        " FROM unnest(%s::text[], %s::bigint[]) AS given (device, messages)"
        " ON CONFLICT (device, hour) DO UPDATE SET messages = kept.messages + excluded.messages",
        ([device for device, _ in found], [count for _, count in found]),
    )


def repeats(
    conn: psycopg.Connection, since: datetime, devices: Collection[str] | None = None
) -> dict[str, int]:
    """Return how many messages each device sent again since, by whole hours."""
    rows = conn.execute(
        "SELECT device, sum(messages)::bigint FROM device_repeats"
        " WHERE hour >= date_trunc('hour', %s::timestamptz)"
        " AND (%s::text[] IS NULL OR device = ANY(%s)) GROUP BY device",
        (since, *[None if devices is None else list(devices)] * 2),
    )
    return dict(rows.fetchall())


def first_heard(conn: psycopg.Connection, devices: Collection[str]) -> dict[str, datetime]:
    """Return when each of these devices was heard first, by its own time."""
    rows = conn.execute(
        "SELECT device, min(first_at) FROM ("
        " SELECT device, first_at FROM device_daily WHERE device = ANY(%s) UNION ALL"
        " SELECT device, at FROM reading WHERE device = ANY(%s)"
        " AND arrival > (SELECT digested FROM upkeep)) AS heard GROUP BY device",
        (list(devices), list(devices)),
    )
    return dict(rows.fetchall())
