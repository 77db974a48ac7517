"""Questions about what was stored, asked of a real PostgreSQL."""

from datetime import datetime, timedelta

import psycopg
import pytest
from batches import NOON, door, measured, message, messages, position, press

from devices.readings import Reading, Reason, Rejection
from ingest import history
from ingest.store import upkeep
from ingest.store.save import save
from tests.clock import utc_now

pytestmark = pytest.mark.edge


def ids(readings: list[Reading]) -> list[str]:
    return [reading.id for reading in readings]


def after_noon(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# ---------------------------------------------------------------- readings


def test_readings_of_a_device_newest_first(conn: psycopg.Connection) -> None:
    save(conn, messages(position(3), position(1), door(2), position(2)))
    assert ids(history.readings(conn, device="phone-1")) == ["p3", "p2", "p1"]
    assert ids(history.readings(conn, device="phone-1", limit=2)) == ["p3", "p2"]
    span = history.readings(conn, device="phone-1", since=after_noon(1), until=after_noon(3))
    assert ids(span) == ["p2", "p1"]
    assert history.readings(conn, device="phone-1", kind="door") == []


def test_readings_of_all_devices(conn: psycopg.Connection) -> None:
    save(conn, messages(press(5), press(2), position(9), door(3), position(4)))
    save(conn, messages(measured(8), measured(1, device="sensor-2")))
    assert ids(history.readings(conn, kind="sos")) == ["s5", "s2"]
    assert ids(history.readings(conn, kind="measured")) == ["m1", "m8"]
    assert ids(history.readings(conn, kind="position")) == ["p4", "p9"]  # as stored, last first
    assert ids(history.readings(conn)) == ["m1", "m8", "p4", "d3", "p9", "s2", "s5"]
    assert ids(history.readings(conn, since=after_noon(4))) == ["m8", "p4", "p9", "s5"]


def test_readings_since_a_moment_look_no_further_back_than_they_must(
    conn: psycopg.Connection,
) -> None:
    now = utc_now()
    save(conn, messages(position(1, observed_at=now - timedelta(hours=3))))
    upkeep.run(conn, now=now - timedelta(hours=2))
    recent = now - timedelta(hours=1)
    save(conn, messages(position(2, observed_at=recent), position(3)))
    assert ids(history.readings(conn, since=now - timedelta(hours=1.5))) == ["p2"]
    assert ids(history.readings(conn, since=now - timedelta(hours=4))) == ["p2", "p1"]


# ---------------------------------------------------------------- replay


def replayed(conn: psycopg.Connection, since: datetime, until: datetime) -> list[str]:
    return [reading.id for _, reading in history.replay(conn, since, until)]


def test_a_replay_is_in_arrival_order_by_when_it_was_received(conn: psycopg.Connection) -> None:
    late = door(1, received_at=after_noon(50))
    save(conn, messages(position(10), press(30)))
    save(conn, messages(late, position(40)))
    assert replayed(conn, NOON, after_noon(60)) == ["p10", "s30", "d1", "p40"]
    assert replayed(conn, after_noon(30), after_noon(50)) == ["s30", "p40"]
    numbers = [arrival for arrival, _ in history.replay(conn, NOON, after_noon(60))]
    assert numbers == sorted(numbers)


def on_day(n: int, day: datetime) -> list[Reading]:
    """Three positions of the n-th day."""
    moments = [day + timedelta(seconds=k) for k in range(3)]
    return [position(n * 10 + k, observed_at=at, received_at=day) for k, at in enumerate(moments)]


def test_a_replay_finds_the_same_with_and_without_marks(conn: psycopg.Connection) -> None:
    """Marks only spare the database the days that can't hold what is asked for."""
    now = utc_now()
    days = [now + timedelta(days=n) for n in range(6)]
    for n, day in enumerate(days):
        save(conn, messages(*on_day(n, day)))
    spans = [(one, other + timedelta(hours=1)) for one in days for other in days if one <= other]
    without = [replayed(conn, *span) for span in spans]
    conn.execute("TRUNCATE reading_track, reading_event, arrival_log")
    for n, day in enumerate(days):
        save(conn, messages(*on_day(n, day)))
        upkeep.run(conn, now=day + timedelta(minutes=1))
    assert [replayed(conn, *span) for span in spans] == without


def test_a_replay_streams(conn: psycopg.Connection, database_url: str) -> None:
    """It can be left half-way, and the connection serves again."""
    save(conn, messages(*(position(n) for n in range(5000))))
    stream = history.replay(conn, NOON, after_noon(10_000))
    assert next(stream)[1].id == "p0"
    stream.close()
    assert len(replayed(conn, NOON, after_noon(10_000))) == 5000


# ---------------------------------------------------------------- counts and workers


def test_the_newest_number_is_known(conn: psycopg.Connection) -> None:
    assert history.last_arrival(conn) == 0
    save(conn, messages(position(1), position(2)))
    assert history.last_arrival(conn) == history.feed_after(conn, 0)[-1].last


def test_the_horizon_is_the_slowest_living_worker(conn: psycopg.Connection) -> None:
    began = utc_now()
    assert history.horizon(conn, "main") >= began
    history.renew_horizon(conn, "w1", "bulk", after_noon(10))
    history.renew_horizon(conn, "w1", "life", after_noon(20))
    history.renew_horizon(conn, "w2", "bulk", after_noon(30))
    assert history.horizon(conn, "main") == after_noon(10)
    assert history.horizon(conn, "life") == after_noon(20)
    assert [(each.worker, each.lane) for each in history.workers(conn)] == [
        ("w1", "bulk"),
        ("w1", "life"),
        ("w2", "bulk"),
    ]
    history.leave_horizon(conn, "w1", ["bulk", "life"])
    assert history.horizon(conn, "main") == after_noon(30)
    assert history.horizon(conn, "life") >= began


def test_a_dead_worker_holds_nobody_up(conn: psycopg.Connection) -> None:
    began = utc_now()
    history.renew_horizon(conn, "w1", "life", after_noon(10))
    conn.execute("UPDATE ingest_horizon SET renewed_at = renewed_at - interval '5 s'")
    assert history.horizon(conn, "main") == after_noon(10)
    assert history.horizon(conn, "life") >= began
    conn.execute("UPDATE ingest_horizon SET renewed_at = renewed_at - interval '10 s'")
    assert history.horizon(conn, "main") >= began


# ---------------------------------------------------------------- rejections


def test_rejections_are_listed(conn: psycopg.Connection) -> None:
    for reason in (Reason.NOT_JSON, Reason.BAD_VALUE, Reason.NOT_JSON):
        save(conn, [message(rejections=(Rejection(reason, "why"),))])
    newest, second, oldest = history.rejections(conn)
    assert [each.reason for each in (newest, second, oldest)] == [
        "not_json",
        "bad_value",
        "not_json",
    ]
    assert history.rejections(conn, reason="bad_value") == [second]
    assert history.rejections(conn, family="owntracks") == []
    assert history.rejections(conn, until=NOON) == []
    assert history.rejections(conn, since=NOON, limit=1) == [newest]
    assert history.rejections(conn, after=oldest.n) == [second, newest]
    assert history.rejected(conn, second.n) == second
    assert history.rejected(conn, newest.n + 1) is None
    assert second.place == "carewatch/v1/wangji/position/phone-1"
