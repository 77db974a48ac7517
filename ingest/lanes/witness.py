"""The witness: a broker connection of its own that publishes canaries for our sessions, and hears
them; and what was found is written down.

Its client id is new with each process, so nobody can take it over or end it.
"""

import secrets
import threading
from datetime import UTC, datetime, timedelta
from time import monotonic

import psycopg
import structlog

from devices.broker_address import Address
from ingest import metrics
from ingest.lanes.crossing import BETWEEN_LANES
from ingest.lanes.watch import SessionWatch
from ingest.mqtt.packets import Publish
from ingest.mqtt.session import Session, SessionHooks
from ingest.store.intrusions import Intrusion, keep_intrusions

EVERY = 1.0  # seconds between two canaries: what is lost in a take-over is noticed as it is lost
ROOT = f"{BETWEEN_LANES}canary/"  # + the slot; only services may publish there
FRESH = timedelta(hours=1)  # how long a sign keeps the process from being called ready

log = structlog.get_logger()


def canary_topic(slot: str) -> str:
    """Return the topic that carries this session's canaries."""
    return ROOT + slot


class Witness:
    """Watches the sessions of this process; `start` it, `watch` slots, `stop` it."""

    def __init__(self, address: Address) -> None:
        self._mine = secrets.token_hex(16)  # tells our numbers from those of other processes
        self._watches: dict[str, SessionWatch] = {}
        self._number = 0
        self._seen_at: datetime | None = None
        self._said = ""
        self._session = Session(
            address,
            f"carewatch-witness-{secrets.token_hex(16)}",
            (),
            clean=True,
            hooks=SessionHooks(consumes=self._hears, connected=self._connected),
            name="witness",
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="canaries", daemon=True)

    def start(self) -> None:
        """Begin to connect and to publish."""
        self._session.start()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._session.stop()

    def watch(self, slot: str) -> "Ears":
        """Watch a session of this process from now on; what it hears goes through the result."""
        watch = SessionWatch(slot)
        if self._session.connected:
            watch.witness_connected()
        self._watches = {**self._watches, slot: watch}
        self._session.change(map(canary_topic, self._watches))
        return Ears(self, watch)

    def forget(self, slot: str) -> None:
        """Watch no longer: another process has this session now."""
        self._watches = {name: each for name, each in self._watches.items() if name != slot}
        self._session.change(map(canary_topic, self._watches))

    def number_of(self, message: Publish) -> int | None:
        """Return the number of a canary of this process; None for any other message."""
        mine, _, number = message.payload.decode("ascii", "replace").partition(" ")
        return int(number) if mine == self._mine and number.isdigit() else None

    def keep(self, conn: psycopg.Connection) -> None:
        """Cry out what was found, and write it down. Raises psycopg.Error."""
        found = [each for watch in self._watches.values() for each in watch.found()]
        if not found:
            return
        for each in found:
            metrics.INTRUSIONS.labels(each.slot, each.sign).inc(each.count)
            log.error("somebody else reads our broker session", sign=each.sign, slot=each.slot)
        self._seen_at, self._said = datetime.now(UTC), _words(found[-1])
        keep_intrusions(conn, found)

    def faults(self) -> list[str]:
        """Return the latest sign, in words, for an hour."""
        if self._seen_at is None or datetime.now(UTC) - self._seen_at > FRESH:
            return []
        return [self._said]

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            if not self._session.listening:
                continue
            self._number += 1
            for slot, watch in list(self._watches.items()):
                watch.sent(self._number)
                self._session.publish(canary_topic(slot), f"{self._mine} {self._number}".encode())

    def _hears(self, message: Publish) -> bool:
        number = self.number_of(message)
        watch = self._watches.get(message.topic.removeprefix(ROOT))
        if number is not None and watch is not None:
            watch.witnessed(number)
        return True

    def _connected(self) -> None:
        for watch in list(self._watches.values()):
            watch.witness_connected()


class Ears:
    """What a watched session does beside its own: runs on that session's thread."""

    def __init__(self, witness: Witness, watch: SessionWatch) -> None:
        self.topic = canary_topic(watch.slot)
        self._witness = witness
        self._watch = watch

    def consumes(self, message: Publish) -> bool:
        """Return True for a canary of this session, whichever process published it."""
        if message.topic != self.topic:
            return False
        number = self._witness.number_of(message)
        if number is not None:
            self._watch.heard(number)
        return True

    def connected(self, begun: int) -> None:
        """Note a new connection; `begun` counts the sessions that the broker began for us."""
        self._watch.connected(begun, monotonic())

    def granted(self, filters: frozenset[str]) -> None:
        """Note that the session hears its canaries."""
        if self.topic in filters:
            self._watch.granted()


def _words(found: Intrusion) -> str:
    return (
        f"{found.slot}: somebody else reads our broker session ({found.sign.replace('_', ' ')}): "
        "find who holds the services' account, and change its password"
    )
