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

from core.ages import database_age
from core.database import connect, first_line
from core.errors import origin
from core.outage_log import OutageLog
from devices.broker_address import Address
from devices.codecs import LIFE_FILTER, OUTSIDE, life_filters
from devices.directory import Directory
from devices.discovery.announcement import PREFIX
from ingest import metrics
from ingest.lanes import drops, slots
from ingest.lanes.accounts import Keeper
from ingest.lanes.answerer import Answerer
from ingest.lanes.crossing import NOTICE, TAKEN_BACK, Crossing, LifeTopics, notice
from ingest.lanes.inheritance import OldSession, old_slots
from ingest.lanes.lane import SavingLane
from ingest.lanes.register import Register
from ingest.lanes.slots import BULK, LIFE
from ingest.lanes.witness import Witness, canary_topic
from ingest.mqtt.packets import Publish
from ingest.mqtt.session import Delivery, Session, SessionHooks
from ingest.settings import IngestSettings
from ingest.store import upkeep

ROUND = 0.5  # seconds between two rounds; a dead process is replaced within a few of them
UPKEEP = 60.0  # seconds between two house-keepings
READ_PAUSE = 0.004  # seconds between reads of the bulk lane: 250 a second (decision 0018)
EVERYTHING = "#"
SHARED = "$share/carewatch/#"
DISCOVERY = frozenset((f"{PREFIX}/+/+/config", f"{PREFIX}/+/+/+/config"))

log = structlog.get_logger()


