"""One lane: takes deliveries, admits them, stores them, and only then acknowledges them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import psycopg
import structlog

from core.backoff import Backoff
from core.database import connect, first_line
from core.outage_log import OutageLog
from devices.readings import Reason, SosPressed
from ingest import metrics
from ingest.admission.admit import Admitted
from ingest.admission.containment import contained
from ingest.history import leave_horizon, renew_horizon
from ingest.lanes import counters, stamps
from ingest.lanes.batch import gather
from ingest.lanes.register import Register
from ingest.lanes.slots import LIFE
from ingest.mqtt.session import BEAT, Delivery, Session
from ingest.store import announcements, counts, quality
from ingest.store.repeats import RepeatGuard
from ingest.store.save import AdmittedMessage, Arrivals, save

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0  # seconds between attempts on the database, doubling
SAVE_SLOW = 5.0  # seconds without a commit after which the lane does not count as well
RENEWAL = 0.1  # seconds between two reports of how far this lane has come

log = structlog.get_logger()
T = TypeVar("T")
DatabaseWork = Callable[[psycopg.Connection], T]


class Stopped(Exception):
    """The lane was asked to end; what it holds stays with the broker."""


class SavingLane:
    """Reads one session into the database, on a thread of its own.

    With the database away it waits and tries again for ever; nothing is acknowledged meanwhile,
    so memory stays flat.
    """

    def __init__(
        self,
        slot: str,
        session: Session,
        register: Register,
        database_url: str,
        *,
        size: int,
        linger: float,
        urgent: Callable[[Delivery], bool] = lambda _: False,
        committed: Callable[[Sequence[AdmittedMessage]], None] = lambda _: None,
    ) -> None:
        """Read `session` into the database; `committed` is told what is stored, and never waits."""
        self.slot = slot
        self.session = session
        self._register = register
        self._database_url = database_url
        self._urgent = urgent
        self._committed = committed
        self._batches = gather(session.take, size=size, linger=linger, beat=BEAT, urgent=urgent)
        self._lane: Literal["life", "bulk"] = "life" if slot.endswith(LIFE) else "bulk"
        self._conn: psycopg.Connection | None = None
        self._guard = RepeatGuard()
        self._begun = 0  # of the broker's sessions under this name, as far as stamps were forgotten
        self._well_at = time.monotonic()
        self._reported_at = 0.0
        self._tally = counts.Tally()  # not written down yet
        self._repeats = Counter[str]()  # device -> messages that it sent again, as well
        self._outage = OutageLog(log, slot=self.slot)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"save {slot}", daemon=True)

    def start(self) -> None:
        """Begin to read the session and to save."""
        self.session.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand; the session sends what is acknowledged and goes."""
        self._stopping.set()
        self._thread.join()
        self.session.stop()

    def faults(self) -> list[str]:
        """Return what is wrong with this lane now, in words for `/readyz`."""
        if not self.session.listening:
            return [f"{self.slot}: not connected to the broker {self.session.address}"]
        found = []
        if self.session.refused:
            found.append(f"{self.slot}: the broker refuses {len(self.session.refused)} topics")
        if time.monotonic() - self._well_at > SAVE_SLOW:
            found.append(f"{self.slot}: the database does not take what came")
        return found

    def _run(self) -> None:
        try:
            for batch in self._batches:
                if batch:
                    self._keep(batch)
                self._report_progress()
                if self._stopping.is_set():
                    return
        except Stopped:
            self._repeats.clear()
            self._tally.clear()  # what was in hand is redelivered, and counted then
        finally:
            self._leave()

    def _keep(self, batch: list[Delivery]) -> None:
        """Store a batch and acknowledge it. Raises Stopped."""
        metrics.HELD.labels(self.slot).set(self.session.held)
        current = [each for each in batch if self.session.current(each)]
        # What is urgent goes first and by itself: the other lane may be storing it as well, and
        # a repeat makes the database take its whole transaction a second time.
        urgent = [each for each in current if self._urgent(each)]
        self._store(urgent)
        self._store([each for each in current if not self._urgent(each)] if urgent else current)
        self.session.ack(batch)

    def _store(self, deliveries: list[Delivery]) -> None:
        if not deliveries:
            return
        began = time.monotonic()
        batch = self._do_until_done(lambda conn: self._restamped(conn, deliveries))
        messages = self._do_until_done(lambda conn: self._admitted(conn, batch))
        messages = self._do_until_done(lambda conn: counters.settled(conn, messages))
        self._tally += metrics.count_received(messages)
        arrivals = self._do_until_done(lambda conn: self._save(conn, batch, messages))
        self._tally += metrics.count_outcomes(messages, arrivals)
        self._repeats += quality.repeats_of(messages, arrivals)
        metrics.BATCH.labels(self.slot).observe(len(messages))
        metrics.SAVING.labels(self.slot).observe(time.monotonic() - began)
        self._committed(messages)

    def _restamped(self, conn: psycopg.Connection, batch: Sequence[Delivery]) -> list[Delivery]:
        if self._begun != self.session.begun:
            stamps.forget(conn, self.slot)
            self._begun = self.session.begun
        return stamps.restamped(conn, self.slot, batch)

    def _admitted(
        self, conn: psycopg.Connection, batch: Sequence[Delivery]
    ) -> Sequence[AdmittedMessage]:
        directory = self._register.directory
        announced = self._register.announcements.current
        messages = []
        for each in batch:
            admitted = contained(each.envelope, directory, announced)
            if admitted.announcement is not None:  # it counts for what stands behind it
                announced = announced.changed([admitted.announcement])
            messages.append(AdmittedMessage(each.envelope, admitted))
        strangers = [n for n, each in enumerate(messages) if _unknown(each.admitted)]
        if not strangers:
            return messages
        # The register may know them by now: what was loaded before they spoke counts.
        latest = max(messages[n].envelope.received_at for n in strangers)
        directory = self._register.refreshed(conn, latest)
        for n in strangers:
            envelope = messages[n].envelope
            messages[n] = AdmittedMessage(envelope, contained(envelope, directory, announced))
        return messages

    def _save(
        self,
        conn: psycopg.Connection,
        batch: Sequence[Delivery],
        messages: Sequence[AdmittedMessage],
    ) -> Arrivals:
        pairs = list(zip(batch, messages, strict=True))
        timeless = [(each, message) for each, message in pairs if _by_our_clock(message)]
        pressed = [each for each, message in timeless if _pressed(message)]
        stamps.remember(conn, self.slot, [each for each, _ in timeless], pressed)
        self._keep_announced(conn, messages)
        return save(conn, messages, self._guard)

    def _keep_announced(
        self, conn: psycopg.Connection, messages: Sequence[AdmittedMessage]
    ) -> None:
        news = [
            (each.admitted.announcement, each.envelope.received_at)
            for each in messages
            if each.admitted.announcement is not None
        ]
        if news:
            announcements.keep(conn, news)
            self._register.announcements.take(own for own, _ in news)

    def _do_until_done(self, work: DatabaseWork[T]) -> T:
        """Do this piece of work on the database, however often it takes. Raises Stopped."""
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        while True:
            try:
                return self._try(work)
            except psycopg.Error as error:
                self._outage.away(first_line(error))
            if self._stopping.wait(backoff.pause()):
                raise Stopped

    def _try(self, work: DatabaseWork[T]) -> T:
        """Do it once. Raises psycopg.Error, and begins with a new connection next time."""
        try:
            if self._conn is None:
                self._conn = connect(self._database_url, f"carewatch ingest {self.slot}")
            done = work(self._conn)
        except psycopg.Error:
            self._disconnect()
            raise
        self._well_at = time.monotonic()
        self._outage.back()
        return done

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _report_progress(self) -> None:
        """Write down how far this lane has come (rules' timers wait for it), and its counts."""
        metrics.HELD.labels(self.slot).set(self.session.held)
        metrics.CONNECTED.labels(self.slot).set(self.session.connected)
        if not self.session.connected or time.monotonic() - self._reported_at < RENEWAL:
            return
        seen_until = self.session.seen_until()
        try:
            self._try(lambda conn: self._write_progress(conn, seen_until))
        except psycopg.Error as error:
            self._outage.away(first_line(error))
        self._reported_at = time.monotonic()

    def _write_progress(self, conn: psycopg.Connection, seen_until: datetime) -> None:
        renew_horizon(conn, self.slot, self._lane, seen_until)
        self._write_counts(conn)

    def _write_counts(self, conn: psycopg.Connection) -> None:
        """Write the counts down, between two batches: all that was received has its outcome."""
        if self._tally:
            with conn.transaction():
                counts.keep(conn, self._tally)
                quality.keep_repeats(conn, self._repeats)
            self._tally.clear()
            self._repeats.clear()

    def _leave(self) -> None:
        try:
            self._try(self._write_counts)
            self._try(lambda conn: leave_horizon(conn, self.slot, [self._lane]))
        except psycopg.Error:
            return  # it counts as dead by itself, 10 s from now
        finally:
            self._disconnect()


def _unknown(admitted: Admitted) -> bool:
    return any(each.reason is Reason.UNKNOWN_DEVICE for each in admitted.rejections)


def _by_our_clock(message: AdmittedMessage) -> bool:
    """Return True if the key of any reading holds the moment it came."""
    return any(each.at == each.received_at for each in message.admitted.readings)


def _pressed(message: AdmittedMessage) -> bool:
    """Return True if any reading is a press."""
    return any(isinstance(each, SosPressed) for each in message.admitted.readings)
