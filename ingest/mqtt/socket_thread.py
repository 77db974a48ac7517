"""The thread that owns the socket: it connects, reads, stamps what came, and writes what is asked.

Other threads reach it by `request` alone.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import msgspec
import structlog

from core.backoff import Backoff
from devices.broker_address import Address
from devices.envelope import Envelope
from ingest.mqtt import packets
from ingest.mqtt.connection import Wire
from ingest.mqtt.held import Delivery, HeldMessages
from ingest.mqtt.keepalive import ANSWER_TIME, KEEP_ALIVE, KeepAlive
from ingest.mqtt.subscriptions import PacketIds, Subscriptions

FIRST_PAUSE = 0.2  # seconds before the second attempt to connect: a restart takes a broker less
LONGEST_PAUSE = 10.0  # seconds; a broker that was away for long is found again so soon
BEAT = 0.25  # seconds after which an idle session notes anew that nothing is waiting
LARGE_READ = 65_536  # bytes; a read of this size shows that more is waiting
TICK = timedelta(microseconds=1)  # the finest that a stamp in PostgreSQL tells apart

log = structlog.get_logger()

Request = Callable[[Wire], None]  # something to write, carried out on the socket's thread


class SessionHooks(msgspec.Struct, frozen=True):
    """What a session does beside delivering; all of it runs on the socket's thread."""

    consumes: Callable[[packets.Publish], bool] = lambda _: False  # acknowledged, not delivered
    connected: Callable[[], None] = lambda: None  # before anything of a connection is read
    granted: Callable[[frozenset[str]], None] = lambda _: None  # all filters asked are answered
    will: packets.Will | None = None  # published by the broker, or by us as we go, at the end


class Login(msgspec.Struct, frozen=True):
    """How a session introduces itself to the broker."""

    address: Address
    client_id: str
    name: str  # in logs: whoever knows the id may be tempted to use it
    clean: bool  # the broker forgets what it has for this client id
    rest: float  # seconds of sleep after a read, so that the next one finds more


