"""A load generator: raw MQTT 3.1.1 from many connections, QoS 1, a window, unique ids.

It knows which messages the broker has acknowledged, resends what was not after a lost
connection, and builds packets itself, so that it takes little of the machine it shares.
"""

import random
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

Make = Callable[[int], tuple[str, bytes]]  # the n-th message: topic and payload, always the same

PHONES, DOORS, TERMINALS, BUTTONS = 1_000, 500, 20, 100
SITE = "wangji"
MILLISECOND = timedelta(milliseconds=1)


def device_rows() -> list[tuple[str, str]]:
    """The devices that `mixed` speaks for: id and kind."""
    return [
        *((f"phone-{n}", "phone") for n in range(PHONES)),
        *((f"door-{n}", "door") for n in range(DOORS)),
        *((f"term-{n}", "terminal") for n in range(TERMINALS)),
        *((f"btn-{n}", "sos") for n in range(BUTTONS)),
    ]


def anywhere(n: int) -> tuple[float, float]:
    """Phones that leap across the town from one message to the next: the hardest road."""
    return 35.2 + (n * 7919 % 1000) / 1e4, 115.4 + (n * 104_729 % 1000) / 1e4


def mixed(
    run: str,
    began: datetime,
    *,
    every: timedelta = MILLISECOND,
    press_every: int = 100,
    place: Callable[[int], tuple[float, float]] = anywhere,
) -> Make:
    """Contract traffic as a town makes it: mostly positions, some doors, few of the rest.

    Ids are `{run}-{n}`; the n-th message was observed n times `every` after `began`. One message in
    `press_every` (hundreds; 0: none) is an SOS.
    """

    def make(n: int) -> tuple[str, bytes]:
        at = (began + n * every).isoformat(timespec="milliseconds")
        head = f'{{"id":"{run}-{n}","at":"{at}"'
        turn = n % 100
        if turn < 80:
            lat, lon = place(n)
            body = f',"lat":{lat:.6f},"lon":{lon:.6f},"accuracy":12,"speed":1.2,"battery":77}}'
            return f"carewatch/v1/{SITE}/position/phone-{n % PHONES}", (head + body).encode()
        if turn < 92:
            opened = "true" if n % 2 else "false"
            body = f',"open":{opened}}}'
            return f"carewatch/v1/{SITE}/door/door-{n % DOORS}", (head + body).encode()
        if turn < 96:
            body = ',"online":true,"battery":64}'
            return f"carewatch/v1/{SITE}/status/door-{n % DOORS}", (head + body).encode()
        if turn < 99 or not press_every or n % press_every != 99:
            body = f',"person":"p-{n % 50}","score":0.93,"alive":true}}'
            return f"carewatch/v1/{SITE}/face/term-{n % TERMINALS}", (head + body).encode()
        return f"carewatch/v1/{SITE}/sos/btn-{n // press_every % BUTTONS}", (head + "}").encode()

    return make


def packet(first: int, body: bytes) -> bytes:
    """An MQTT control packet with this first byte."""
    size, length = len(body), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes((first,)) + bytes(length) + body


def text(value: str) -> bytes:
    """A string as MQTT writes it."""
    return len(value.encode()).to_bytes(2, "big") + value.encode()


