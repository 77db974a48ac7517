"""`make bench-chaos`: everything that may fall, falls under load; nothing acknowledged is lost.

Each case is one line of `CASES`: what runs, and the mischief done while messages pour in. The
test suite runs the same cases in a shortened form. What the columns mean: docs/reference/chaos.md.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.bench import fault_injection
from tests.bench.alarm_traffic import fresh
from tests.bench.disk import may_mount
from tests.bench.fault_injection import Mischief
from tests.bench.report import machine
from tests.bench.scene import Scene
from tests.bench.shutdown import end_in_order
from tests.bench.verdict import Verdict, verdict

RULES = ("ingest", "alerts")
WALL = ("ingest", "alerts", "dashboards")
MATES = ("ingest-1", "ingest-2", "alerts")
SHARED = {"CAREWATCH_INGEST_SHARED": "1"}


class Case(msgspec.Struct, frozen=True):
    """One way to fall."""

    name: str
    mischief: Mischief
    services: tuple[str, ...] = RULES
    seconds: float = 0  # it stays broken, at full length
    environment: dict[str, str] = {}
    disk: int | None = None  # megabytes of the database's disk; needs the right to mount one
    may_lose: bool = False  # the broker itself dies: its loss is measured, not promised away


CASES = (
    Case("ingest killed", fault_injection.kill("ingest")),
    Case("ingest restarted", fault_injection.restart_ingest),
    Case("ingest frozen", fault_injection.freeze_ingest, seconds=30),
    Case("ingest killed, mate stands by", fault_injection.kill_a_mate, MATES),
    Case("ingest killed, mate shares", fault_injection.kill_a_mate, MATES, environment=SHARED),
    Case("alerts killed", fault_injection.kill("alerts")),
    Case("pager killed while sending", fault_injection.kill_pager_while_sending),
    Case("dashboards killed", fault_injection.kill_dashboards, WALL),
    Case("broker restarted", fault_injection.restart_broker, seconds=6),
    Case("broker killed", fault_injection.kill_broker, seconds=10, may_lose=True),
    Case(
        "broker killed, ingest away",
        fault_injection.kill_broker_with_a_backlog,
        seconds=10,
        may_lose=True,
    ),
    Case("database stopped", fault_injection.stop_database, seconds=60),
    Case("database killed", fault_injection.kill_database),
    Case("database frozen", fault_injection.freeze_database, seconds=30),
    Case("disk full", fault_injection.fill_the_disk, seconds=20, disk=600),
)


class Length(msgspec.Struct, frozen=True):
    """How long a case is."""

    total: int  # messages, at least
    rate: float  # messages a second
    longest: float  # seconds that anything stays broken

    def seconds(self, case: Case) -> float:
        return min(case.seconds, self.longest)

    @property
    def lead(self) -> float:
        """Seconds of load before anything breaks."""
        return self.total / self.rate / 6

    def messages(self, case: Case) -> int:
        """So many that the load outlasts what is broken."""
        return max(self.total, int(self.rate * (3 * self.lead + self.seconds(case))))


FULL = Length(60_000, 2_000, 60)


def run(case: Case, directory: Path, length: Length = FULL) -> Verdict:
    """Load, break, mend, wait and count."""
    total = length.messages(case)
    scene = Scene(
        directory,
        case.services,
        presses=total // 100,
        environment=case.environment,
        disk=case.disk,
    )
    with scene:
        load = fresh(scene.broker.port, total, rate=length.rate).start()
        time.sleep(length.lead)
        scene.mark()
        case.mischief(scene, length.seconds(case))
        load.wait(total / length.rate + 120)
        return verdict(scene, load, idle=5 if case.may_lose else 30)


HEAD = (
    "case", "acked", "rows", "lost", "twice", "feed", "presses", "low", "alerts lost", "twice",
    "pages lost", "again", "unseen", "memory (MB)", "",
)  # fmt: skip


def cells(case: Case, found: Verdict) -> Iterator[object]:
    """One line of the table."""
    yield from (case.name, found.acknowledged, found.rows, found.lost, found.doubled)
    yield found.in_feed
    of = found.alarms
    if of is None:
        yield from ("",) * 7
    else:
        yield from (
            of.presses,
            of.low,
            of.lost,
            of.doubled,
            of.unpaged + of.extra,
            of.repeated,
            of.unseen,
        )
    yield ", ".join(
        f"{name} {before // 1_000_000} → {peak // 1_000_000}"
        for name, (before, peak) in found.memory.items()
    )
    yield said(case, found)


def said(case: Case, found: Verdict) -> str:
    """Whether the promise held."""
    if found.kept:
        return "kept"
    if case.may_lose and found.consistent:
        return f"the broker lost {found.lost}"
    return "**BROKEN**"


def main() -> int:
    """All cases in full; the number of broken promises is the exit status."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.chaos", description=__doc__)
    asked.add_argument("--only", default="", help="cases whose name holds this")
    only = asked.parse_args().only
    end_in_order()
    print(f"{machine()}\n\n| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    broken = 0
    for case in (each for each in CASES if only in each.name):
        if case.disk and not may_mount():
            print(f"| {case.name} | not run: mounting a small disk needs root |", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="carewatch-chaos-") as directory:
            found = run(case, Path(directory))
        broken += said(case, found) == "**BROKEN**"
        print(f"| {' | '.join(map(str, cells(case, found)))} |", flush=True)
    return broken


if __name__ == "__main__":
    sys.exit(main())
