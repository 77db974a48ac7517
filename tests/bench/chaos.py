"""`make bench-chaos`: everything that may fall, falls under load; nothing acknowledged is lost.

Each case is one line of `CASES`: what runs, and the mischief done while messages pour in. The
test suite runs the same cases in a shortened form.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.bench.load import fresh
from tests.bench.rig import Rig, Verdict

Mischief = Callable[[Rig, float], None]  # the second argument: how long to stay broken, in seconds


class Case(msgspec.Struct, frozen=True):
    """One way to fall."""

    name: str
    mischief: Mischief
    services: tuple[str, ...] = ("ingest",)
    environment: dict[str, str] = {}


def kill_ingest(rig: Rig, seconds: float) -> None:
    """kill -9, twice, each at a random moment, and the start right behind it."""
    for _ in range(2):
        time.sleep(random.uniform(0.1, 0.9))
        rig["ingest"].kill()
        rig["ingest"].start()
        rig["ingest"].await_ready()


def stop_ingest(rig: Rig, seconds: float) -> None:
    """SIGTERM and start, as an update does."""
    rig["ingest"].stop()
    rig["ingest"].start()
    rig["ingest"].await_ready()


def kill_a_mate(rig: Rig, seconds: float) -> None:
    """One of two processes is killed and does not come back: its mate takes its sessions over."""
    time.sleep(random.uniform(0.1, 0.9))
    rig["ingest-1"].kill()


def restart_broker(rig: Rig, seconds: float) -> None:
    """SIGTERM, a pause, and start."""
    rig.broker.stop()
    time.sleep(seconds / 10)
    rig.broker.start()


def stop_database(rig: Rig, seconds: float) -> None:
    """In good order, for a while."""
    rig.postgres.stop()
    _watch(rig, seconds)
    rig.postgres.start()


def kill_database(rig: Rig, seconds: float) -> None:
    """kill -9 and start."""
    rig.postgres.kill()
    rig.postgres.start()


def freeze_database(rig: Rig, seconds: float) -> None:
    """It answers nothing and breaks no connection, for half the while."""
    rig.postgres.freeze()
    _watch(rig, seconds / 2)
    rig.postgres.thaw()


def freeze_ingest(rig: Rig, seconds: float) -> None:
    """The process stands still, for half the while."""
    rig["ingest"].freeze()
    time.sleep(seconds / 2)
    rig["ingest"].thaw()


SHARED = {"CAREWATCH_INGEST_SHARED": "1"}
CASES = (
    Case("ingest killed", kill_ingest),
    Case("ingest restarted", stop_ingest),
    Case("ingest killed, mate stands by", kill_a_mate, ("ingest-1", "ingest-2")),
    Case("ingest killed, mate shares", kill_a_mate, ("ingest-1", "ingest-2"), SHARED),
    Case("broker restarted", restart_broker),
    Case("database stopped", stop_database),
    Case("database killed", kill_database),
    Case("database frozen", freeze_database),
    Case("ingest frozen", freeze_ingest),
)


def _watch(rig: Rig, seconds: float) -> None:
    """Let time pass, with an eye on the memory of ingest."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for each in rig.ingests:
            each.remember()
        time.sleep(0.1)


def run(case: Case, directory: Path, *, total: int, rate: float, seconds: float) -> Verdict:
    """Load, break, mend, wait and count. `seconds` is how long what is broken stays so."""
    with Rig(directory, case.services, environment=case.environment, durable=False) as rig:
        load = fresh(rig.broker.port, total, rate=rate).start()
        time.sleep(0.5)
        case.mischief(rig, seconds)
        load.wait(total / rate + 120)
        return rig.verdict(load)


def main() -> int:
    """All cases in full; the number of broken promises is the exit status."""
    broken = 0
    print(f"{'case':32}{'acked':>9}{'rows':>9}{'lost':>6}{'twice':>6}{'feed':>9}{'MB':>6}")
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="carewatch-chaos-") as directory:
            found = run(case, Path(directory), total=60_000, rate=2_000, seconds=60)
        broken += not found.kept
        print(
            f"{case.name:32}{found.acknowledged:9}{found.rows:9}{found.lost:6}{found.doubled:6}"
            f"{found.in_feed:9}{found.peak // 1_000_000:6}  {'' if found.kept else 'BROKEN'}",
            flush=True,
        )
    return broken


if __name__ == "__main__":
    sys.exit(main())
