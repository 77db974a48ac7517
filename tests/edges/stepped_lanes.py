"""Both lanes of the alerts process walked by hand, at a time that stands until it is moved."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg

from alerts.connections import connect
from alerts.desk import append
from alerts.lanes import feed
from alerts.lanes import save_policy as policy
from alerts.lanes.lane import RuleLane, load_town
from alerts.lanes.loop import LaneLoop
from alerts.plans.plans import apply_plans
from alerts.types import InboxEntry, LaneName, TownChanged
from devices import registry
from devices.readings import Reading
from tests.edges.paging import store

LANES: tuple[LaneName, ...] = ("life", "main")
OUTPUTS = (  # what the outside sees, and in which order it is to be the same
    "SELECT rule = 'sos_pressed', at, rule, subject, event, alert, body FROM finding ORDER BY 1, n",
    "SELECT id, state, next_at, body FROM alert ORDER BY id",
    "SELECT id, state, due_at, body FROM page ORDER BY id",
    "SELECT id, state, grade, body FROM visit ORDER BY id",
    "SELECT id, revision, at, body FROM visit_revision ORDER BY id, revision",
    "SELECT id, until, body FROM mute ORDER BY id",
    "SELECT rule, key, version, wake_at, body FROM rule_state ORDER BY rule, key",
)


class StillClock:
    """A clock that somebody else moves."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def seconds_until(self, moment: datetime) -> float:
        return (moment - self._now).total_seconds()

    def move(self, now: datetime) -> None:
        self._now = now


class SteppedLanes:
    """The alerts process without threads: it looks when it is told to, and dies when told to."""

    def __init__(self, conn: psycopg.Connection, url: str, now: datetime) -> None:
        self.conn = conn
        self.clock = StillClock(now)
        self._url = url
        self._lanes: dict[LaneName, RuleLane] = {}
        self._walks: dict[LaneName, LaneLoop] = {}
        self._open: dict[LaneName, tuple[psycopg.Connection, psycopg.Connection]] = {}
        self.move(now)

    def move(self, now: datetime) -> None:
        """It is now this time, and all that was received before it is stored."""
        self.clock.move(now)
        self.conn.execute(
            "INSERT INTO ingest_horizon (worker, lane, seen_until, renewed_at)"
            " VALUES ('by hand', 'bulk', %s, 'infinity') ON CONFLICT (worker, lane)"
            " DO UPDATE SET seen_until = excluded.seen_until",
            (now,),
        )

    def say(self, *readings: Reading) -> None:
        store(self.conn, *readings)

    def tell(self, entry: InboxEntry) -> None:
        append(self.conn, entry)

    def change(self, change: TownChanged) -> None:
        """The town changes, as a load or a hand on the register changes it."""
        with self.conn.transaction():
            registry.lock_town(self.conn)
            registry.apply(self.conn, change.register)
            apply_plans(self.conn, change.plans)
            append(self.conn, change)

    def look(self, *, saves: bool = False, dies: bool = False) -> None:
        """Both lanes take in all there is. With `dies` each is killed before its first commit, and
        looks again at once."""
        for name in LANES:
            with saving(saves):
                if dies:
                    self._die(name)
                while not self._loop(name).step().is_drained:
                    pass

    def fall(self, name: LaneName, *, whole: bool = True) -> None:
        """A lane is killed; if not `whole`, it only loses its connection."""
        for conn in self._open.pop(name, ()):
            conn.close()
        self._walks.pop(name, None)
        if whole:
            self._lanes.pop(name, None)

    def close(self) -> None:
        for name in LANES:
            self.fall(name)

    def outputs(self) -> list[list[tuple[Any, ...]]]:
        """Everything concluded, every page, and what the rules remember."""
        self.look(saves=True)
        return [self.conn.execute(question.encode()).fetchall() for question in OUTPUTS]

    def _die(self, name: LaneName) -> None:
        loop = self._loop(name)
        self._open[name][1].close()
        with suppress(psycopg.Error):
            loop.step()
        self.fall(name)

    def _loop(self, name: LaneName) -> LaneLoop:
        if name not in self._lanes:
            town = load_town(self.conn)
            self._lanes[name] = RuleLane(name, self._url, self.clock, lambda _: None, town)
        if name not in self._walks:
            self._open[name] = (connect(self._url, "reads"), connect(self._url, "writes"))
            self._walks[name] = self._lanes[name].recover(*self._open[name])
        return self._walks[name]


@contextmanager
def saving(saves: bool) -> Iterator[None]:
    """Rule states are saved at every look, or only when they must be. A look takes in all there
    is: ladders go by the clock, so what is due between two steps depends on where they part."""
    before = policy.SAVE_EVERY, policy.SAVE_SHARE, policy.RENEW_EVERY, feed.BATCHES
    values = (-1, 1e9, -1) if saves else (1e9, 0.1, 1e9)
    policy.SAVE_EVERY, policy.SAVE_SHARE, policy.RENEW_EVERY = values
    feed.BATCHES = 100_000
    try:
        yield
    finally:
        policy.SAVE_EVERY, policy.SAVE_SHARE, policy.RENEW_EVERY, feed.BATCHES = before
