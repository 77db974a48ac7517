"""The parts of `make bench`. Each starts what it needs, ends it, and yields its rows."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from alerts.engine.engine import World
from alerts.types import Stored
from tests.bench import burst, clients, latency, morning, peers, registered, stages
from tests.bench.backtest import backtest
from tests.bench.bench_engine import DAY, City, resident_mb, saved_bytes, timed, walk
from tests.bench.bench_store import copy_all, message, reading, save_all, streams
from tests.bench.load_process import Crowd, Traffic
from tests.bench.report import Row
from tests.bench.rig import Rig
from tests.bench.soak import soak
from tests.bench.town import Item, write_town
from tests.clock import utc_now
from tests.system.running import Receiver

FOUR_TIMES, AIM = 4.0, 20_000.0  # times the tutorial's rate; rows a second
ENGINE = 30_000.0  # readings a second
LAG = 2.0  # seconds the rules may be behind when the last row of a burst is committed
STATE = 2_000  # bytes a client that the rules may remember
STEADY = 10_000.0  # messages a second while MQTT clients are compared
FLAT = 1.5  # CPU a message with many devices, against few
Phase = tuple[float, float, float]  # other messages a second; p50 and p99 in ms to stay below
PHASES: tuple[Phase, ...] = ((0, 20.0, 100.0), (500, 20.0, 100.0), (2_000, 250.0, 250.0))
BATCH = 2_000


class Scale(msgspec.Struct, frozen=True):
    """How large a run is."""

    messages: int = 100_000
    tutorial: int = 15_000  # messages for the slow peer
    presses: int = 200  # in each phase
    press_rate: float = 8.0  # a second
    engine: tuple[int, int, int] = (37_100, 200_000, 100_000)  # clients, readings: warm, timed
    tried: tuple[int, int] = (37_100, 300_000)  # clients, readings of the backtest
    flat: int = 30_000  # messages for each size of the register
    night: int = 128_000
    clients: tuple[int, int] = (60_000, 3)  # messages, rounds for each MQTT client


QUICK = Scale(
    messages=10_000,
    tutorial=2_000,
    presses=30,
    press_rate=15.0,
    engine=(3_000, 20_000, 20_000),
    tried=(3_000, 30_000),
    flat=5_000,
    night=10_000,
    clients=(2_000, 1),
)


@contextmanager
def started(*services: str) -> Iterator[Rig]:
    """A rig of its own for a part of the run."""
    with (
        tempfile.TemporaryDirectory(prefix="carewatch-bench-") as directory,
        Rig(Path(directory), services) as rig,
    ):
        yield rig


@contextmanager
def town(
    presses: int, *services: str, visits: Sequence[Item] | None = None
) -> Iterator[tuple[Rig, Receiver]]:
    """A rig with the town of `load`, and the webhook of its person on call."""
    receiver = Receiver()
    try:
        with started() as rig:
            file = rig.postgres.directory.parent / "town.yaml"
            write_town(file, presses=presses, port=receiver.port, visits=visits)
            rig.service("load").run("load", str(file))
            rig.add(*services)
            yield rig, receiver
    finally:
        receiver.close()


def roads(scale: Scale) -> Iterator[Row]:
    """What is measured beside ours: paho doing nothing, COPY alone, save, the tutorial."""
    with started() as rig, rig.connect() as conn:
        peers.make_table(conn)
        rate, cpu = peers.run(rig, peers.null_subscriber, scale.messages)
        yield Row("null paho subscriber, manual acks", f"{rate:,.0f} msg/s, CPU {cpu:.0f} µs")
        messages = [message(reading(n)) for n in range(scale.messages)]
        prepared = streams(messages, BATCH)
        conn.execute("CREATE TABLE alone (LIKE reading_track)")
        conn.execute("CREATE UNIQUE INDEX ON alone (device, at, id)")
        seconds = _seconds(lambda: copy_all(conn, "alone", prepared))
        yield Row("COPY alone", f"{scale.messages / seconds:,.0f} rows/s")
        seconds = _seconds(lambda: save_all(conn, messages, BATCH))
        yield Row("store.save alone", f"{scale.messages / seconds:,.0f} rows/s")


def bursts(scale: Scale) -> Iterator[Row]:
    """From publish to committed row: the tutorial, ours, ours with all rules."""
    with started() as rig, rig.connect() as conn:
        peers.make_table(conn)
        base, cpu = peers.run(rig, peers.tutorial, scale.tutorial)
    yield Row("tutorial script (INSERT and commit each)", f"{base:,.0f} rows/s, CPU {cpu:.0f} µs")
    for services in (("ingest",), ("ingest", "alerts")):
        with town(0, *services) as (rig, _):
            yield from _burst_rows(
                " + ".join(services), burst.run(rig, Traffic(scale.messages)), base
            )


def _burst_rows(name: str, found: burst.Burst, base: float) -> Iterator[Row]:
    figure = f"{found.rate:,.0f} rows/s (published at {found.published:,.0f}/s)"
    aim = f"{AIM:,.0f} rows/s"
    yield Row(f"{name}: publish → committed row", figure, aim, found.rate >= AIM)
    times = found.rate / base
    yield Row(f"{name}: against the tutorial", f"{times:.1f}×", "4×", times >= FOUR_TIMES)
    if "alerts" in found.after:
        figure = f"{found.lag:.2f} s, read to the end {found.drained:.1f} s later"
        yield Row(f"{name}: feed behind at the end", figure, "< 2 s", found.lag < LAG)
    spent = ", ".join(f"{who} {cpu:.0f}" for who, cpu in found.cpu.items())
    yield Row(f"{name}: CPU µs a message", f"{spent}; in all {sum(found.cpu.values()):.0f}")
    grown = ", ".join(
        f"{who} {found.before[who].megabytes()} → {found.after[who].megabytes()}"
        for who in found.after
        if who != "postgres"  # its processes share most of theirs
    )
    yield Row(f"{name}: memory", grown)


def microseconds(scale: Scale) -> Iterator[Row]:
    """CPU by stage."""
    with town(0) as (rig, _):
        found = stages.measure(rig, scale.messages)
    for stage in found:
        yield Row(f"stage: {stage.name}", f"CPU {stage.cpu:.1f} µs, wall {stage.wall:.1f} µs")
    yield Row("stages together", f"CPU {sum(each.cpu for each in found):.0f} µs a message")


def presses(scale: Scale) -> Iterator[Row]:
    """SOS publish → webhook, idle and with other traffic."""
    with town(len(PHASES) * scale.presses, "ingest", "alerts") as (rig, receiver):
        for phase, (rate, p50, p99) in enumerate(PHASES):
            buttons = range(phase * scale.presses, (phase + 1) * scale.presses)
            found = _pressed(rig, receiver, buttons, scale.press_rate, rate)
            name = f"with {rate:,} other msg/s" if rate else "idle"
            target = f"p50 < {p50:g} ms, p99 < {p99:g} ms"
            yield Row(f"SOS → webhook, {name}", found.figure(), target, found.within(p50, p99))


def _pressed(
    rig: Rig, receiver: Receiver, buttons: range, press_rate: float, rate: float
) -> latency.Latency:
    if not rate:
        return latency.press(rig.broker.port, receiver, buttons, press_rate)
    seconds = len(buttons) / press_rate + 5
    others = Traffic(int(rate * seconds), kind="calm", rate=rate)
    with Crowd(rig.broker.port, others) as crowd:
        time.sleep(2)  # until the load is even
        found = latency.press(rig.broker.port, receiver, buttons, press_rate)
        crowd.published()
    return found


def engine(scale: Scale) -> Iterator[Row]:
    """The rules over a city's day, without a database."""
    clients, warm, count = scale.engine
    city, begins = City(clients), DAY.replace(hour=7, minute=45)
    before, began = resident_mb(), time.perf_counter()
    world = World.begin(city.directory, city.plans, clock=begins)
    begun = time.perf_counter() - began
    numbered = enumerate(city.readings(warm + count, begins), 1)
    stimuli = [Stored(n, each) for n, each in numbered]
    walk(world, stimuli[:warm])
    each = timed(world, stimuli[warm:], None)
    middle = each[len(each) // 2]
    figure = f"{1 / middle:,.0f} readings/s, {1e6 * middle:.1f} µs; begun in {begun:.1f} s"
    figure += f", {resident_mb() - before:,.0f} MB"
    name = f"engine, {clients:,} clients, all rules"
    yield Row(name, figure, f"{ENGINE:,.0f} readings/s", 1 / middle >= ENGINE)
    state = saved_bytes(world) / clients
    yield Row("engine: state saved a client", f"{state:,.0f} bytes", "< 2 KB", state < STATE)


def flat(scale: Scale) -> Iterator[Row]:
    """CPU a message by how many devices are registered."""
    yield from _flat(scale, (1_000, 100_000))


def million(scale: Scale) -> Iterator[Row]:
    """The same with a million devices, how long a start takes and what one change costs."""
    yield from _flat(scale, (1_000, 1_000_000))


def _flat(scale: Scale, sizes: tuple[int, int]) -> Iterator[Row]:
    costs = []
    for size in sizes:
        with started() as rig:
            cost, rows = registered.measured(rig, size, scale.flat)
        yield from rows
        costs.append(cost)
    ratio = costs[1] / costs[0]
    name = f"CPU at {sizes[1]:,} devices to {sizes[0]:,}"
    yield Row(name, f"{ratio:.2f}×", "≤ 1.5×", ratio <= FLAT)


def after_the_night(scale: Scale) -> Iterator[Row]:
    """Every phone empties its night's buffer at once, thousands reconnect, and somebody presses."""
    visits = morning.missed_soon(utc_now())
    with town(morning.PRESSES, "ingest", "alerts", visits=visits) as (rig, receiver):
        yield from morning.morning(rig, receiver, scale.night)


def tried(scale: Scale) -> Iterator[Row]:
    """A backtest from the database against the engine alone."""
    with started() as rig:
        yield from backtest(rig, *scale.tried)


def compared(scale: Scale) -> Iterator[Row]:
    """Our MQTT session, paho and gmqtt in turn: all messages waiting, and a steady stream."""
    total, rounds = scale.clients
    with started() as rig:
        for name, rate in (("waiting", 0.0), (f"at {STEADY:,.0f} msg/s", STEADY)):
            found = clients.compare(rig.broker, total, rounds, rate, clients.there())
            for client, costs in found.items():
                yield Row(f"{total:,} messages {name}: {client}", clients.figure(costs))


def soaked(scale: Scale, minutes: float, rate: float | None) -> Iterator[Row]:
    """Half a burst's rate for so long."""
    with town(0, "ingest", "alerts") as (rig, _):
        if rate is None:
            rate = burst.run(rig, Traffic(scale.messages)).rate / 2
        yield from soak(rig, minutes, rate)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


SECTIONS: dict[str, Callable[[Scale], Iterator[Row]]] = {
    "roads": roads,
    "bursts": bursts,
    "microseconds": microseconds,
    "presses": presses,
    "engine": engine,
    "backtest": tried,
    "flat": flat,
}
EXTRAS: dict[str, Callable[[Scale], Iterator[Row]]] = {
    "morning": after_the_night,
    "million": million,
    "clients": compared,
}
