"""Where each microsecond goes: the real parts one by one, by the processor time of this process.

What PostgreSQL and Mosquitto spend is not in here; `burst` tells it by process.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from alerts.casebook import Casebook
from alerts.engine import World, advance, begin, state_names
from alerts.feed import Feed
from alerts.given.plans import load_plans
from alerts.given.roster import roster_of
from alerts.journal import Journal
from alerts.lanes.both import rules_of
from alerts.lanes.clock import SystemClock
from alerts.lanes.walk import Walk
from alerts.types import Stored
from devices.envelope import Envelope
from devices.registry import load_directory
from ingest.admission import admit
from ingest.broker import Session
from ingest.feed import feed_after, last_arrival
from ingest.settings import BATCH_SIZE
from ingest.store import Message, save
from ingest.wire import Address
from tests.bench.crowd import Crowd, Traffic
from tests.bench.load import mixed
from tests.bench.rig import Rig


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
        began = datetime.now(UTC)
        envelopes = _envelopes(total, began)
        directory = load_directory(conn)
        messages: list[Message] = []
        admitted = _timed(
            "decode and admission",
            total,
            lambda: messages.extend(Message(each, admit(each, directory)) for each in envelopes),
        )
        arrival = last_arrival(conn)
        stored = _timed("store, our side", total, lambda: _save(conn, messages))
        fed = _timed("feed read and decoded", total, lambda: _feed(conn, arrival))
        world = _world(conn, began)
        engine = _timed("engine, all rules of the main lane", total, lambda: _judge(conn, world))
        with psycopg.connect(rig.postgres.url) as read:
            walk = _walk(conn, read, began)
            whole = _timed("the whole walk", total, lambda: _to_the_end(walk))
    rest = max(whole.cpu - fed.cpu - engine.cpu, 0.0)
    journal = Stage("casebook and journal", rest, max(whole.wall - fed.wall - engine.wall, 0.0))
    engine = msgspec.structs.replace(
        engine, cpu=max(engine.cpu - fed.cpu, 0.0), wall=max(engine.wall - fed.wall, 0.0)
    )
    return [edge, admitted, stored, fed, engine, journal]


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
    make = mixed(f"stage{time.time_ns():x}", began - timedelta(minutes=2))
    tick = timedelta(microseconds=50)
    return [Envelope(*make(n), began + n * tick) for n in range(total)]


def _save(conn: psycopg.Connection, messages: list[Message]) -> None:
    for start in range(0, len(messages), BATCH_SIZE):
        save(conn, messages[start : start + BATCH_SIZE])


def _feed(conn: psycopg.Connection, after: int) -> None:
    while found := feed_after(conn, after, limit=4):
        after = found[-1].last


def _world(conn: psycopg.Connection, began: datetime) -> World:
    return begin(load_directory(conn), load_plans(conn), rules=rules_of("main"), clock=began)


def _judge(conn: psycopg.Connection, world: World) -> None:
    """The feed once more, each reading judged; what reading the feed costs is taken off."""
    after = 0
    while found := feed_after(conn, after, limit=4):
        for batch in found:
            for number, reading in enumerate(batch.readings, batch.first):
                advance(world, Stored(number, reading))
        after = found[-1].last


def _walk(conn: psycopg.Connection, read: psycopg.Connection, began: datetime) -> Walk:
    """The main lane as the alerts process makes it."""
    directory, plans, rules = load_directory(conn), load_plans(conn), rules_of("main")
    journal = Journal(conn, "main", [rule.name for rule in rules_of("life")])
    states = journal.states(state_names(rules))
    world = begin(directory, plans, rules=rules, states=states, clock=began, hindsight=False)
    roster = roster_of(directory, plans, ZoneInfo(directory.timezone))
    book = Casebook(roster, (), ())
    feed = Feed(read, "main", 0, 0)
    return Walk("main", journal, world, book, feed, SystemClock(), lambda _: None)


def _to_the_end(walk: Walk) -> None:
    while not walk.step().is_drained:
        pass
