"""Where each microsecond goes: the real parts one by one, by the processor time of this process.

What PostgreSQL and Mosquitto spend is not in here; `burst` tells it by process.
"""

import gc
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_hex
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from alerts.cases.casebook import Casebook
from alerts.clock import SystemClock
from alerts.engine.engine import World
from alerts.engine.two_lanes import rules_of
from alerts.lanes.feed import Feed, FeedRead
from alerts.lanes.journal import Journal, Step
from alerts.lanes.loop import LaneLoop
from alerts.plans.plans import load_plans
from alerts.plans.roster import roster_of
from alerts.types import LaneName
from devices.broker_address import Address
from devices.envelope import Envelope
from devices.registry import load_directory
from ingest.admission.admit import admit
from ingest.mqtt.session import Session
from ingest.settings import BATCH_SIZE
from ingest.store.save import AdmittedMessage, save
from tests.bench.load import mixed
from tests.bench.load_process import Crowd, Traffic
from tests.bench.rig import Rig
from tests.clock import utc_now

LANES: tuple[LaneName, ...] = ("main", "life")


class Stage(msgspec.Struct, frozen=True):
    """Microseconds a message of one stage."""

    name: str
    cpu: float
    wall: float


def measure(rig: Rig, total: int) -> list[Stage]:
    """All stages over `total` messages of mixed traffic, in the order of the road.

    Needs a rig with a town and no services running.
    """
    with rig.connect() as conn:
        edge = _edge(rig, total)
        began = utc_now()
        envelopes = _envelopes(total, began)
        directory = load_directory(conn)
        messages: list[AdmittedMessage] = []
        admitted = _timed(
            "decode and admission",
            total,
            lambda: messages.extend(
                AdmittedMessage(each, admit(each, directory)) for each in envelopes
            ),
        )
        stored = _timed("store, our side", total, lambda: _save(conn, messages))
    lanes = [stage for lane in LANES for stage in _walked(rig, lane, began, total)]
    return [edge, admitted, stored, *lanes]


class Meter:
    """Processor and wall time spent in one place over many calls, in seconds."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> None:
        self.cpu -= time.process_time()
        self.wall -= time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.cpu += time.process_time()
        self.wall += time.perf_counter()

    def stage(self, name: str, total: int) -> Stage:
        """What it came to, for each of `total` messages."""
        return Stage(name, 1e6 * self.cpu / total, 1e6 * self.wall / total)


class MeteredFeed(Feed):
    """A feed that knows what reading it costs."""

    def __init__(self, conn: psycopg.Connection, lane: LaneName) -> None:
        super().__init__(conn, lane, 0, 0)
        self.meter = Meter()

    def read(self) -> FeedRead:
        with self.meter:
            return super().read()


class MeteredJournal(Journal):
    """A journal that knows what committing costs."""

    def __init__(self, conn: psycopg.Connection, lane: LaneName) -> None:
        super().__init__(conn, lane, [rule.name for rule in rules_of("life")])
        self.meter = Meter()

    def commit(self, step: Step) -> None:
        with self.meter:
            super().commit(step)


def _walked(rig: Rig, lane: LaneName, began: datetime, total: int) -> list[Stage]:
    """Feed, judgement and journal of one lane's walk over all that is stored."""
    with rig.connect() as conn, psycopg.connect(rig.postgres.url) as read:
        feed, journal = MeteredFeed(read, lane), MeteredJournal(conn, lane)
        loop = _loop(lane, conn, feed, journal, began)
        gc.collect()
        gc.freeze()  # as a live lane does
        whole = _timed(f"{lane} lane: engine and casebook", total, lambda: _to_the_end(loop))
        gc.unfreeze()
    fed = feed.meter.stage(f"{lane} lane: feed read and decoded", total)
    written = journal.meter.stage(f"{lane} lane: journal", total)
    judged = msgspec.structs.replace(
        whole, cpu=whole.cpu - fed.cpu - written.cpu, wall=whole.wall - fed.wall - written.wall
    )
    return [fed, judged, written]


def _timed(name: str, total: int, work: Callable[[], object]) -> Stage:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Stage(name, 1e6 * cpu / total, 1e6 * wall / total)


def _edge(rig: Rig, total: int) -> Stage:
    """Our MQTT session with nothing behind it: take, and acknowledge in batches."""
    session = Session(
        Address.of(rig.broker.url), "carewatch-bench-edge", ["carewatch/v1/#"], clean=True
    )
    session.start()
    try:
        while not session.listening:
            time.sleep(0.01)
        with Crowd(rig.broker.port, Traffic(total)) as crowd:
            return _timed("broker edge", total, lambda: _take(session, total, crowd))
    finally:
        session.stop()


def _take(session: Session, total: int, _: Crowd) -> None:
    taken = 0
    while taken < total:
        batch = session.take(10.0)
        if not batch:
            raise TimeoutError(f"{taken} of {total} messages came to the session")
        session.ack(batch)
        taken += len(batch)


def _envelopes(total: int, began: datetime) -> list[Envelope]:
    make = mixed(f"stage{token_hex(8)}", began - timedelta(minutes=2))
    tick = timedelta(microseconds=50)
    return [Envelope(*make(n), began + n * tick) for n in range(total)]


def _save(conn: psycopg.Connection, messages: list[AdmittedMessage]) -> None:
    for start in range(0, len(messages), BATCH_SIZE):
        save(conn, messages[start : start + BATCH_SIZE])


def _loop(
    lane: LaneName, conn: psycopg.Connection, feed: Feed, journal: Journal, began: datetime
) -> LaneLoop:
    """A lane as the alerts process makes it, with nobody to send its pages."""
    directory, plans = load_directory(conn), load_plans(conn)
    world = World.begin(directory, plans, rules=rules_of(lane), clock=began, hindsight=False)
    book = Casebook(roster_of(directory, plans, ZoneInfo(directory.timezone)), (), ())
    return LaneLoop(lane, journal, world, book, feed, SystemClock(), lambda _: None)


def _to_the_end(loop: LaneLoop) -> None:
    while not loop.step().is_drained:
        pass
