"""MQTT clients side by side as ingest would use them: what a QoS 1 message costs that is taken,
handed over in a batch and acknowledged after that batch's commit.

All speak MQTT 3.1.1 on a persistent session and make the same `Envelope` of each message; the
commit itself does nothing, so what is left is the client's. gmqtt is in the extra `bench`.
"""

import asyncio
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from deploy import logs
from devices.broker_address import Address
from devices.envelope import Envelope
from ingest.mqtt.session import Session
from ingest.settings import BATCH_SIZE
from tests.bench.load_process import Crowd, Traffic
from tests.broker_fixtures import Broker
from tests.clock import utc_now

HERE = multiprocessing.get_context("spawn")
HOST, CLIENT_ID, FILTER = "127.0.0.1", "carewatch-bench-client", "carewatch/v1/#"
REST = 0.004  # seconds ingest's bulk session rests after a read
BESIDE = Path(sys.prefix) / "beside"  # not among the rest: its wheel has a `tests` that hides ours
PATIENCE = 300.0  # seconds for one client to take it all
Take = Callable[[int, int, Callable[[], None]], None]  # port, messages, ready


class Cost(msgspec.Struct, frozen=True):
    """What one client spent in one round."""

    cpu: float  # processor microseconds of its process a message
    rate: float  # messages a second
    left: int  # messages that the broker still holds unacknowledged


def ours(port: int, total: int, ready: Callable[[], None], pause: float = REST) -> None:
    """`ingest`'s own session."""
    session = Session(Address(HOST, port), CLIENT_ID, [FILTER], pause=pause)
    session.start()
    ready()
    taken = 0
    while taken < total:
        batch = session.take(PATIENCE)
        session.ack(batch)
        taken += len(batch)
    session.stop()


def unrested(port: int, total: int, ready: Callable[[], None]) -> None:
    """The same without its rest after a read."""
    ours(port, total, ready, pause=0.0)


def paho(port: int, total: int, ready: Callable[[], None]) -> None:
    """paho with `manual_ack`, acknowledged by the saving thread."""
    come: SimpleQueue[tuple[Envelope, int]] = SimpleQueue()
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, CLIENT_ID, clean_session=False, manual_ack=True
    )

    def on_message(_: mqtt.Client, __: Any, said: mqtt.MQTTMessage) -> None:
        now = utc_now()
        envelope = Envelope(said.topic, said.payload, now, None, said.retain, said.dup)
        come.put((envelope, said.mid))

    client.on_message = on_message
    client.on_connect = lambda *_: ready()
    client.connect(HOST, port)
    client.loop_start()
    taken = 0
    while taken < total:
        batch = _gathered(come)
        for _, packet_id in batch:
            client.ack(packet_id, 1)
        taken += len(batch)
    client.disconnect()
    client.loop_stop()


def _gathered(come: SimpleQueue[tuple[Envelope, int]]) -> list[tuple[Envelope, int]]:
    batch = [come.get(timeout=PATIENCE)]
    while len(batch) < BATCH_SIZE:
        try:
            batch.append(come.get_nowait())
        except Empty:
            break
    return batch


