"""The ingest process: one saving lane for each broker session that it holds, and their upkeep.

Every half second it renews its claim on its sessions (and takes over those of a dead process),
follows the register, and writes down what the broker says it dropped. Every minute it does the
house-keeping of the tables, on a thread of its own.
"""

import threading
from datetime import UTC, datetime

import msgspec
import psycopg
import structlog

from core.database import connect, first_line
from devices.broker_address import Address
from devices.codecs import LIFE_FILTER, life_filters
from devices.directory import Directory
from ingest.lanes import drops, slots
from ingest.lanes.crossing import NOTICE, TAKEN_BACK, Crossing, LifeTopics, notice
from ingest.lanes.lane import SavingLane
from ingest.lanes.register import Register
from ingest.lanes.slots import BULK, LIFE
from ingest.mqtt.session import Delivery, Session, SessionHooks
from ingest.settings import IngestSettings
from ingest.store import upkeep

ROUND = 0.5  # seconds between two rounds; a dead process is replaced within a few of them
UPKEEP = 60.0  # seconds between two house-keepings
READ_PAUSE = 0.004  # seconds between reads of the bulk lane: 250 a second (decision 0018)
EVERYTHING = "#"
SHARED = "$share/carewatch/#"

log = structlog.get_logger()


class Service:
    """Runs until `stop`. The database may come later, go and come back; so may the broker."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._address = Address.of(settings.mqtt_url)
        self._drops = drops.Drops()
        self._slots: frozenset[str] | None = None  # what this process should read; None = unknown
        self._lanes: dict[str, SavingLane] = {}  # what it reads
        self._conn: psycopg.Connection | None = None
        self._worker: int | None = None
        self._register: Register | None = None
        self._directory: Directory | None = None  # whose life filters these are:
        self._life_filters: tuple[str, ...] = ()
        self._life_topics = LifeTopics()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Serve until `stop` is called, from a signal handler or another thread."""
        threading.Thread(target=self._keep_house, name="upkeep", daemon=True).start()
        while not self._stopping.is_set():
            try:
                self._tend()
            except psycopg.Error as error:
                self._disconnect()
                log.warning("database away", slot="slots", why=first_line(error))
            self._stopping.wait(ROUND)
        self._end()

    def stop(self) -> None:
        """End soon, in good order; returns at once."""
        self._stopping.set()

    def faults(self) -> list[str]:
        """Return what keeps this process from being ready, in words; empty when all is well."""
        slots = self._slots
        if slots is None:
            return ["waiting for the database"]
        if slots - set(self._lanes):
            return ["not reading all broker sessions yet"]
        found = [fault for lane in list(self._lanes.values()) for fault in lane.faults()]
        return found + self._drops.faults()

    def _keep_house(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._settings.database_url, "carewatch ingest upkeep") as conn:
                    report = upkeep.run(conn)
                log.debug("house kept", **msgspec.structs.asdict(report))
            except psycopg.Error as error:
                log.warning("house not kept", why=first_line(error))
            self._stopping.wait(UPKEEP)

    def _tend(self) -> None:
        """Do one round of upkeep. Raises psycopg.Error."""
        if self._conn is None:
            self._conn = connect(self._settings.database_url, "carewatch ingest slots")
            self._worker = slots.enrol(self._conn, self._worker)
        conn = self._conn
        if self._register is None:
            self._register = Register.load(conn)
            log.info("register loaded", devices=len(self._register.directory.devices))
        assert self._worker is not None
        self._follow(self._register.refreshed(conn, datetime.now(UTC)))
        self._hold(slots.renew(conn, self._worker, shared=self._settings.shared), self._register)
        self._drops.keep(conn)

    def _hold(self, names: frozenset[str], register: Register) -> None:
        """Have a lane for each of these slots and for no other."""
        self._slots = names
        for name in sorted(set(self._lanes) - names):
            log.warning("slot taken over by another process", slot=name)
            self._lanes.pop(name).stop()
        for name in sorted(names - set(self._lanes), key=lambda name: name != LIFE):
            log.info("reading slot", slot=name)
            lane = self._life(register) if name == LIFE else self._bulk(name, register)
            lane.start()
            self._lanes[name] = lane

    def _follow(self, directory: Directory) -> None:
        """Subscribe the life lane to the buttons that the register has now."""
        if directory is self._directory:
            return
        self._directory = directory
        self._life_filters = life_filters(directory)
        self._life_topics = LifeTopics(frozenset(self._life_filters))
        if LIFE in self._lanes:
            self._lanes[LIFE].session.change((*self._life_filters, drops.TOPIC))

    def _life(self, register: Register) -> SavingLane:
        """Return the lane of whatever may carry an SOS: nothing else is in its way."""
        session: Session

        def granted(filters: frozenset[str]) -> None:
            if LIFE_FILTER in filters:
                session.publish(NOTICE, notice(filters - {drops.TOPIC}), retain=True)

        session = Session(
            self._address,
            self._settings.client_prefix + LIFE,
            (*self._life_filters, drops.TOPIC),
            hooks=SessionHooks(consumes=self._drops.consumes, granted=granted, will=TAKEN_BACK),
        )
        return self._lane(LIFE, session, register, linger=0.0)

    def _bulk(self, slot: str, register: Register) -> SavingLane:
        """Return a lane of everything else."""
        crossing = Crossing()
        wanted = {SHARED} if self._settings.shared else {EVERYTHING} if slot == BULK else set()
        session = Session(
            self._address,
            self._settings.client_prefix + slot,
            (*wanted, NOTICE),
            unwanted={SHARED, EVERYTHING} - wanted,
            pause=READ_PAUSE,
            hooks=SessionHooks(consumes=crossing.consumes, connected=crossing.reset),
        )
        return self._lane(slot, session, register, linger=self._settings.linger)

    def _lane(
        self, slot: str, session: Session, register: Register, *, linger: float
    ) -> SavingLane:
        return SavingLane(
            slot,
            session,
            register,
            self._settings.database_url,
            size=self._settings.batch_size,
            linger=linger,
            urgent=self._urgent,
        )

    def _urgent(self, delivery: Delivery) -> bool:
        return delivery.envelope.topic in self._life_topics

    def _end(self) -> None:
        for lane in self._lanes.values():
            lane.stop()
        try:
            if self._conn is not None and self._worker is not None:
                slots.leave(self._conn, self._worker)
        except psycopg.Error:
            log.warning("slots not given back", why="database away")
        self._disconnect()

    def _disconnect(self) -> None:
        self._slots = None
        if self._conn is not None:
            self._conn.close()
            self._conn = None
