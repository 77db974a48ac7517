"""A burst through the running services: from the first publish to the last committed row."""

import time

import msgspec
import psycopg

from tests.bench.load_process import Crowd, Traffic
from tests.bench.processes import Usage, usage
from tests.bench.rig import Rig

PATIENCE = 600.0
ALERTS_MEASURE = 0.6  # seconds after which the feed's lag is measured anew, and a bit


class Burst(msgspec.Struct, frozen=True):
    """What became of it."""

    messages: int
    rows: int  # of this burst, once each
    rate: float  # committed rows a second
    published: float  # acknowledged by the broker a second, to the publishers
    lag: float  # seconds the feed's reader was behind when the last row was committed
    drained: float  # seconds from then until it had read all
    cpu: dict[str, float]  # microseconds a message, by process
    before: dict[str, Usage]
    after: dict[str, Usage]


def run(rig: Rig, traffic: Traffic) -> Burst:
    """Publish, wait until all is committed (and judged, with alerts running). Counts the rows.

    Raises TimeoutError when not every message became a row.
    """
    with rig.connect() as conn:
        before, stored = usages(rig), in_log(conn)
        with Crowd(rig.broker.port, traffic) as crowd:
            ended = _await_rows(conn, stored + traffic.total)
            sent = crowd.published()
        time.sleep(ALERTS_MEASURE)
        lag = rig["alerts"].figures()["carewatch_feed_lag_seconds"] if _judged(rig) else 0.0
        drained = _await_judged(rig) if _judged(rig) else 0.0
        after = usages(rig)
        rows = in_log(conn) - stored
    spent = {name: after[name].cpu - before[name].cpu for name in after}
    return Burst(
        messages=traffic.total,
        rows=rows,
        rate=rows / (ended - sent.began),
        published=sent.acknowledged / sent.seconds,
        lag=lag,
        drained=drained,
        cpu={name: 1e6 * seconds / traffic.total for name, seconds in spent.items()},
        before=before,
        after=after,
    )


def usages(rig: Rig) -> dict[str, Usage]:
    """What each process of the rig has cost so far."""
    assert rig.broker.process is not None
    assert rig.postgres.process is not None
    pids = {"mosquitto": rig.broker.process.pid, "postgres": rig.postgres.process.pid}
    pids |= {name: each.process.pid for name, each in rig.services.items() if each.process}
    return {name: usage(pid) for name, pid in pids.items()}


def in_log(conn: psycopg.Connection) -> int:
    """Readings in the feed's log, which holds each row of `reading` once."""
    found = conn.execute("SELECT coalesce(sum(last - first + 1), 0) FROM arrival_log").fetchone()
    return int(found[0]) if found else 0


def _await_rows(conn: psycopg.Connection, wanted: int) -> float:
    """When the last batch was stored, as epoch seconds, once there are so many."""
    until = time.monotonic() + PATIENCE
    while (there := in_log(conn)) < wanted:
        if time.monotonic() > until:
            raise TimeoutError(f"{there} of {wanted} rows after {PATIENCE:.0f} s")
        time.sleep(0.05)
    found = conn.execute("SELECT extract(epoch FROM max(stored_at)) FROM arrival_log").fetchone()
    assert found is not None
    return float(found[0])


def _judged(rig: Rig) -> bool:
    return "alerts" in rig.services


def _await_judged(rig: Rig) -> float:
    """Seconds until the rules have read everything."""
    began = time.monotonic()
    while rig["alerts"].figures()["carewatch_feed_lag_seconds"] > 0:
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError("the feed is not read to its end")
        time.sleep(0.1)
    return time.monotonic() - began
