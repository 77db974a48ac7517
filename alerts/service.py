"""The alerts process: two lanes, two pagers and the watcher, for as long as it holds the lock.

One process is at work at a time; another waits beside it and takes over when it goes. The lock is
a session lock in the database: it falls with the process or its connection.
"""

import threading
import time

import psycopg
import structlog
from psycopg.rows import scalar_row

from alerts import metrics
from alerts.channels import Channels, open_channels
from alerts.clock import Clock, SystemClock
from alerts.connections import connect
from alerts.lanes.lane import RuleLane, load_town
from alerts.paging import outbox
from alerts.paging.pager import Pager
from alerts.settings import AlertsSettings
from alerts.types import Page, Severity
from alerts.watchdog.audit import Watchdog
from core.ages import database_age
from core.database import first_line
from core.keys_in_use import note_key
from core.locks import Lock
from core.outage_log import OutageLog
from core.signing import fingerprint

UPKEEP = 0.5  # seconds between two rounds
SLOW = 15.0  # seconds without a look at the feed after which a lane does not count as well

log = structlog.get_logger()


class Work:
    """Both lanes and both pagers, from one start to one stop."""

    def __init__(
        self, settings: AlertsSettings, channels: Channels, clock: Clock, conn: psycopg.Connection
    ) -> None:
        town, url = load_town(conn), settings.database_url
        self.life = RuleLane("life", url, clock, self._ring, town)
        self.main = RuleLane("main", url, clock, self._ring, town)
        self._life_pager = Pager("life", settings, channels, clock, lambda: self.life.roster)
        self._pager = Pager("others", settings, channels, clock, lambda: self.main.roster)
        self._parts = (self.life, self.main, self._life_pager, self._pager)

    def start(self) -> None:
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        for part in self._parts:
            part.stop()

    def is_overtaken(self) -> bool:
        """Return True if another process has moved a checkpoint."""
        return self.life.overtaken.is_set() or self.main.overtaken.is_set()

    def _ring(self, pages: tuple[Page, ...]) -> None:
        if any(page.severity is Severity.LIFE for page in pages):
            self._life_pager.ring()
        if any(page.severity is not Severity.LIFE for page in pages):
            self._pager.ring()


class AlertsService:
    """Runs until `stop`. The database may come later, go and come back."""

    def __init__(self, settings: AlertsSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._channels = open_channels()
        self._conn: psycopg.Connection | None = None
        self._work: Work | None = None
        self._watcher = Watchdog(settings, self._channels, self._clock)
        self._outage = OutageLog(log)
        self._database_age = database_age("alerts")
        self._stopping = threading.Event()

    def run(self) -> None:
        """Serve until `stop` is called, from a signal handler or another thread."""
        self._watcher.start()
        while not self._stopping.is_set():
            try:
                self._tend()
            except psycopg.Error as error:
                self._outage.away(first_line(error))
                self._disconnect()
            self._stopping.wait(UPKEEP)
        self._end_work()
        self._watcher.stop()
        self._disconnect()
        self._channels.close()

    def stop(self) -> None:
        """End soon, in good order; returns at once."""
        self._stopping.set()

    def faults(self) -> list[str]:
        """Return what keeps this process from being ready; empty if all is well or it stands by."""
        work = self._work
        if work is None:
            return [] if self._conn is not None else ["the database does not answer"]
        return [
            f"{lane.name}: the feed has not been read for {SLOW:.0f} s"
            for lane in (work.life, work.main)
            if time.monotonic() - lane.well_at > SLOW
        ]

    def _tend(self) -> None:
        """Do one round of upkeep. Raises psycopg.Error."""
        if self._conn is None:
            self._conn = connect(self._settings.database_url, "upkeep")
        if not self._holds_lock(self._conn) or (self._work and self._work.is_overtaken()):
            self._end_work()
            self._note_answer()
            return
        if self._work is None:
            self._begin_work(self._conn)
        self._measure(self._conn)
        self._note_answer()

    def _note_answer(self) -> None:
        self._database_age.set()
        self._outage.back()

    def _holds_lock(self, conn: psycopg.Connection) -> bool:
        """Return True if the lock is ours already, or free and now taken."""
        found = conn.cursor(row_factory=scalar_row).execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %(lock)s"
            " AND classid = 0 AND pid = pg_backend_pid()) OR pg_try_advisory_lock(%(lock)s)",
            {"lock": Lock.ENGINE},
        )
        return bool(found.fetchone())

    def _begin_work(self, conn: psycopg.Connection) -> None:
        self._work = Work(self._settings, self._channels, self._clock, conn)
        self._work.start()
        note_key(conn, "alerts", self._settings.secret)
        log.info("at work", key=fingerprint(self._settings.secret))

    def _end_work(self) -> None:
        if self._work is not None:
            self._work.stop()
            self._work = None
            metrics.feed_lag.forget()
            metrics.unsent_age.forget()
            log.info("work ended")

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _measure(self, conn: psycopg.Connection) -> None:
        assert self._work is not None
        lanes = (self._work.life, self._work.main)
        metrics.feed_lag.set(max(lag(conn, each.read_until, each.name == "life") for each in lanes))
        unsent = outbox.oldest_unsent(conn, self._clock.now())
        age = (self._clock.now() - unsent[0]).total_seconds() if unsent else 0.0
        metrics.unsent_age.set(max(age, 0.0))


def lag(conn: psycopg.Connection, after: int, is_life: bool) -> float:
    """Return seconds since the oldest batch was stored that a lane has not read; 0: it has read
    all."""
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT extract(epoch FROM clock_timestamp() - stored_at) FROM arrival_log"
        " WHERE last > %s AND (life OR NOT %s) ORDER BY last LIMIT 1",
        (after, is_life),
    )
    return float(found.fetchone() or 0)
