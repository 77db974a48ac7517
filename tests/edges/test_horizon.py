"""How far timers go: past nothing that was received or changed before them and is not stored."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from alerts.desk import append
from alerts.lanes import horizon
from alerts.lanes.feed import Feed
from alerts.lanes.horizon import AWAY, TOWN_WAIT, Horizon
from alerts.types import TownChanged
from devices import registry
from devices.directory import RegisterChange
from ingest.history import renew_horizon
from tests.alerts.story import client
from tests.clock import utc_now

pytestmark = pytest.mark.edge


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets this process's seconds pass."""
    passed = [1000.0]
    monkeypatch.setattr(horizon.time, "monotonic", lambda: passed[0])

    def more(seconds: float) -> None:
        passed[0] += seconds

    return more


def watched(at: Horizon, pass_time: Callable[[float], None], seconds: float) -> datetime:
    """The horizon after so many seconds with a look at every one of them."""
    for _ in range(int(seconds)):
        pass_time(1)
        at.look()
    return at.look()


def dead(conn: psycopg.Connection) -> datetime:
    """An ingest worker last heard a minute ago; how far it had come."""
    until = utc_now() - timedelta(minutes=1)
    renew_horizon(conn, "bulk", "bulk", until)
    conn.execute("UPDATE ingest_horizon SET renewed_at = renewed_at - interval '1 minute'")
    return until


# ---------------------------------------------------------------- who was away


def test_after_a_start_a_silent_worker_may_still_hold_something(
    conn: psycopg.Connection, pass_time: Callable[[float], None]
) -> None:
    until = dead(conn)
    lane = Horizon(conn, "main")
    assert lane.look() == until
    assert watched(lane, pass_time, 10) == until
    assert watched(lane, pass_time, 1) > until


def test_after_a_pause_of_ours_it_may_too(
    conn: psycopg.Connection, pass_time: Callable[[float], None]
) -> None:
    lane = Horizon(conn, "main")
    watched(lane, pass_time, 20)
    until = dead(conn)
    pass_time(AWAY + 1)  # the database was away, or we were frozen
    assert lane.look() == until
    renewed = utc_now()
    renew_horizon(conn, "bulk", "bulk", renewed)  # it was there all the time
    assert lane.look() == renewed


def test_the_life_lane_waits_two_seconds_at_most(
    conn: psycopg.Connection, pass_time: Callable[[float], None]
) -> None:
    renew_horizon(conn, "life", "life", utc_now() - timedelta(minutes=1))
    conn.execute("UPDATE ingest_horizon SET renewed_at = renewed_at - interval '1 minute'")
    before = utc_now()
    assert watched(Horizon(conn, "life"), pass_time, 3) >= before


# ---------------------------------------------------------------- a town that is being changed


def change(conn: psycopg.Connection) -> TownChanged:
    """Change the town in the transaction at hand."""
    at = registry.lock_town(conn)
    entry = TownChanged(at=at, register=RegisterChange(clients=(client("c-1"),)))
    append(conn, entry)
    return entry


def test_timers_do_not_pass_a_change_that_cannot_be_read_yet(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    feed = Feed(conn, "main", 0, 0)
    feed.read()
    with other.transaction():
        changed = change(other)
        for _ in range(3):
            fed = feed.read()
            assert fed.stimuli == ()
            assert fed.horizon < changed.at
    fed = feed.read()
    assert [one.moment for one in fed.stimuli] == [changed.at]
    assert fed.horizon > changed.at


def test_but_for_some_seconds_only(
    conn: psycopg.Connection, other: psycopg.Connection, pass_time: Callable[[float], None]
) -> None:
    lane = Horizon(conn, "main")
    lane.look()
    with other.transaction():
        changed = change(other)
        assert watched(lane, pass_time, TOWN_WAIT) < changed.at
        assert watched(lane, pass_time, 1) > changed.at


def test_nor_does_an_alarm_of_life_wait(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    lane = Horizon(conn, "life")
    lane.look()
    with other.transaction():
        changed = change(other)
        assert lane.look() > changed.at