class Service:
    """Runs until `stop`. The database may come later, go and come back; so may the broker."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._address = Address.of(settings.mqtt_url)
        self._drops = drops.Drops()
        self._witness = Witness(self._address)
        self._answerer = Answerer(settings.mqtt_url, settings.database_url)
        url = settings.control_url
        self._keeper = Keeper(url, settings.database_url) if url else None
        self._suffix = ""  # of the client ids; known when the database has said it
        self._old: list[OldSession] | None = None  # None: not looked for yet
        self._slots: frozenset[str] | None = None  # what this process should read; None = unknown
        self._lanes: dict[str, SavingLane] = {}  # what it reads
        self._conn: psycopg.Connection | None = None
        self._worker: int | None = None
        self._register: Register | None = None
        self._directory: Directory | None = None  # whose life filters these are:
        self._life_filters: tuple[str, ...] = ()
        self._life_topics = LifeTopics()
        self._outage = OutageLog(log, slot="slots")
        self._database_age = database_age("ingest")
        self._stopping = threading.Event()

    def run(self) -> None:
        """Serve until `stop` is called, from a signal handler or another thread."""
        for fault in OUTSIDE.faults:
            log.warning("codec left out", why=fault)
        threading.Thread(target=self._keep_house, name="upkeep", daemon=True).start()
        self._witness.start()
        self._answerer.start()
        if self._keeper is not None:
            self._keeper.start()
        while not self._stopping.is_set():
            try:
                self._tend()
            except psycopg.Error as error:
                self._disconnect()
                self._outage.away(first_line(error))
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
        kept = self._keeper.faults() if self._keeper is not None else []
        return found + self._drops.faults() + self._witness.faults() + kept

    def _keep_house(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._settings.database_url, "carewatch ingest upkeep") as conn:
                    report = upkeep.run(conn)
                log.debug("house kept", **msgspec.structs.asdict(report))
            except psycopg.Error as error:
                log.warning("house not kept", why=first_line(error))
            except Exception as error:  # what tidies up must not end what stores
                log.error("house not kept", why=type(error).__name__, where=origin(error))
            self._stopping.wait(UPKEEP)

    def _tend(self) -> None:
        """Do one round of upkeep. Raises psycopg.Error."""
        if self._conn is None:
            self._conn = connect(self._settings.database_url, "carewatch ingest slots")
            self._worker = slots.enrol(self._conn, self._worker)
            self._suffix = slots.session_suffix(self._conn)
        conn = self._conn
        if self._register is None:
            self._register = Register.load(conn)
            log.info("register loaded", devices=len(self._register.directory.devices))
        assert self._worker is not None
        before = self._directory
        self._follow(self._register.refreshed(conn, datetime.now(UTC)))
        self._register.announcements.refresh(conn, self._register.directory)
        if self._keeper is not None:
            self._keeper.tend(active=LIFE in self._lanes, changed=before is not self._directory)
        self._answerer.tend(active=LIFE in self._lanes)
        self._hold(slots.renew(conn, self._worker, shared=self._settings.shared), self._register)
        self._drops.keep(conn)
        self._witness.keep(conn)
        self._empty_old(conn, self._register)
        self._database_age.set()
        self._outage.back()

    def _hold(self, names: frozenset[str], register: Register) -> None:
        """Have a lane for each of these slots and for no other."""
        self._slots = names
        for name in sorted(set(self._lanes) - names):
            log.warning("slot taken over by another process", slot=name)
            self._witness.forget(name)
            self._lanes.pop(name).stop()
            metrics.end_slot(name)
        if LIFE not in names:
            self._leave_old()
        for name in sorted(names - set(self._lanes), key=lambda name: name != LIFE):
            log.info("reading slot", slot=name)
            lane = self._life(register) if name == LIFE else self._bulk(name, register)
            metrics.begin_slot(name)
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
            self._lanes[LIFE].session.change(self._heard_by_life())

    def _heard_by_life(self) -> tuple[str, ...]:
        return (*self._life_filters, drops.TOPIC, canary_topic(LIFE))

    def _life(self, register: Register) -> SavingLane:
        """Return the lane of whatever may carry an SOS: nothing else is in its way."""
        session: Session
        ears = self._witness.watch(LIFE)

        def consumes(message: Publish) -> bool:
            if message.topic == ears.topic:
                return ears.consumes(message)
            return self._drops.consumes(message)

        def granted(filters: frozenset[str]) -> None:
            ears.granted(filters)
            if LIFE_FILTER in filters:
                ours = {drops.TOPIC, ears.topic}
                session.publish(NOTICE, notice(filters - ours), retain=True)

        session = Session(
            self._address,
            self._client_id(LIFE),
            self._heard_by_life(),
            hooks=SessionHooks(
                consumes=consumes,
                connected=lambda: ears.connected(session.begun),
                granted=granted,
                will=TAKEN_BACK,
            ),
            name=LIFE,
        )
        return self._lane(LIFE, session, register, linger=0.0)

    def _bulk(self, slot: str, register: Register) -> SavingLane:
        """Return a lane of everything else."""
        session: Session
        crossing = Crossing()
        ears = self._witness.watch(slot)
        wanted = {EVERYTHING} if slot == BULK else set()
        if self._settings.shared:  # such a subscription is sent nothing that the broker retains
            wanted = {SHARED, *(DISCOVERY if slot == BULK else ())}

        def consumes(message: Publish) -> bool:
            if message.topic == ears.topic:  # asked of each message: spared a call
                return ears.consumes(message)
            return crossing.consumes(message)

        def connected() -> None:
            crossing.reset()
            ears.connected(session.begun)

        session = Session(
            self._address,
            self._client_id(slot),
            (*wanted, NOTICE, ears.topic),
            unwanted={SHARED, EVERYTHING, *DISCOVERY} - wanted,
            pause=READ_PAUSE,
            hooks=SessionHooks(consumes=consumes, connected=connected, granted=ears.granted),
            name=slot,
        )
        return self._lane(slot, session, register, linger=self._settings.linger)

    def _client_id(self, slot: str) -> str:
        return f"{self._settings.client_prefix}{slot}-{self._suffix}"

    def _empty_old(self, conn: psycopg.Connection, register: Register) -> None:
        """Empty and end the sessions of earlier releases, once all of ours are subscribed."""
        if LIFE not in self._lanes or not all(e.session.listening for e in self._lanes.values()):
            return
        if self._old is None:
            self._old = [self._inherited(slot, register) for slot in old_slots(conn)]
            for each in self._old:
                each.start()
        self._old = [each for each in self._old if not each.is_ended(conn)]

    def _leave_old(self) -> None:
        """Leave what is not emptied to whoever has the life slot next."""
        for each in self._old or ():
            each.stop()
        self._old = None

    def _inherited(self, slot: str, register: Register) -> OldSession:
        filters = (*self._life_filters, drops.TOPIC) if slot == LIFE else (EVERYTHING, SHARED)

        def lane_of(name: str, session: Session) -> SavingLane:
            return self._lane(name, session, register, linger=self._settings.linger)

        client_id = self._settings.client_prefix + slot
        return OldSession(self._address, client_id, slot, (*filters, NOTICE), lane_of)

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
            committed=self._answerer.tell,
        )

    def _urgent(self, delivery: Delivery) -> bool:
        return delivery.envelope.topic in self._life_topics

    def _end(self) -> None:
        for lane in self._lanes.values():
            lane.stop()
        self._leave_old()
        self._witness.stop()
        self._answerer.stop()
        if self._keeper is not None:
            self._keeper.stop()
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
