"""What a large register costs: the start, each message, and a change of one device."""

import time

import psycopg

from alerts.desk import append
from alerts.types import TownChanged
from devices.directory import Device, RegisterChange
from devices.registry import apply, load_snapshot, refresh
from tests.bench import burst
from tests.bench.load_process import Traffic
from tests.bench.report import Row
from tests.bench.rig import Rig
from tests.clock import utc_now

CLIENTS = 37_100
START = 30.0  # seconds a start may take
CALM, IDLE, PATIENCE = 6.0, 0.1, 90.0  # seconds; cores an idle process may use; seconds at most
CHANGE = 0.01  # of what reading the whole register takes, for one device


def measured(rig: Rig, devices: int, messages: int) -> tuple[float, list[Row]]:
    """CPU microseconds a message of ingest and alerts, and what to print, with so many devices
    and (from 100,000 on) the clients of a city."""
    with rig.connect() as conn:
        _register(conn, devices)
        whole, change = _cost_of_change(conn)
    began = time.monotonic()
    rig.add("ingest", "alerts")
    ready = time.monotonic() - began
    _await_calm(rig)
    found = burst.run(rig, Traffic(messages, kind="spread", devices=devices))
    cpu = sum(found.cpu[name] for name in ("ingest", "alerts"))
    figure = f"ready in {ready:.1f} s; CPU {cpu:.0f} µs a message (ingest + alerts)"
    start = Row(f"{devices:,} devices", figure, "< 30 s", ready < START)
    figure = f"{1e3 * change:.2f} ms, the whole register {1e3 * whole:,.0f} ms"
    holds = change <= CHANGE * whole if devices >= CLIENTS else None
    one = Row(f"{devices:,} devices: one of them changes", figure, "1 % of the whole", holds)
    return cpu, [start, one]


def _await_calm(rig: Rig) -> None:
    """Until what a start leaves to do is done: the first saving of states is none of a burst's."""
    until, before = time.monotonic() + PATIENCE, rig["alerts"].cpu()
    while time.monotonic() < until:
        time.sleep(CALM)
        now = rig["alerts"].cpu()
        if now - before < IDLE * CALM:
            return
        before = now


def _register(conn: psycopg.Connection, devices: int) -> None:
    conn.execute(
        "INSERT INTO device (id, kind) SELECT 'extra-' || n,"
        " (ARRAY['phone', 'door', 'sensor'])[n / greatest(%s / 1000, 1) %% 3 + 1]"
        " FROM generate_series(0, %s - 1) n",
        (devices, devices),
    )
    if devices >= CLIENTS:
        conn.execute(
            "INSERT INTO client (id, body) SELECT 'city-' || n, jsonb_build_object("
            "'id', 'city-' || n, 'care_level', 'partial', 'home', jsonb_build_object("
            "'lat', 35 + n %% 997 / 1e3, 'lon', 115 + n %% 991 / 1e3, 'radius', 150))"
            " FROM generate_series(1, %s) n",
            (CLIENTS,),
        )


def _cost_of_change(conn: psycopg.Connection) -> tuple[float, float]:
    """CPU seconds to read the whole register, and to follow a change of one device."""
    began = time.process_time()
    directory, arrival = load_snapshot(conn)
    whole = time.process_time() - began
    change = RegisterChange(devices=(Device(id="extra-0", kind="phone", maintenance=True),))
    with conn.transaction():
        apply(conn, change)
        append(conn, TownChanged(at=utc_now(), register=change))
    began = time.process_time()
    changed, _ = refresh(conn, directory, arrival)
    took = time.process_time() - began
    assert changed.devices.get("extra-0") == change.devices[0]
    return whole, took
