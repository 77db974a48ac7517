"""House-keeping on PostgreSQL: partitions roll, digests add up, logs and rejections have an end."""

import random
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg
import pytest
from batches import NOON, door, measured, message, messages, position, press

from core.locks import Lock
from devices.envelope import Envelope
from devices.readings import Reading, Reason, Rejection
from ingest.history import device_days, feed_after, hour_counts, latest, rejections
from ingest.store import upkeep
from ingest.store.partitions import EVENT, TRACK, Span, existing, name_of, wanted
from ingest.store.save import save
from tests.clock import utc_now

pytestmark = pytest.mark.edge


@pytest.fixture
def today() -> datetime:
    """Now: upkeep weighs the rows by the database's own stamps."""
    return utc_now()


def column(conn: psycopg.Connection, query: LiteralString) -> list[object]:
    return [value for (value,) in conn.execute(query)]


def said_at(moment: datetime, n: int = 0) -> list[Reading]:
    return [position(n, observed_at=moment, received_at=moment), door(n, observed_at=moment)]


# ---------------------------------------------------------------- partitions


def test_a_migrated_database_has_its_partitions(conn: psycopg.Connection) -> None:
    (migrated,) = column(conn, "SELECT max(run_at) FROM migration")
    assert isinstance(migrated, datetime)
    day = migrated.astimezone(UTC).date()
    for kept in (TRACK, EVENT):
        assert existing(conn, kept) == set(wanted(kept, day))
    save(conn, messages(*said_at(migrated)))
    where = column(conn, "SELECT tableoid::regclass::text FROM reading_track")
    assert where == [name_of("reading_track", Span(day, day))]


def test_partitions_roll_day_by_day(conn: psycopg.Connection, today: datetime) -> None:
    tomorrow = today + timedelta(days=1)
    report = upkeep.run(conn, now=tomorrow)
    newest = wanted(TRACK, tomorrow.date())[-1]
    assert name_of("reading_track", newest) in report.made
    assert upkeep.run(conn, now=tomorrow).made == ()


def test_each_kind_goes_in_its_time(conn: psycopg.Connection, today: datetime) -> None:
    save(conn, messages(*said_at(today, 1), *said_at(today - timedelta(days=60), 2)))
    upkeep.run(conn, now=today + timedelta(days=31))
    assert column(conn, "SELECT id FROM reading_track ORDER BY id") == ["p1"]
    report = upkeep.run(conn, now=today + timedelta(days=91))
    assert name_of("reading_track", Span(today.date(), today.date())) in report.dropped
    assert column(conn, "SELECT count(*) FROM reading_track") == [0]
    assert column(conn, "SELECT id FROM reading_event ORDER BY id") == ["d1", "d2"]
    upkeep.run(conn, now=today + timedelta(days=800))
    assert column(conn, "SELECT count(*) FROM reading") == [0]


def test_days_that_had_no_partition_get_theirs(conn: psycopg.Connection, today: datetime) -> None:
    """Upkeep was away for a month: what fell into the DEFAULT partition moves."""
    month = today + timedelta(days=30)
    saved = save(conn, messages(*said_at(month)))
    assert column(conn, "SELECT id FROM reading_track_other") == ["p0"]
    upkeep.run(conn, now=month)
    assert column(conn, "SELECT count(*) FROM reading_track_other") == [0]
    assert column(conn, "SELECT count(*) FROM reading") == [2]
    assert save(conn, messages(*saved.stored)).outcomes == ("duplicate", "duplicate")


def test_a_long_reader_holds_nobody_up(
    conn: psycopg.Connection, database_url: str, today: datetime
) -> None:
    """What can't be locked now is made or dropped next time; saving goes on."""
    later = today + timedelta(days=95)
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM reading")
        report = upkeep.run(conn, now=later)
        assert report.dropped == ()
        assert save(conn, messages(*said_at(today))).outcomes == ("stored", "stored")
    assert upkeep.run(conn, now=later).dropped != ()


def test_one_process_works_the_others_pass(
    conn: psycopg.Connection, database_url: str, today: datetime
) -> None:
    tomorrow = today + timedelta(days=1)
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (Lock.UPKEEP,))
        assert upkeep.run(conn, now=tomorrow) == upkeep.UpkeepReport()
        other.execute("SELECT pg_advisory_unlock(%s)", (Lock.UPKEEP,))
        assert upkeep.run(conn, now=tomorrow).made != ()


# ---------------------------------------------------------------- digests


def test_counts_add_up_and_outlive_the_readings(conn: psycopg.Connection, today: datetime) -> None:
    start = today.replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)
    for n in range(4):
        save(conn, messages(*said_at(start + timedelta(minutes=40 * n), n)))
        upkeep.run(conn)
    late = said_at(start - timedelta(days=5), 9)
    save(conn, messages(*late, *late))
    assert upkeep.run(conn).digested > 0
    upkeep.run(conn, now=today + timedelta(days=800))
    assert column(conn, "SELECT count(*) FROM reading") == [0]
    counts = hour_counts(conn, start, start + timedelta(hours=3))
    assert [(each.hour.astimezone(UTC).hour, each.kind, each.readings) for each in counts] == [
        (10, "door", 2),
        (10, "position", 2),
        (11, "door", 1),
        (11, "position", 1),
        (12, "door", 1),
        (12, "position", 1),
    ]
    days = device_days(conn, ["door-1"], start - timedelta(days=9), today)
    assert [(each.readings, each.first_at, each.last_at) for each in days] == [
        (1, start - timedelta(days=5), start - timedelta(days=5)),
        (4, start, start + timedelta(hours=2)),
    ]