class Batch:
    """Messages of one commit, and the future that its acknowledgements wait for."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.packet_ids: list[int] = []
        self.committed = asyncio.get_running_loop().create_future()


class Batches:
    """Batches committed one after the other on a thread, beside the loop that fills them."""

    def __init__(self) -> None:
        self.open = Batch()
        self._filled = asyncio.Event()

    def add(self, topic: str, payload: bytes, said: dict[str, Any], packet_id: int = 0) -> Batch:
        """Put a message into the batch that is open."""
        now = utc_now()
        batch = self.open
        batch.envelopes.append(Envelope(topic, payload, now, None, said["retain"], said["dup"]))
        batch.packet_ids.append(packet_id)
        self._filled.set()
        return batch

    async def next(self) -> Batch:
        """The next batch, committed."""
        await asyncio.wait_for(self._filled.wait(), PATIENCE)
        self._filled.clear()
        batch, self.open = self.open, Batch()
        await asyncio.get_running_loop().run_in_executor(None, len, batch.envelopes)
        return batch


def gmqtt(port: int, total: int, ready: Callable[[], None]) -> None:
    """gmqtt as its documentation has it: it acknowledges when the coroutine has returned."""
    asyncio.run(_gmqtt(port, total, ready, by_hand=False))


def gmqtt_by_hand(port: int, total: int, ready: Callable[[], None]) -> None:
    """gmqtt without a task a message, through methods it keeps to itself: its lower bound."""
    asyncio.run(_gmqtt(port, total, ready, by_hand=True))


async def _gmqtt(port: int, total: int, ready: Callable[[], None], *, by_hand: bool) -> None:
    sys.path.append(str(BESIDE))
    import gmqtt as library

    client = library.Client(CLIENT_ID, clean_session=False, optimistic_acknowledgement=False)
    batches = Batches()

    async def on_message(_: Any, topic: str, payload: bytes, __: int, said: dict[str, Any]) -> int:
        await batches.add(topic, payload, said).committed
        return 0

    client.on_message = on_message
    if by_hand:
        handler: Any = client._package_handler
        handler._handle_qos_1_publish_packet = lambda packet_id, payload, topic, said: batches.add(
            topic, payload, said, packet_id
        )
    await client.connect(HOST, port, version=library.constants.MQTTv311)
    ready()
    taken = 0
    while taken < total:
        batch = await batches.next()
        batch.committed.set_result(None)
        for packet_id in batch.packet_ids if by_hand else ():
            client._send_command_with_mid(0x40, packet_id, False)
        taken += len(batch.envelopes)
    await asyncio.sleep(0.1)  # until the last tasks have acknowledged
    await client.disconnect()


CLIENTS: dict[str, Take] = {
    "our session": ours,
    "our session without its rest": unrested,
    "gmqtt": gmqtt,
    "gmqtt by its inner methods": gmqtt_by_hand,
    "paho, manual_ack": paho,
}


def compare(
    broker: Broker, total: int, rounds: int, rate: float, clients: Sequence[str]
) -> dict[str, list[Cost]]:
    """Each client's cost in every round; they take turns. `rate` 0: all messages wait already,
    else so many a second are published meanwhile."""
    found: dict[str, list[Cost]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name in clients:
            found[name].append(_turn(broker, name, total, rate))
    return found


def _turn(broker: Broker, name: str, total: int, rate: float) -> Cost:
    _subscribe(broker)
    pipe, theirs = HERE.Pipe()
    process = HERE.Process(target=_run, args=(name, broker.port, total, theirs), daemon=True)
    traffic = Traffic(total, rate=rate)
    if rate == 0:
        with Crowd(broker.port, traffic) as crowd:
            crowd.published()
    process.start()
    theirs.close()  # so that its end is an EOFError here
    try:
        pipe.recv()
        if rate:
            with Crowd(broker.port, traffic) as crowd:
                crowd.published()
        if not pipe.poll(PATIENCE):
            raise TimeoutError(f"{name} has not taken its {total} messages")
        cpu, seconds = pipe.recv()
    finally:
        process.terminate()
        process.join()
    return Cost(1e6 * cpu / total, total / seconds, _left(broker))


def _run(name: str, port: int, total: int, pipe: Connection) -> None:
    told = threading.Event()

    def ready() -> None:
        if not told.is_set():
            told.set()
            pipe.send("ready")

    logs.configure("warning")
    wall, cpu = time.perf_counter(), time.process_time()
    CLIENTS[name](port, total, ready)
    pipe.send((time.process_time() - cpu, time.perf_counter() - wall))


def _subscribe(broker: Broker) -> None:
    """Make the session that the broker keeps."""
    with _session(broker, clean=True):
        pass  # forget what an earlier round left
    with _session(broker, clean=False):
        pass


@contextmanager
def _session(broker: Broker, *, clean: bool) -> Iterator[Session]:
    session = Session(Address(HOST, broker.port), CLIENT_ID, [FILTER], clean=clean)
    session.start()
    try:
        while not session.listening:
            time.sleep(0.01)
        yield session
    finally:
        session.stop()


def _left(broker: Broker) -> int:
    """How many messages the broker delivers again."""
    with _session(broker, clean=False) as session:
        left = 0
        while batch := session.take(0.5):
            session.ack(batch)
            left += len(batch)
    return left


def there() -> list[str]:
    """The clients that are installed."""
    return [name for name in CLIENTS if (BESIDE / "gmqtt").exists() or "gmqtt" not in name]


def figure(costs: Sequence[Cost]) -> str:
    """The median and the range of one client's rounds, and what it left unacknowledged."""
    cpu = sorted(each.cpu for each in costs)
    rate = statistics.median(each.rate for each in costs)
    left = sum(each.left for each in costs)
    said = f"CPU {statistics.median(cpu):.1f} µs ({cpu[0]:.1f} to {cpu[-1]:.1f}), {rate:,.0f} msg/s"
    return said + (f"; {left} left unacknowledged" if left else "")
