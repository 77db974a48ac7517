"""One lane: takes deliveries, admits them, stores them, and only then acknowledges them."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from devices.readings import Reason
from ingest import metrics
from ingest.admission.admit import Admitted
from ingest.admission.containment import contained
from ingest.history import leave_horizon, renew_horizon
from ingest.lanes import stamps
from ingest.lanes.batch import gather
from ingest.lanes.register import Register
from ingest.lanes.slots import LIFE
from ingest.mqtt.session import BEAT, Delivery, Session
from ingest.store import counts
from ingest.store.repeats import RepeatGuard
from ingest.store.save import Arrivals, Message, save

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0  # seconds between attempts on the database, doubling
SAVE_SLOW = 5.0  # seconds without a commit after which the lane does not count as well
RENEWAL = 0.1  # seconds between two words on how far this lane has come

log = structlog.get_logger()
T = TypeVar("T")
Work = Callable[[psycopg.Connection], T]


class Stopped(Exception):
    """The lane was asked to end; what it holds stays with the broker."""


def connect(database_url: str, *, name: str) -> psycopg.Connection:
    """A connection that notices a peer that is gone. Raises psycopg.OperationalError."""
    limits = make_conninfo(
        database_url,
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        application_name=f"carewatch ingest {name}",
    )
    return psycopg.connect(limits, autocommit=True)


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
    ) -> None:
        self.slot = slot
        self.session = session
        self._register = register
        self._database_url = database_url
        self._urgent = urgent
        self._batches = gather(session.take, size=size, linger=linger, beat=BEAT, urgent=urgent)
        self._lane: Literal["life", "bulk"] = "life" if slot.endswith(LIFE) else "bulk"
        self._conn: psycopg.Connection | None = None
        self._guard = RepeatGuard()
        self._begun = 0  # of the broker's sessions under this name, as far as heeded
        self._well_at = time.monotonic()
        self._reported_at = 0.0
        self._tally = counts.Tally()  # not written down yet
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"save {slot}", daemon=True)

    def start(self) -> None:
        self.session.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand; the session sends what is acknowledged and goes."""
        self._stopping.set()
        self._thread.join()
        self.session.stop()

    def faults(self) -> list[str]:
        """What is wrong with this lane now, in words for `/readyz`."""
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
                self._report()
                if self._stopping.is_set():
                    return
        except Stopped:
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
        batch = self._insist(lambda conn: self._restamped(conn, deliveries))
        messages = self._insist(lambda conn: self._admitted(conn, batch))
        self._tally += metrics.count_received(messages)
        arrivals = self._insist(lambda conn: self._save(conn, batch, messages))
        self._tally += metrics.count_outcomes(messages, arrivals)
        metrics.BATCH.labels(self.slot).observe(len(messages))
        metrics.SAVING.labels(self.slot).observe(time.monotonic() - began)

    def _restamped(self, conn: psycopg.Connection, batch: Sequence[Delivery]) -> list[Delivery]:
        if self._begun != self.session.begun:
            stamps.forget(conn, self.slot)
            self._begun = self.session.begun
        return stamps.restamped(conn, self.slot, batch)

    def _admitted(self, conn: psycopg.Connection, batch: Sequence[Delivery]) -> list[Message]:
        directory = self._register.directory
        messages = [Message(each.envelope, contained(each.envelope, directory)) for each in batch]
        strangers = [n for n, each in enumerate(messages) if _unknown(each.admitted)]
        if not strangers:
            return messages
        # The register may know them by now: what was loaded before they spoke counts.
        latest = max(messages[n].envelope.received_at for n in strangers)
        directory = self._register.refreshed(conn, latest)
        for n in strangers:
            envelope = messages[n].envelope
            messages[n] = Message(envelope, contained(envelope, directory))
        return messages

    def _save(
        self, conn: psycopg.Connection, batch: Sequence[Delivery], messages: Sequence[Message]
    ) -> Arrivals:
        pairs = zip(batch, messages, strict=True)
        stamps.remember(
            conn, self.slot, [each for each, message in pairs if _by_our_clock(message)]
        )
        return save(conn, messages, self._guard)

    def _insist(self, work: Work[T]) -> T:
        """Do this piece of work on the database, however often it takes. Raises Stopped."""
        pause = FIRST_PAUSE
        while True:
            try:
                return self._try(work)
            except psycopg.Error as error:
                log.warning("database away", slot=self.slot, why=first_line(error), again_in=pause)
            if self._stopping.wait(pause):
                raise Stopped
            pause = min(pause * 2, LONGEST_PAUSE)

    def _try(self, work: Work[T]) -> T:
        """Do it once. Raises psycopg.Error, and begins with a new connection next time."""
        try:
            if self._conn is None:
                self._conn = connect(self._database_url, name=self.slot)
            done = work(self._conn)
        except psycopg.Error:
            self._disconnect()
            raise
        self._well_at = time.monotonic()
        return done

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _report(self) -> None:
        """Say how far this lane has come (the timers of the rules wait for it), and its counts."""
        metrics.HELD.labels(self.slot).set(self.session.held)
        metrics.CONNECTED.labels(self.slot).set(self.session.connected)
        if not self.session.connected or time.monotonic() - self._reported_at < RENEWAL:
            return
        seen_until = self.session.seen_until()
        try:
            self._try(lambda conn: self._say(conn, seen_until))
        except psycopg.Error as error:
            log.warning("database away", slot=self.slot, why=first_line(error))
        self._reported_at = time.monotonic()

    def _say(self, conn: psycopg.Connection, seen_until: datetime) -> None:
        renew_horizon(conn, self.slot, self._lane, seen_until)
        self._write_counts(conn)

    def _write_counts(self, conn: psycopg.Connection) -> None:
        """Between two batches all that was received is settled: the counts add up."""
        if self._tally:
            with conn.transaction():
                counts.keep(conn, self._tally)
            self._tally.clear()

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


def _by_our_clock(message: Message) -> bool:
    """Whether any reading is judged by the moment it came: its key then holds that moment."""
    return any(each.at == each.received_at for each in message.admitted.readings)


def first_line(error: Exception) -> str:
    """What an error says, short enough for a log."""
    return (str(error).splitlines() or [type(error).__name__])[0]
