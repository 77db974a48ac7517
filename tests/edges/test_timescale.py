"""The schema and every policy on TimescaleDB. (Its COPY can't be tried: this build has none.)"""

from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg
import pytest
from batches import door, position, press

from deploy.migrate import migrate, migrations
from devices.readings import Reading
from ingest import history
from ingest.store import upkeep
from ingest.store.rows import row_of
from tests.clock import utc_now

pytestmark = pytest.mark.edge


@pytest.fixture
def today() -> datetime:
    """Today's noon: the server compresses and drops by its own clock."""
    return utc_now().replace(hour=12, minute=0, second=0, microsecond=0)


def put(conn: psycopg.Connection, *readings: Reading) -> None:
    """What `store.save` does, with INSERT in the place of COPY."""
    for reading in readings:
        row = row_of(0, reading)
        conn.execute(
            f"INSERT INTO {row.table} (arrival, at, received_at, device, id, kind, body)"
            " SELECT nextval('arrival'), %s, %s, %s, %s, body::jsonb ->> 'kind', body"
            " FROM (VALUES (%s)) AS said (body)",
            (reading.at, reading.received_at, reading.device, reading.id, row.body.decode()),
        )
        conn.execute(
            "INSERT INTO arrival_log (first, last, life, body)"
            " VALUES (currval('arrival'), currval('arrival'), false, %s)",
            (b"[" + row.body + b"]",),
        )


def run_jobs(conn: psycopg.Connection, procedure: LiteralString, table: str = "%") -> None:
    """What the server's background workers do by themselves."""
    jobs = conn.execute(
        "SELECT job_id FROM timescaledb_information.jobs"
        " WHERE proc_name = %s AND hypertable_name LIKE %s",
        (procedure, table),
    ).fetchall()
    assert jobs
    for (job,) in jobs:
        conn.execute("CALL run_job(%s)", (job,))


def ids(readings: list[Reading]) -> list[str]:
    return [reading.id for reading in readings]


def said(at: datetime, n: int) -> tuple[Reading, Reading]:
    return position(n, observed_at=at, received_at=at), door(n, observed_at=at, received_at=at)


def test_a_second_run_finds_nothing_to_do(timescale: psycopg.Connection) -> None:
    assert migrate(timescale) == []
    (count,) = timescale.execute("SELECT count(*) FROM migration").fetchone() or (0,)
    assert count == len(migrations())


def test_readings_are_hypertables_by_day_and_week(timescale: psycopg.Connection) -> None:
    dimensions = timescale.execute(
        "SELECT hypertable_name, column_name, time_interval FROM timescaledb_information.dimensions"
        " WHERE hypertable_name IN ('reading_track', 'reading_event') ORDER BY 1 DESC"
    ).fetchall()
    assert dimensions == [
        ("reading_track", "at", timedelta(days=1)),
        ("reading_event", "at", timedelta(days=7)),
    ]


@pytest.mark.parametrize("year", [1970, 2005, 2036])
def test_a_reading_of_any_age_is_stored_once(timescale: psycopg.Connection, year: int) -> None:
    put(timescale, *said(datetime(year, 1, 1, tzinfo=UTC), 1))
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(timescale, *said(datetime(year, 1, 1, tzinfo=UTC), 1))
    assert ids(history.readings(timescale, device="phone-1")) == ["p1"]


