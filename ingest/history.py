"""The door to what ingest has stored, for alerts and dashboards: the feed (`ingest.feed`) and
questions about the past."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from devices.envelope import Envelope, HttpRequest
from devices.readings import TRACKED_KINDS, Reading
from ingest.feed import (
    RENEWED_WITHIN,
    Batch,
    Worker,
    feed_after,
    horizon,
    last_arrival,
    leave_horizon,
    renew_horizon,
    silent_lanes,
    workers,
)
from ingest.limits import LIMITS, Limits
from ingest.store.announcements import StoredAnnouncement, announcements
from ingest.store.counts import MessageCount, message_counts, recent_drops
from ingest.store.intrusions import Intrusion, recent_intrusions
from ingest.store.quality import (
    SKEWS,
    DeviceQuality,
    RejectionCount,
    device_quality,
    first_heard,
    rejection_counts,
    repeats,
)

__all__ = [
    "LIMITS",
    "RENEWED_WITHIN",
    "SKEWS",
    "Batch",
    "DeviceDay",
    "DeviceQuality",
    "HourCount",
    "Intrusion",
    "Limits",
    "MessageCount",
    "Rejected",
    "RejectionCount",
    "StoredAnnouncement",
    "Worker",
    "announcements",
    "device_days",
    "device_quality",
    "feed_after",
    "first_heard",
    "horizon",
    "hour_counts",
    "last_arrival",
    "latest",
    "leave_horizon",
    "message_counts",
    "readings",
    "recent_drops",
    "recent_intrusions",
    "rejected",
    "rejection_counts",
    "rejections",
    "renew_horizon",
    "repeats",
    "replay",
    "silent_lanes",
    "waiting_rejections",
    "workers",
]

SKEW = timedelta(minutes=10)  # between the clock of an ingest process and the database's
REDELIVERED_WITHIN = timedelta(days=1)  # a message may be stored so long after it was received
# Of a reading that was not taken as it was sent: the condition of migration 0026's partial indexes.
_MENDED = """body LIKE '%%"repaired":%%' OR body NOT LIKE '%%"clock":"ok"%%'"""
AT_ONCE = 2_000  # readings fetched in one go by a replay

_decode = msgspec.json.Decoder(Reading).decode


class HourCount(msgspec.Struct, frozen=True):
    """How many readings of a kind there are of one hour, by the time they are judged by."""

    hour: datetime
    kind: str
    readings: int


class DeviceDay(msgspec.Struct, frozen=True):
    """What one device sent on one UTC day."""

    day: datetime
    device: str
    kind: str
    readings: int
    first_at: datetime
    last_at: datetime


class Rejected(msgspec.Struct, frozen=True):
    """A message, or a part of one, that could not be read."""

    n: int
    received_at: datetime
    family: str
    reason: str
    detail: str
    topic: str  # "" for HTTP
    http: str | None  # HttpRequest as JSON
    payload: bytes  # pictures, templates and id numbers cut out; at most 64 KiB
    replayed_at: datetime | None  # when it was read after all
    device: str = ""  # who sent it, registered or not; "" where nobody could tell

    @property
    def place(self) -> str:
        """Return where it was sent: the topic, or the HTTP request's line."""
        request = self.envelope.http
        return f"{request.method} {request.path}" if request else self.topic

    @property
    def envelope(self) -> Envelope:
        """Return the message as it came."""
        request = msgspec.json.decode(self.http, type=HttpRequest) if self.http else None
        return Envelope(self.topic, self.payload, self.received_at, http=request)


