"""Hours under half the load it can take: what grows, grows for ever."""

import time
from collections.abc import Iterator

import msgspec

from tests.bench import burst
from tests.bench.load_process import Crowd, Traffic
from tests.bench.report import Row
from tests.bench.rig import Rig

LOOKS = 40  # at the processes, in all
GROWTH = 1.1  # of memory from the first third to the last that counts as none


class Look(msgspec.Struct, frozen=True):
    """The state of everything at one moment."""

    memory: dict[str, float]  # MB by process
    files: dict[str, float]
    lag: float  # seconds
    connections: float
    held: float  # messages in ingest's hands


def soak(rig: Rig, minutes: float, rate: float) -> Iterator[Row]:
    """Publish at this rate for so long and compare the last third with the first."""
    total = int(minutes * 60 * rate)
    looks: list[Look] = []
    with Crowd(rig.broker.port, Traffic(total, "day", rate=rate)) as crowd:
        for _ in range(LOOKS):
            time.sleep(minutes * 60 / LOOKS)
            looks.append(_look(rig))
        sent = crowd.published()
    yield Row(f"soak of {minutes:g} min at {rate:,.0f} msg/s", f"{sent.acknowledged:,} messages")
    for name in looks[0].memory:
        yield _row(f"memory of {name} (MB)", [each.memory[name] for each in looks], GROWTH)
    for name in looks[0].files:
        yield _row(f"open files of {name}", [each.files[name] for each in looks], GROWTH)
    yield _row("database connections", [each.connections for each in looks], GROWTH)
    yield _row("feed lag (s)", [each.lag for each in looks], GROWTH, slack=1.0)
    yield _row("messages held by ingest", [each.held for each in looks], GROWTH, slack=4_000)


def _look(rig: Rig) -> Look:
    usages = burst.usages(rig)
    with rig.connect() as conn:
        found = conn.execute("SELECT count(*) FROM pg_stat_activity").fetchone()
    return Look(
        memory={name: each.memory / 1e6 for name, each in usages.items()},
        files={name: float(each.files) for name, each in usages.items()},
        lag=rig["alerts"].figures()["carewatch_feed_lag_seconds"],
        connections=float(found[0]) if found else 0.0,
        held=rig["ingest"].figures()["carewatch_ingest_held_messages"],
    )


def _row(what: str, seen: list[float], growth: float, *, slack: float = 2.0) -> Row:
    """The means of the first and the last third; the first look is left out, it is warming up."""
    third = max(1, len(seen) // 3)
    first, last = sum(seen[1 : third + 1]) / third, sum(seen[-third:]) / third
    holds = last <= first * growth + slack
    return Row(f"soak: {what}", f"{first:,.1f} → {last:,.1f}", "no growth", holds)