class SocketThread:
    """One session's side of the conversation with the broker, over as many connections as it takes.

    All fields are written by this thread alone, but `_requests`, which others append to.
    """

    def __init__(
        self,
        login: Login,
        filters: Iterable[str],
        unwanted: Iterable[str],
        held: HeldMessages,
        hooks: SessionHooks,
    ) -> None:
        self.connected = False
        self.connection = 0  # number of the connection
        self.is_kept = False  # the broker knew the session when this connection began
        self.begun = 0  # times the broker did not know the session and began a new one
        self._ids = PacketIds()
        self.subscriptions = Subscriptions(login.name, filters, unwanted, self._ids, hooks.granted)
        self._login = login
        self._held = held
        self._hooks = hooks
        self._wire: Wire | None = None
        self._stamp = datetime.now(UTC)
        self._requests: deque[Request] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=login.name, daemon=True)

    # ------------------------------------------------------------ for any thread

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Carry out what is requested, say goodbye to the broker and end the thread."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(ANSWER_TIME)

    def request(self, request: Request) -> None:
        """Have this carried out on the socket's thread, in order, once there is a connection."""
        self._requests.append(request)
        self.wake()

    def wake(self) -> None:
        """Interrupt a wait on the socket."""
        wire = self._wire
        if wire is not None:
            wire.wake()

    def acknowledge(self, ids: Sequence[int], connection: int) -> None:
        """Send PUBACKs for messages of this connection, if it is still the one in use."""
        self._requests.append(lambda wire: self._send_acks(wire, ids, connection))

    def change(self, filters: Iterable[str]) -> None:
        """Have these filters from now on."""
        wanted = tuple(filters)
        self.request(lambda _: self._change(wanted))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1, once, without waiting; lost when the connection is lost."""
        self.request(
            lambda wire: wire.write(packets.publish(topic, payload, self._ids.new(), retain=retain))
        )

    # ------------------------------------------------------------ the thread itself

    def _run(self) -> None:
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, steady=LONGEST_PAUSE)
        while not self._stopping.is_set():
            began = monotonic()
            try:
                self._converse()
                return
            except (OSError, packets.BrokenStream) as error:
                pause = backoff.pause(monotonic() - began)
                log.warning(
                    "broker lost",
                    session=self._login.name,
                    broker=str(self._login.address),
                    why=str(error) or type(error).__name__,
                    again_in=round(pause, 1),
                )
            self._stopping.wait(pause)

    def _converse(self) -> None:
        """Connect and read until asked to stop. Raises OSError or BrokenStream."""
        wire = Wire(self._login.address)
        try:
            self._wire = wire
            reader = packets.Reader()
            answer, come = self._log_in(wire, reader)
            self._begin(wire, answer)
            self._accept(come)
            keep_alive = KeepAlive()
            while not self._stopping.is_set():
                self._turn(wire, reader, keep_alive)
            self._say_goodbye(wire)
        finally:
            self._wire = None
            self.connected = False
            wire.close()

    def _log_in(
        self, wire: Wire, reader: packets.Reader
    ) -> tuple[packets.Connack, list[packets.Packet]]:
        """Send CONNECT. Return the CONNACK, and what the broker sent right behind it."""
        wire.write(self._connect())
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
        return answer, come[1:]

    def _connect(self) -> bytes:
        address = self._login.address
        return packets.connect(
            self._login.client_id,
            clean=self._login.clean,
            keep_alive=KEEP_ALIVE,
            user=address.user,
            password=address.password,
            will=self._hooks.will,
        )

    def _begin(self, wire: Wire, answer: packets.Connack) -> None:
        """Begin a new connection: what was read on the one before means nothing on it."""
        if not answer.session_present:
            self.begun += 1
        self.is_kept = answer.session_present
        self.connection += 1
        self._hooks.connected()
        wire.write(self.subscriptions.begin())
        self.connected = True
        log.info("broker connected", session=self._login.name, kept=self.is_kept)

    def _turn(self, wire: Wire, reader: packets.Reader, keep_alive: KeepAlive) -> None:
        """Write what is requested, wait, and take in what has come."""
        sent = self._carry_out(wire)
        reading = self._held.has_room
        self._held.note_idle(self._now())
        wire.wait(BEAT, reading=reading)
        data = wire.read() if reading else b""
        self._accept(reader.feed(data))
        if keep_alive.ping_is_due(sent=sent, received=bool(data) or not reading):
            wire.write(packets.PINGREQ)
        if self._login.rest and 0 < len(data) < LARGE_READ:
            sleep(self._login.rest)

    def _carry_out(self, wire: Wire) -> bool:
        """Carry out what is requested. Return True if there was something."""
        some = bool(self._requests)
        while self._requests:
            self._requests.popleft()(wire)
        return some

    def _accept(self, come: Sequence[packets.Packet]) -> None:
        """Stamp what came, each with a moment of its own: two presses alike are two presses."""
        first, connection, consumes = self._now(), self.connection, self._hooks.consumes
        stamp, size = first, 0
        chunk: list[Delivery] = []
        for packet in come:
            if isinstance(packet, packets.Publish):
                if consumes(packet):
                    if packet.packet_id:
                        self.acknowledge((packet.packet_id,), connection)
                    continue
                envelope = Envelope(
                    packet.topic, packet.payload, stamp, None, packet.retain, packet.dup
                )
                stamp += TICK
                size += len(packet.payload)
                chunk.append(Delivery(envelope, packet.packet_id, connection))
            elif isinstance(packet, packets.Suback):
                self.subscriptions.answered(packet)
        self._stamp = stamp
        if chunk:
            self._held.put(chunk, size, first)

    def _now(self) -> datetime:
        """Return the moment, never earlier than before: what came later must not look older."""
        self._stamp = max(self._stamp, datetime.now(UTC))
        return self._stamp

    def _change(self, filters: Sequence[str]) -> None:
        """Change the filters, behind what `SessionHooks.granted` publishes of those given up."""
        changes = self.subscriptions.change(filters)
        self._requests.append(lambda wire: wire.write(changes))

    def _send_acks(self, wire: Wire, ids: Sequence[int], connection: int) -> None:
        if connection == self.connection:
            wire.write(packets.pubacks(ids))

    def _say_goodbye(self, wire: Wire) -> None:
        if self._hooks.will is not None:
            self.publish(self._hooks.will.topic, self._hooks.will.payload, retain=True)
        self._carry_out(wire)
        wire.write(packets.DISCONNECT)
        wire.finish()