def readings(
    conn: psycopg.Connection,
    *,
    device: str | None = None,
    devices: Collection[str] | None = None,
    kind: str | None = None,
    mended: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> list[Reading]:
    """Return the readings from `since` to before `until`, newest first.

    These are the times that a reading is judged by. `devices` narrows to some devices, before
    `limit` counts; so does `mended`, to those that were (or were not) repaired or judged by our
    clock.
    Positions, heartbeats and measurements of all devices together come by when they were stored,
    the last first, and a clock more than ten minutes ahead may fall out of `since`.
    """
    by_time = device is not None or kind not in (None, *TRACKED_KINDS)
    where, values = _where(
        ("device = %s", device),
        ("device = ANY(%s)", None if devices is None else list(devices)),
        ("kind = %s", kind),
        (f"({_MENDED}) AND %s", mended or None),
        (f"NOT ({_MENDED}) AND %s", True if mended is False else None),
        ("at >= %s", since),
        ("at < %s", until),
        ("arrival > %s", _stored_before(conn, since - SKEW) if since and not by_time else None),
    )
    rows = conn.cursor(row_factory=scalar_row).execute(
        f"SELECT body FROM reading {where} ORDER BY {'at' if by_time else 'arrival'} DESC LIMIT %s",
        (*values, limit),
    )
    return [_decode(body) for body in rows]


def latest(conn: psycopg.Connection, devices: Collection[str] | None = None) -> list[Reading]:
    """Return the last reading of each kind of each device (or of these), by their own time."""
    where, values = _where(("device = ANY(%s)", None if devices is None else list(devices)))
    and_where = where.replace("WHERE", "AND")
    newest: dict[tuple[str, str], tuple[datetime, str]] = {}
    rows = conn.execute(
        f"SELECT device, kind, at, body FROM latest_reading {where}"
        " UNION ALL (SELECT device, kind, at, body FROM reading"
        f" WHERE arrival > (SELECT digested FROM upkeep) {and_where} ORDER BY arrival)",
        (*values, *values),
        binary=True,
    )
    for device, kind, at, body in rows:
        known = newest.get((device, kind))
        if known is None or known[0] <= at:
            newest[device, kind] = (at, body)
    return [_decode(body) for _, body in newest.values()]


def replay(
    conn: psycopg.Connection, since: datetime, until: datetime
) -> Iterator[tuple[int, Reading]]:
    """Yield every stored reading received from `since` to before `until`, by arrival number.

    Streams: memory does not grow with the length. `conn` is in a transaction until the end, so
    it must serve nothing else meanwhile.
    """
    where, values = _where(
        ("received_at >= %s", since),
        ("received_at < %s", until),
        ("arrival > %s", _stored_before(conn, since - SKEW)),
        ("arrival <= %s", _stored_after(conn, until + REDELIVERED_WITHIN)),
    )
    with conn.transaction(), conn.cursor(name="replay") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(f"SELECT arrival, body FROM reading {where} ORDER BY arrival", values)
        for arrival, body in cursor:
            yield arrival, _decode(body)


def hour_counts(conn: psycopg.Connection, since: datetime, until: datetime) -> list[HourCount]:
    """Return the readings of each hour and kind; they outlive the readings themselves."""
    cursor = conn.cursor(row_factory=class_row(HourCount))
    return cursor.execute(
        "SELECT hour, kind, readings FROM reading_hourly WHERE hour >= %s AND hour < %s"
        " ORDER BY hour, kind",
        (since, until),
    ).fetchall()


def device_days(
    conn: psycopg.Connection, devices: Collection[str], since: datetime, until: datetime
) -> list[DeviceDay]:
    """Return what these devices sent on each UTC day; it outlives the readings themselves."""
    cursor = conn.cursor(row_factory=class_row(DeviceDay))
    found = cursor.execute(
        "SELECT day, device, kind, readings, first_at, last_at FROM device_daily"
        " WHERE device = ANY(%s) AND day >= %s AND day < %s ORDER BY device, day, kind",
        (list(devices), since, until),
    )
    # A session of another zone would name the day before.
    return [msgspec.structs.replace(one, day=one.day.astimezone(UTC)) for one in found]


def rejections(
    conn: psycopg.Connection,
    *,
    devices: Collection[str] | None = None,
    reason: str | None = None,
    family: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    replayed: bool | None = None,
    after: int | None = None,
    limit: int = 100,
) -> list[Rejected]:
    """Return what could not be read, received from `since` to before `until`, newest first.

    `devices` narrows to those that some devices sent; "" is a device that nobody could tell.
    `replayed` narrows to those that were (or were not) read after all. With `after`, those with
    a higher number, oldest first.
    """
    where, values = _where(
        ("n > %s", after),
        ("device = ANY(%s)", None if devices is None else list(devices)),
        ("reason = %s", reason),
        ("family = %s", family),
        ("received_at >= %s", since),
        ("received_at < %s", until),
        ("(replayed_at IS NOT NULL) = %s", replayed),
    )
    cursor = conn.cursor(row_factory=class_row(Rejected))
    return cursor.execute(
        f"SELECT {_REJECTED} FROM rejection {where}"
        f" ORDER BY n {'DESC' if after is None else ''} LIMIT %s",
        (*values, limit),
    ).fetchall()


def waiting_rejections(
    conn: psycopg.Connection, devices: Collection[str] | None = None, reason: str | None = None
) -> int:
    """Return how many messages that could not be read wait to be read again."""
    where, values = _where(
        ("device = ANY(%s)", None if devices is None else list(devices)),
        ("reason = %s", reason),
    )
    found = conn.execute(
        f"SELECT count(*) FROM (SELECT FROM rejection {where or 'WHERE true'}"
        " AND replayed_at IS NULL) AS waiting",
        values,
    ).fetchone()
    assert found is not None  # a count always has a row
    return int(found[0])


def rejected(conn: psycopg.Connection, n: int) -> Rejected | None:
    """Return one rejection by its number, or None."""
    cursor = conn.cursor(row_factory=class_row(Rejected))
    return cursor.execute(f"SELECT {_REJECTED} FROM rejection WHERE n = %s", (n,)).fetchone()


_REJECTED = "n, received_at, family, reason, detail, topic, http, payload, replayed_at, device"


def _where(*conditions: tuple[str, object]) -> tuple[str, tuple[object, ...]]:
    """Return a WHERE clause of the conditions that have a value, and these values."""
    given = [(condition, value) for condition, value in conditions if value is not None]
    clause = " AND ".join(condition for condition, _ in given)
    return (f"WHERE {clause}" if clause else ""), tuple(value for _, value in given)


def _stored_before(conn: psycopg.Connection, moment: datetime) -> int | None:
    """Return a number that only readings stored before `moment` have reached, if known."""
    return _number(conn, "SELECT max(arrival) FROM arrival_mark WHERE at <= %s", moment)


def _stored_after(conn: psycopg.Connection, moment: datetime) -> int | None:
    """Return a number that every reading stored before `moment` is within, if known."""
    return _number(conn, "SELECT min(arrival) FROM arrival_mark WHERE at >= %s", moment)


def _number(conn: psycopg.Connection, question: LiteralString, moment: datetime) -> int | None:
    return conn.cursor(row_factory=scalar_row).execute(question, (moment,)).fetchone()