def test_the_latest_of_each_kind_is_the_device_s_own_latest(conn: psycopg.Connection) -> None:
    one, two, three = (position(n, device="phone-2") for n in (1, 2, 3))
    save(conn, messages(two, door(5)))
    assert newest(conn) == {"d5", "p2"}
    upkeep.run(conn, now=NOON)
    save(conn, messages(one, press(6)))
    assert newest(conn) == {"d5", "p2", "s6"}
    upkeep.run(conn, now=NOON)
    save(conn, messages(three))
    assert newest(conn) == {"d5", "p3", "s6"}
    assert [each.id for each in latest(conn, ["phone-2"])] == ["p3"]
    assert latest(conn, []) == []


def newest(conn: psycopg.Connection) -> set[str]:
    return {each.id for each in latest(conn)}


def test_a_last_position_goes_with_the_positions(conn: psycopg.Connection, today: datetime) -> None:
    warm = measured(0, observed_at=today, received_at=today)
    save(conn, messages(*said_at(today), warm))
    upkeep.run(conn, now=today + timedelta(days=89))
    assert newest(conn) == {"p0", "d0", "m0"}
    upkeep.run(conn, now=today + timedelta(days=91))
    assert newest(conn) == {"d0"}


# ---------------------------------------------------------------- the feed's log


def passed(conn: psycopg.Connection, arrival: int) -> None:
    """The main lane's states are saved up to here."""
    conn.execute(
        "INSERT INTO checkpoint (lane, outputs_at, states_at, clock, states_clock)"
        " VALUES ('main', %(at)s, %(at)s, now(), now()) ON CONFLICT (lane) DO UPDATE"
        " SET states_at = excluded.states_at",
        {"at": arrival},
    )


def test_the_log_is_cut_behind_its_readers(conn: psycopg.Connection, today: datetime) -> None:
    for n in range(5):
        save(conn, messages(position(n)))
    second = feed_after(conn, 0)[1].last
    passed(conn, second)
    assert upkeep.run(conn).trimmed == 0
    assert upkeep.run(conn, now=today + timedelta(days=2)).trimmed == 2
    passed(conn, 100)
    assert upkeep.run(conn, now=today + timedelta(days=2)).trimmed == 2
    assert column(conn, "SELECT count(*) FROM arrival_log") == [1]


def test_a_reader_behind_the_log_reads_the_readings(
    conn: psycopg.Connection, today: datetime
) -> None:
    def at(n: int) -> dict[str, datetime]:
        moment = today + timedelta(seconds=n)
        return {"observed_at": moment, "received_at": moment}

    for n in range(0, 40, 4):
        made = zip((position, door, position, press), range(n, n + 4), strict=True)
        save(conn, messages(*(make(number, **at(number)) for make, number in made)))
    conn.execute("SELECT nextval('arrival')")
    save(conn, messages(position(40, **at(40))))
    whole = read_on(conn, limit=100)
    presses = [each for each in whole if each[1].device == "btn-1"]
    assert upkeep.run(conn, now=today + timedelta(days=8)).trimmed == 10
    for limit in (1, 2, 100):
        assert read_on(conn, limit=limit) == whole
        life = read_on(conn, limit=limit, life=True)
        assert [each for each in life if each[1].device == "btn-1"] == presses


def read_on(
    conn: psycopg.Connection, *, limit: int, life: bool = False
) -> list[tuple[int, Reading]]:
    """Read until there are fewer batches than asked for."""
    seen: list[tuple[int, Reading]] = []
    while True:
        batches = feed_after(conn, seen[-1][0] if seen else 0, life=life, limit=limit)
        for batch in batches:
            seen += zip(range(batch.first, batch.last + 1), batch.readings, strict=True)
        if len(batches) < limit:
            return seen


# ---------------------------------------------------------------- rejections


def test_old_rejections_go(conn: psycopg.Connection, today: datetime) -> None:
    refuse(conn, today - timedelta(days=31), b"old")
    refuse(conn, today, b"new")
    assert upkeep.run(conn).forgotten == 1
    assert [each.payload for each in rejections(conn)] == [b"new"]


def test_a_flood_of_rejections_keeps_the_newest(conn: psycopg.Connection, today: datetime) -> None:
    for n in range(50):
        refuse(conn, today, b"%02d" % n + random.Random(n).randbytes(50_000))
    report = upkeep.run(conn, rejection_bytes=1_000_000)
    kept = [each.payload[:2] for each in rejections(conn)]
    assert kept == [b"%02d" % n for n in range(49, 49 - len(kept), -1)]
    assert len(kept) == 50 - report.forgotten == 19


def refuse(conn: psycopg.Connection, received_at: datetime, payload: bytes) -> None:
    envelope = Envelope("nobody/here", payload, received_at)
    refused = Rejection(Reason.UNKNOWN_TOPIC, "nobody speaks here")
    save(conn, [message(rejections=(refused,), envelope=envelope)])
