"""(edge) A broker for one device under trial: it acknowledges late or never, cuts and goes away.

It keeps nothing between connections and delivers nothing, so every session begins anew, as after
the loss of a broker's memory.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from devices.conformance import wire
from devices.conformance.recorder import Recorder
from devices.conformance.run import Connected
from devices.envelope import Envelope

SLOW = 5.0  # seconds that a slow acknowledgement takes, at the contract's beat
AWAY = 20.0  # seconds that the broker is away when it restarts
HELD = 3.0  # seconds that a connection lives on after an acknowledgement was withheld
CONNECTING = 10.0  # seconds in which a client must introduce itself

SecretFits = Callable[[str, str], Awaitable[bool | None]]  # user, secret; None: nobody can tell


class OwnBroker:
    """Listens on `host:port` while it is entered. Raises OSError when the port is taken."""

    def __init__(self, host: str, port: int, recorder: Recorder, fits: SecretFits) -> None:
        self._host, self._port = host, port
        self._recorder = recorder
        self._fits = fits
        self._scale = min(1.0, recorder.beat.total_seconds() / 60)  # a shorter beat, for trials
        self._server: asyncio.Server | None = None
        self._open: dict[int, asyncio.StreamWriter] = {}
        self._work: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "OwnBroker":
        await self._listen()
        return self

    async def __aexit__(self, *gone: object) -> None:
        for task in self._work:
            task.cancel()
        self._leave()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def _leave(self) -> None:
        if self._server is not None:
            self._server.close()
        for number in list(self._open):
            self._cut(number)

    def _cut(self, number: int) -> None:
        writer = self._open.pop(number, None)
        if writer is not None:
            self._recorder.ended(number, "us")
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            async with asyncio.timeout(CONNECTING):
                kind, _, body = await _packet(reader)
                number, version = await self._welcome(kind, body, writer)
            while number:
                kind, flags, body = await _packet(reader)
                if kind == wire.DISCONNECT:
                    break
                self._answer(kind, flags, body, number, version)
        except (OSError, EOFError, TimeoutError, wire.NotMqtt):
            pass  # it is gone, or is no MQTT client: the run tells by what was not heard
        finally:
            if self._open.pop(number, None) is not None:
                self._recorder.ended(number, "device")
            writer.close()

    async def _welcome(
        self, kind: int, body: bytes, writer: asyncio.StreamWriter
    ) -> tuple[int, int]:
        """Take a device in; return the number of its connection, 0 where its secret is wrong."""
        if kind != wire.CONNECT:
            raise wire.NotMqtt("a client must introduce itself first")
        said = wire.read_connect(body)
        fits = await self._fits(said.user or "", said.password or "")
        number = self._recorder.count() + 1
        self._recorder.connected(
            Connected(
                number=number,
                at=self._recorder.now(),
                client_id=said.client_id,
                user=said.user,
                has_password=bool(said.password),
                fits=fits,
                keep_alive=said.keep_alive,
                will=said.will,
            )
        )
        writer.write(wire.connack(said.version, refused=fits is False))
        if fits is False:
            self._recorder.ended(number, "us")
            return 0, said.version
        self._open[number] = writer
        return number, said.version

    def _answer(self, kind: int, flags: int, body: bytes, number: int, version: int) -> None:
        if kind == wire.PUBLISH:
            self._take(wire.read_publish(flags, body, version), number)
        elif kind == wire.PUBREL:
            self._say(number, wire.answer(7, wire.Reader(body).number()))
        elif kind == wire.PINGREQ:
            self._say(number, wire.PINGRESP)
        elif kind in (wire.SUBSCRIBE, wire.UNSUBSCRIBE):
            asked = kind == wire.SUBSCRIBE
            packet_id, filters = wire.read_filters(body, version, options=asked)
            if asked:
                self._recorder.subscribed(number, filters)
            codes = bytes([asked] * len(filters)) if asked or version == 5 else b""
            self._say(number, wire.answer(kind + 1, packet_id, codes, version))

    def _take(self, said: wire.Publish, number: int) -> None:
        recorder = self._recorder
        envelope = Envelope(said.topic, said.payload, recorder.now(), retain=said.retain)
        message = recorder.hear(envelope, qos=said.qos, connection=number)
        trouble = recorder.next_trouble("mqtt")
        if said.qos != 1 and trouble in ("withheld", "slow"):
            trouble = None  # nothing could be kept back
        if trouble is not None:
            recorder.provoke(trouble, "mqtt")
        if trouble == "withheld":
            recorder.answered(message, "withheld")
            self._later(HELD * self._scale, lambda: self._cut(number))
        elif trouble == "slow":
            self._later(SLOW * self._scale, lambda: self._acknowledge_late(said, number, message))
        else:
            self._acknowledge(said, number, message)
        if trouble == "cut":
            self._later(HELD * self._scale, lambda: self._cut(number))
        elif trouble == "outage":
            self._later(HELD * self._scale, self._restart)

    def _acknowledge(self, said: wire.Publish, number: int, message: int) -> None:
        if said.qos:
            self._say(number, wire.answer(4 if said.qos == 1 else 5, said.packet_id))
        self._recorder.answered(message, "acknowledged")

    def _acknowledge_late(self, said: wire.Publish, number: int, message: int) -> None:
        self._acknowledge(said, number, message)
        self._recorder.settle("slow")

    def _restart(self) -> None:
        self._leave()
        self._start(self._back())

    async def _back(self) -> None:
        await asyncio.sleep(AWAY * self._scale)
        await self._listen()
        self._recorder.settle("outage")

    def _say(self, number: int, packet: bytes) -> None:
        if number in self._open:
            self._open[number].write(packet)

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            then()

        self._start(wait())

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Return kind, flags and body of the next packet. Raises NotMqtt, EOFError, OSError."""
    head = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 21:
            raise wire.NotMqtt("a length of more than four bytes")
    if length > wire.LARGEST:
        raise wire.NotMqtt("a packet is too large")
    with suppress(asyncio.IncompleteReadError):
        return head >> 4, head & 15, await reader.readexactly(length)
    raise EOFError
