"""The morning after: every phone empties its night's buffer at once, thousands come back, somebody
presses, and the visits that were missed for want of evidence are cleared by it."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import LiteralString

import psycopg

from tests.bench import burst, latency
from tests.bench.load_process import AT_THE_HOME, Crowd, Traffic
from tests.bench.report import Row
from tests.bench.rig import Rig
from tests.bench.town import Item, over_soon
from tests.clock import epoch_now
from tests.system.running import Receiver

VISITS = 200  # that end while their caregivers' phones are silent
SOON = timedelta(seconds=45)  # until they do: the services have started by then
PRESSES = 5
PATIENCE = 240.0  # seconds


def missed_soon(now: datetime) -> list[Item]:
    """Visits that were made and will count as missed, for the phones have not told yet."""
    return over_soon(now - AT_THE_HOME - timedelta(minutes=20), now + SOON, VISITS)


def morning(rig: Rig, receiver: Receiver, positions: int) -> Iterator[Row]:
    """Wait until the visits are missed, let the crowd loose, press, and wait for the clearing."""
    with rig.connect() as conn:
        missed = _await(conn, VISITS, _MISSED)
        buffered = Traffic(positions, kind="night", connections=1_000)
        again = Traffic(5_000, kind="back", connections=5_000, window=1)
        with Crowd(rig.broker.port, buffered) as crowd, Crowd(rig.broker.port, again):
            while burst.in_log(conn) < positions // 2:
                time.sleep(0.05)
            found = latency.press(rig.broker.port, receiver, range(PRESSES), 1.0)
            began = crowd.published().began
        cleared = _await(conn, missed, _CLEARED)
    took = epoch_now() - began
    name = f"{positions:,} buffered positions"
    yield Row(f"SOS in the middle of {name}", found.figure(), "each < 2 s", found.within(2e3, 2e3))
    figure = f"{cleared} of {missed} cleared, {took:.0f} s after the first position"
    holds = cleared == missed == VISITS
    yield Row(f"visits missed before {name}", figure, f"all of {VISITS}", holds)


_MISSED: LiteralString = (
    "SELECT count(*) FROM alert WHERE rule = 'visit_missed' AND starts_with(key, 'over-')"
)
_CLEARED: LiteralString = _MISSED + " AND state = 'cleared'"


def _await(conn: psycopg.Connection, wanted: int, count: LiteralString) -> int:
    """What is counted, once it is so many or patience has ended."""
    until = time.monotonic() + PATIENCE
    while True:
        found = conn.execute(count).fetchone()
        there = int(found[0]) if found else 0
        if there >= wanted or time.monotonic() > until:
            return there
        time.sleep(0.2)