def test_compressed_days_still_take_late_readings_and_no_repeat(
    timescale: psycopg.Connection, today: datetime
) -> None:
    old, new = today - timedelta(days=20), today - timedelta(days=2)
    put(timescale, *said(old, 1), *said(old + timedelta(minutes=1), 2), *said(new, 3))
    run_jobs(timescale, "policy_compression")
    compressed = timescale.execute(
        "SELECT hypertable_name, count(*) FROM timescaledb_information.chunks"
        " WHERE is_compressed GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert compressed == [("reading_event", 1), ("reading_track", 1)]
    put(timescale, position(9, observed_at=old + timedelta(seconds=30), received_at=new))
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(timescale, position(1, observed_at=old))
    assert ids(history.readings(timescale, device="phone-1")) == ["p3", "p2", "p9", "p1"]
    assert ids([each for _, each in history.replay(timescale, old, today)]) == [
        *("p1", "d1", "p2", "d2", "p3", "d3", "p9")
    ]


def test_each_kind_goes_in_its_time(timescale: psycopg.Connection, today: datetime) -> None:
    put(timescale, *said(today, 1), *said(today - timedelta(days=95), 2))
    put(timescale, *said(today - timedelta(days=740), 3))
    run_jobs(timescale, "policy_retention", "reading%")
    assert ids(history.readings(timescale, device="phone-1")) == ["p1"]
    assert ids(history.readings(timescale, device="door-1")) == ["d1", "d2"]


def test_counts_add_up_and_outlive_the_readings(
    timescale: psycopg.Connection, today: datetime
) -> None:
    first = today - timedelta(days=20)
    put(
        timescale,
        *said(first, 1),
        *said(first + timedelta(minutes=1), 2),
        press(3, observed_at=first),
    )
    run_jobs(timescale, "policy_refresh_continuous_aggregate")
    put(timescale, position(4, observed_at=first + timedelta(minutes=2)))  # late: counted next time
    run_jobs(timescale, "policy_refresh_continuous_aggregate")
    for table in ("reading_track", "reading_event"):
        timescale.execute("SELECT drop_chunks(%s::regclass, now() - interval '1 day')", (table,))
    assert history.readings(timescale) == []
    hours = history.hour_counts(timescale, first, today)
    assert [(each.hour, each.kind, each.readings) for each in hours] == [
        (first, "door", 2),
        (first, "position", 3),
        (first, "sos", 1),
    ]
    (day,) = history.device_days(timescale, ["phone-1"], first - timedelta(days=1), today)
    assert (day.readings, day.first_at, day.last_at) == (
        3,
        first,
        first + timedelta(minutes=2),
    )


def test_a_refresh_after_the_drop_forgets_nothing(
    timescale: psycopg.Connection, today: datetime
) -> None:
    """Positions go after 90 days; the refresh looks back 80."""
    first = today - timedelta(days=85)
    put(timescale, *said(first, 1))
    for view in ("reading_track_hourly", "reading_track_daily"):  # as it was five days ago
        timescale.execute(f"CALL refresh_continuous_aggregate('{view}', NULL, now()::timestamptz)")
    timescale.execute("SELECT drop_chunks('reading_track', now() - interval '82 days')")
    put(timescale, *said(today - timedelta(days=2), 2))
    run_jobs(timescale, "policy_refresh_continuous_aggregate")
    days = history.device_days(timescale, ["phone-1"], first - timedelta(days=1), today)
    assert [each.readings for each in days] == [1, 1]


def test_upkeep_leaves_chunks_and_counts_to_the_server(
    timescale: psycopg.Connection, today: datetime
) -> None:
    put(timescale, *said(today, 1), *said(today - timedelta(days=8), 2))
    report = upkeep.run(timescale, now=today + timedelta(days=2))
    assert (report.made, report.dropped) == ((), ())
    assert report.digested > 0
    assert report.trimmed == 3
    assert ids(history.latest(timescale)) == ["d1", "p1"]
    fed = [each for batch in history.feed_after(timescale, 0) for each in batch.readings]
    assert ids(fed) == ["p1", "d1", "p2", "d2"]


def test_the_key_takes_the_kind_in_where_days_are_compressed(
    timescale: psycopg.Connection, today: datetime
) -> None:
    old = today - timedelta(days=20)
    put(timescale, *said(old, 1))
    run_jobs(timescale, "policy_compression")
    timescale.execute(next(one.sql for one in migrations() if one.number == 21).encode())
    put(timescale, press(1, observed_at=old, device="door-1", id="d1"))
    for known in (*said(old, 1), press(1, observed_at=old, device="door-1", id="d1")):
        with pytest.raises(psycopg.errors.UniqueViolation):
            put(timescale, known)
    run_jobs(timescale, "policy_compression")
    compressed = timescale.execute(
        "SELECT hypertable_name FROM timescaledb_information.chunks"
        " WHERE is_compressed AND hypertable_name LIKE 'reading%' ORDER BY 1"
    ).fetchall()
    assert compressed == [("reading_event",), ("reading_track",)]
