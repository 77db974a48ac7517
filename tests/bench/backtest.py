"""A backtest of a city from the database, beside the engine alone on the very same readings."""

import time
from collections.abc import Callable, Iterator

import psycopg

from alerts.engine.engine import World
from alerts.town.town import Town
from alerts.trials.stored import stored_trial
from alerts.types import PlanSet, Stored
from devices.readings import Reading
from ingest.history import replay
from tests.bench.bench_engine import DAY, SECOND, City, walk
from tests.bench.bench_store import message, save_all
from tests.bench.report import Row
from tests.bench.rig import Rig

BEGINS = DAY.replace(hour=7, minute=45)
HALF = 0.5  # of the engine's rate
BATCH = 2_000


def backtest(rig: Rig, clients: int, count: int) -> Iterator[Row]:
    """The first `count` readings of a city's day, all of them from 07:45 on: a day has fourteen
    million, and a thinned day would leave out just the readings that change nothing."""
    city = City(clients)
    with rig.connect() as conn:
        until = _stored(conn, city, count)
        engine = _cpu(lambda: _walked(conn, city, until)) - _cpu(lambda: _read(conn, until))
        town = Town(city.directory, city.plans, "Asia/Shanghai")
        trial, _ = stored_trial(conn, town, BEGINS, until.received_at, _same)
        whole = _cpu(lambda: sum(1 for _ in trial.findings()))
    figure = f"{count / whole:,.0f} readings/s; engine alone on them {count / engine:,.0f}"
    share = engine / whole
    name = f"backtest from the database, {count:,} readings of {clients:,} clients"
    yield Row(name, f"{figure}: {share:.2f} of it", "≥ 0.5", share >= HALF)


def _stored(conn: psycopg.Connection, city: City, count: int) -> Reading:
    """Put them into the database; the last one."""
    readings = city.readings(count, BEGINS)
    last = None
    while some := [reading for _, reading in zip(range(100 * BATCH), readings, strict=False)]:
        save_all(conn, [message(reading) for reading in some], BATCH)
        last = some[-1]
    assert last is not None
    return last


def _walked(conn: psycopg.Connection, city: City, last: Reading) -> None:
    world = World.begin(city.directory, city.plans, clock=BEGINS)
    until = last.received_at + SECOND
    walk(world, (Stored(*row) for row in replay(conn, BEGINS, until)))


def _read(conn: psycopg.Connection, last: Reading) -> None:
    for _ in replay(conn, BEGINS, last.received_at + SECOND):
        pass


def _same(plans: PlanSet) -> PlanSet:
    return plans


def _cpu(work: Callable[[], object]) -> float:
    """Seconds of this process's processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began