class Publisher:
    """One connection: what it has sent and not seen acknowledged waits in `flying`."""

    def __init__(self, port: int, name: str, account: tuple[str, str] | None = None) -> None:
        self.port = port
        self.account = account
        self.name = name
        self.socket: socket.socket | None = None
        self.flying: dict[int, int] = {}  # packet id -> message number
        self.unsent = b""
        self.unread = b""
        self.packet_id = 0
        self.retry_at = 0.0

    def connect(self) -> None:
        """Raises OSError when the broker is away."""
        wire = socket.create_connection(("127.0.0.1", self.port), 5)
        try:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            flags = b"\xc2" if self.account else b"\x02"
            tail = b"".join(text(each) for each in (self.name, *(self.account or ())))
            wire.sendall(packet(0x10, text("MQTT") + b"\x04" + flags + b"\x00\x00" + tail))
            if wire.recv(4) != b"\x20\x02\x00\x00":
                raise ConnectionError("the broker refused us")
        except OSError:
            wire.close()
            raise
        wire.setblocking(False)
        self.socket = wire
        self.unsent = self.unread = b""

    def take_back(self) -> list[int]:
        """The connection is lost: the messages to be sent again."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        lost, self.flying = list(self.flying.values()), {}
        self.retry_at = time.monotonic() + random.uniform(0.1, 0.4)
        return lost

    def add(self, number: int, topic: str, payload: bytes) -> bytes:
        """The packet of a message, which is in flight from now on."""
        self.packet_id = self.packet_id % 65_535 + 1
        self.flying[self.packet_id] = number
        return packet(0x32, text(topic) + self.packet_id.to_bytes(2, "big") + payload)

    def acknowledged(self) -> list[int]:
        """The numbers of the messages that the broker has acknowledged since last time."""
        assert self.socket is not None
        try:
            come = self.socket.recv(65_536)
        except BlockingIOError:
            return []
        if not come:
            raise ConnectionError("the broker closed the connection")
        data = self.unread + come
        whole = len(data) // 4 * 4
        self.unread = data[whole:]
        ids = [int.from_bytes(data[at + 2 : at + 4], "big") for at in range(0, whole, 4)]
        return [self.flying.pop(each) for each in ids if each in self.flying]

    def send(self, more: bytes = b"") -> None:
        """Send what the network takes."""
        assert self.socket is not None
        data = self.unsent + more
        try:
            sent = self.socket.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        self.unsent = data[sent:]


class Load:
    """Publishes `total` messages and returns from `run` when the broker has them all.

    `rate` is in messages a second (0 = as fast as it goes), `window` the unacknowledged ones of
    a connection. `acked[n]` is 1 when the n-th message was acknowledged.
    """

    def __init__(
        self,
        port: int,
        make: Make,
        total: int,
        *,
        rate: float = 0,
        connections: int = 20,
        window: int = 100,
        account: tuple[str, str] | None = None,
    ) -> None:
        self.make = make
        self.total = total
        self.rate = rate
        self.window = window
        self.acked = bytearray(total)
        self.done = 0  # acknowledged so far
        self.seconds = 0.0  # it took
        self._next = 0
        self._again: deque[int] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        name = f"load-{random.randrange(1 << 40):x}"
        self._publishers = [Publisher(port, f"{name}-{n}", account) for n in range(connections)]

    def start(self) -> "Load":
        """Run on a thread of its own; `wait` for its end."""
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        return self

    def wait(self, timeout: float) -> None:
        """Return when all is acknowledged. Raises TimeoutError."""
        assert self._thread is not None
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._stop.set()
            raise TimeoutError(f"{self.done} of {self.total} acknowledged after {timeout} s")

    def stop(self) -> None:
        """End early; what is in flight stays unacknowledged."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def run(self) -> None:
        """Publish all of it."""
        began = time.monotonic()
        with selectors.DefaultSelector() as selector:
            while self.done < self.total and not self._stop.is_set():
                due = int((time.monotonic() - began) * self.rate) if self.rate else self.total
                self._connect(selector)
                for publisher in self._publishers:
                    self._guard(selector, publisher, self._publish, due)
                for key, _ in selector.select(0.005):
                    self._guard(selector, key.data, self._collect, due)
            for publisher in self._publishers:
                publisher.take_back()
        self.seconds = time.monotonic() - began

    def _connect(self, selector: selectors.BaseSelector) -> None:
        for publisher in self._publishers:
            if publisher.socket is not None or time.monotonic() < publisher.retry_at:
                continue
            try:
                publisher.connect()
            except OSError:
                publisher.retry_at = time.monotonic() + 0.2
                continue
            assert publisher.socket is not None
            selector.register(publisher.socket, selectors.EVENT_READ, publisher)

    def _guard(
        self,
        selector: selectors.BaseSelector,
        publisher: Publisher,
        work: Callable[[Publisher, int], None],
        due: int,
    ) -> None:
        if publisher.socket is None:
            return
        wire = publisher.socket
        try:
            work(publisher, due)
        except OSError:
            selector.unregister(wire)
            self._again.extend(publisher.take_back())

    def _publish(self, publisher: Publisher, due: int) -> None:
        out: list[bytes] = []
        share = max(1, (due - self._next) // len(self._publishers) + 1)
        while len(publisher.flying) < self.window and len(out) < share:
            number = self._number(due)
            if number is None:
                break
            out.append(publisher.add(number, *self.make(number)))
        if out or publisher.unsent:
            publisher.send(b"".join(out))

    def _number(self, due: int) -> int | None:
        if self._again:
            return self._again.popleft()
        if self._next < min(due, self.total):
            self._next += 1
            return self._next - 1
        return None

    def _collect(self, publisher: Publisher, due: int) -> None:
        for number in publisher.acknowledged():
            self.done += not self.acked[number]
            self.acked[number] = 1
