"""The broker's edge: a persistent MQTT session whose messages are acknowledged when we say so.

Nothing is acknowledged before `ack`, so what is not stored waits in the broker; how much is held
here is bounded by count and bytes. The session's own thread owns the socket; `take` and `ack`
belong to one saving thread. Why this speaks MQTT 3.1.1 itself instead of through paho:
docs/decisions/0018-our-own-mqtt-session.md.
"""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from time import monotonic, sleep

import msgspec
import structlog

from devices.envelope import Envelope
from ingest.mqtt import packets
from ingest.mqtt.connection import Address, Wire
from ingest.mqtt.keepalive import ANSWER_TIME, KEEP_ALIVE, Pulse

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds between attempts to connect, doubling
BEAT = 0.25  # seconds after which an idle session says anew that nothing is waiting
WINDOW = 20_000  # messages held; Mosquitto's max_inflight_messages is usually the lower bound
WINDOW_BYTES = 64_000_000  # bytes of payload held
LARGE_READ = 65_536  # bytes; a read of this size shows that more is waiting
FILTERS_A_PACKET = 200
TICK = timedelta(microseconds=1)

log = structlog.get_logger()


class SessionHooks(msgspec.Struct, frozen=True):
    """What a session does beside delivering; all of it runs on the session's own thread."""

    consumes: Callable[[packets.Publish], bool] = lambda _: False  # acknowledged, not delivered
    connected: Callable[[], None] = lambda: None  # before anything of a connection is read
    granted: Callable[[frozenset[str]], None] = lambda _: None  # all filters asked are answered
    will: packets.Will | None = None  # said by the broker, or by us as we go, at the end


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One message in our hands, and what it takes to acknowledge it."""

    envelope: Envelope
    packet_id: int  # 0 = QoS 0, nothing to acknowledge
    connection: int  # which connection brought it: an id means nothing on another one


class Session:
    """A session that the broker keeps under `client_id`, read by a thread of its own.

    `start` it, `take` and `ack` in order, `stop` it. It connects again by itself, with a
    growing pause.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        filters: Iterable[str],
        *,
        unwanted: Iterable[str] = (),
        clean: bool = False,
        pause: float = 0.0,
        window: int = WINDOW,
        hooks: SessionHooks | None = None,
        name: str = "",
    ) -> None:
        self.address = address
        self.client_id = client_id
        self._name = name or client_id  # in logs: whoever knows the id may be tempted to use it
        self.connected = False
        self.begun = 0  # times the broker did not know the session and began a new one
        self.refused: frozenset[str] = frozenset()  # filters the broker did not grant
        self.confirmed: frozenset[str] = frozenset()  # filters it granted in this session
        self._clean = clean
        self._pause = pause  # seconds of rest after a read, so that the next one finds more
        self._window = window
        self._hooks = hooks or SessionHooks()
        self._wanted = dict.fromkeys(filters)
        self._unwanted = tuple(unwanted)  # filters that the session may have from earlier
        self._asked: dict[int, tuple[str, ...]] = {}
        self._next_id = 0
        self._connection = 0
        self._known_to_broker = False
        self._wire: Wire | None = None
        self._orders: deque[Callable[[Wire], None]] = deque()
        self._inbox: SimpleQueue[list[Delivery]] = SimpleQueue()
        self._waiting: deque[tuple[int, datetime]] = deque()  # (last number, stamp) a chunk
        self._arrived = self._released = 0  # messages; one thread writes each
        self._bytes_in = self._bytes_out = 0
        self._idle_at = self._stamp = datetime.now(UTC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)

    # ------------------------------------------------------------ for the saving thread

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what is acknowledged, say goodbye and end the thread. The broker keeps the rest."""
        self._stopping.set()
        self._ring()
        if self._thread.is_alive():
            self._thread.join(ANSWER_TIME)

    def take(self, timeout: float) -> list[Delivery]:
        """The next messages that came together; [] after `timeout` seconds without any."""
        try:
            return self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
        except Empty:
            return []

    def current(self, delivery: Delivery) -> bool:
        """False when the broker will deliver this message again, on a newer connection."""
        return (
            delivery.connection == self._connection
            or delivery.packet_id == 0
            or not self._known_to_broker
        )

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """These are committed (or not current): acknowledge them and make room for others."""
        now = self._connection
        ids = [each.packet_id for each in deliveries if each.connection == now and each.packet_id]
        if ids:
            self._orders.append(lambda wire: self._send_acks(wire, ids, now))
        self._bytes_out += sum([len(each.envelope.payload) for each in deliveries])
        self._released += len(deliveries)
        while self._waiting and self._waiting[0][0] <= self._released:
            self._waiting.popleft()
        self._ring()

    def seen_until(self) -> datetime:
        """Everything received before this moment has been acknowledged by `ack`."""
        idle_at = self._idle_at  # read first: what comes later is stamped later
        return self._waiting[0][1] if self._waiting else idle_at

    @property
    def listening(self) -> bool:
        """Connected, and every subscription answered."""
        return self.connected and not self._asked

    @property
    def held(self) -> int:
        """Messages in our hands."""
        return self._arrived - self._released

    # ------------------------------------------------------------ for anybody

    def change(self, filters: Iterable[str]) -> None:
        """Have these filters from now on; `SessionHooks.granted` tells when the broker has
        agreed."""
        wanted = dict.fromkeys(filters)
        more = [each for each in wanted if each not in self._wanted]
        fewer = [each for each in self._wanted if each not in wanted]
        self._wanted = wanted
        if fewer:
            self.confirmed -= frozenset(fewer)
            self._hooks.granted(self.confirmed)  # first let go of what is given up
            self._order(lambda wire: wire.write(packets.unsubscribe(self._new_id(), fewer)))
        if more:
            self._order(lambda wire: self._ask(wire, more))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1, once, without waiting; lost when the connection is lost."""
        self._order(
            lambda wire: wire.write(packets.publish(topic, payload, self._new_id(), retain=retain))
        )

    def _order(self, order: Callable[[Wire], None]) -> None:
        self._orders.append(order)
        self._ring()

    def _ring(self) -> None:
        wire = self._wire
        if wire is not None:
            wire.wake()

    # ------------------------------------------------------------ the session's own thread

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = monotonic()
            try:
                self._converse()
                return
            except (OSError, packets.BrokenStream) as error:
                log.warning(
                    "broker lost",
                    session=self._name,
                    broker=str(self.address),
                    why=str(error) or type(error).__name__,
                    again_in=round(pause, 1),
                )
            self.connected = False
            if monotonic() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._stopping.wait(pause * random.uniform(0.7, 1.3))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _converse(self) -> None:
        """Connect and read until asked to stop. Raises OSError or BrokenStream."""
        wire = Wire(self.address)
        try:
            self._wire = wire
            reader = packets.Reader()
            early = self._greet(wire, reader)
            self._accept(early)
            pulse = Pulse()
            while not self._stopping.is_set():
                self._turn(wire, reader, pulse)
            self._part(wire)
        finally:
            self._wire = None
            self.connected = False
            wire.close()

    def _turn(self, wire: Wire, reader: packets.Reader, pulse: Pulse) -> None:
        """Say what is to be said, wait, and take in what has come."""
        said = self._obey(wire)
        reading = self._has_room()
        self._idle_at = self._clock()
        wire.wait(BEAT, reading=reading)
        data = wire.read() if reading else b""
        self._accept(reader.feed(data))
        if pulse.asks(said=said, heard=bool(data) or not reading):
            wire.write(packets.PINGREQ)
        if self._pause and 0 < len(data) < LARGE_READ:
            sleep(self._pause)

    def _greet(self, wire: Wire, reader: packets.Reader) -> list[packets.Packet]:
        """CONNECT and CONNACK, then SUBSCRIBE; what the broker sent right behind is returned."""
        address = self.address
        wire.write(
            packets.connect(
                self.client_id,
                clean=self._clean,
                keep_alive=KEEP_ALIVE,
                user=address.user,
                password=address.password,
                will=self._hooks.will,
            )
        )
        until = monotonic() + ANSWER_TIME
        come: list[packets.Packet] = []
        while not come:
            if monotonic() > until:
                raise TimeoutError("no answer to CONNECT")
            wire.wait(BEAT, reading=True)
            data = wire.read()
            come = reader.feed(data) if data else []
        answer = come[0]
        if not isinstance(answer, packets.Connack) or answer.code:
            code = answer.code if isinstance(answer, packets.Connack) else 0
            raise ConnectionError(packets.REFUSED.get(code, "not an MQTT broker"))
        self._welcome(wire, answer.session_present)
        return come[1:]

    def _welcome(self, wire: Wire, session_present: bool) -> None:
        if not session_present:
            self.begun += 1
        self.confirmed = frozenset()  # a broker that fell may have forgotten the newest of them
        self._known_to_broker = session_present
        self._connection += 1
        self._asked.clear()
        self._hooks.connected()
        self._ask(wire, list(self._wanted))
        self.connected = True
        log.info("broker connected", session=self._name, kept=session_present)
        if self._unwanted:
            wire.write(packets.unsubscribe(self._new_id(), self._unwanted))

    def _ask(self, wire: Wire, filters: Sequence[str]) -> None:
        for start in range(0, len(filters), FILTERS_A_PACKET):
            some = tuple(filters[start : start + FILTERS_A_PACKET])
            number = self._new_id()
            self._asked[number] = some
            wire.write(packets.subscribe(number, some))

    def _granted(self, answer: packets.Suback) -> None:
        asked = self._asked.pop(answer.packet_id, ())
        refused = {each for each, code in zip(asked, answer.codes, strict=False) if code & 128}
        self.confirmed |= frozenset(asked) - refused
        self.refused = (self.refused - frozenset(asked)) | refused
        if refused:
            log.error("subscription refused", session=self._name, filters=sorted(refused))
        if not self._asked:
            self._hooks.granted(self.confirmed)

    def _obey(self, wire: Wire) -> bool:
        """Carry out what other threads have asked for; True when there was something."""
        some = bool(self._orders)
        while self._orders:
            self._orders.popleft()(wire)
        return some

    def _send_acks(self, wire: Wire, ids: Sequence[int], connection: int) -> None:
        if connection == self._connection:
            wire.write(packets.pubacks(ids))

    def _part(self, wire: Wire) -> None:
        if self._hooks.will is not None:
            self.publish(self._hooks.will.topic, self._hooks.will.payload, retain=True)
        self._obey(wire)
        wire.write(packets.DISCONNECT)
        wire.wait(0, reading=False)

    def _has_room(self) -> bool:
        return self.held < self._window and self._bytes_in - self._bytes_out < WINDOW_BYTES

    def _clock(self) -> datetime:
        """Now, never earlier than before: what came later must not look older."""
        self._stamp = max(self._stamp, datetime.now(UTC))
        return self._stamp

    def _accept(self, come: Sequence[packets.Packet]) -> None:
        """Stamp what came, each with a moment of its own: two presses alike are two presses."""
        first, connection = self._clock(), self._connection
        chunk: list[Delivery] = []
        for packet in come:
            if isinstance(packet, packets.Publish):
                if self._hooks.consumes(packet):
                    self._ack_consumed(packet.packet_id)
                    continue
                envelope = Envelope(
                    packet.topic, packet.payload, self._stamp, None, packet.retain, packet.dup
                )
                self._stamp += TICK
                self._bytes_in += len(packet.payload)
                chunk.append(Delivery(envelope, packet.packet_id, connection))
            elif isinstance(packet, packets.Suback):
                self._granted(packet)
        if chunk:
            self._arrived += len(chunk)
            self._waiting.append((self._arrived, first))
            self._inbox.put(chunk)

    def _ack_consumed(self, packet_id: int) -> None:
        if packet_id:
            connection = self._connection
            self._orders.append(lambda wire: self._send_acks(wire, (packet_id,), connection))

    def _new_id(self) -> int:
        self._next_id = self._next_id % 65_535 + 1
        return self._next_id
