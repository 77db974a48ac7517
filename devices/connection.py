"""(edge) How the tools of the command line speak to a broker: by aiomqtt, at QoS 1.

Ingest has a session of its own, which acknowledges after its commit; `carewatch record` shares it,
because a recording's times must be right in a burst (docs/decisions/0025-the-tools-libraries.md).
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from core.errors import CarewatchError
from devices.broker_address import Address
from devices.broker_tls import tls_context
from devices.envelope import Envelope

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds between attempts to connect, doubling
WINDOW = 20  # messages not yet acknowledged: what paho, below aiomqtt, has in flight at most
TICK = timedelta(microseconds=1)
LOST = (aiomqtt.MqttError, OSError)  # aiomqtt passes on what a lost socket says, too
FAREWELL = 0.5  # seconds that a lost client may take to notice it
ANSWER_TIME = 30.0  # seconds the broker may take to acknowledge one, an outage included


class BrokerAway(CarewatchError):
    """No connection could be made; `why` in a few words."""

    def __init__(self, address: Address, why: str, *, refused: bool) -> None:
        self.why = why
        super().__init__(
            f"the broker at {address} refused us ({why}): "
            "check the user and password in CAREWATCH_MQTT_URL"
            if refused
            else f"no broker at {address} ({why}): start one, or set CAREWATCH_MQTT_URL"
        )


@dataclass(eq=False)  # each is itself: two may say the same
class _Flying:
    """A message that the broker has not acknowledged."""

    topic: str
    payload: bytes
    retain: bool
    timeout: float | None  # seconds
    deadline: float | None  # by the event loop's clock
    acknowledged: asyncio.Future[None]


class Connection:
    """A connection to publish by and, with `filters`, to listen by. An async context manager.

    Entering raises BrokerAway when the broker does not answer or refuses. While somebody reads
    `messages`, a connection that is lost later is made anew, and what the broker had not
    acknowledged is sent again, in the order given and before anything new.
    """

    def __init__(
        self,
        url: str,
        filters: Iterable[str] = (),
        client_id: str = "",
        will: tuple[str, bytes] | None = None,
    ) -> None:
        """`will`: topic and payload of what the broker says of us when we are lost."""
        self._address = Address.of(url)
        self._filters = [(each, 1) for each in filters]
        self._up = asyncio.Event()
        self._lost = asyncio.Event()  # a publication failed; aiomqtt may not have noticed why
        self._flying: deque[_Flying] = deque()  # not yet acknowledged, in the order given
        self._publishing: set[asyncio.Task[None]] = set()
        self._client_id = client_id
        self._will = will
        self._client = self._new_client()

    async def __aenter__(self) -> "Connection":
        try:
            await self._connect()
        except aiomqtt.MqttError as error:
            refused = isinstance(error, MqttConnectError)
            raise BrokerAway(self._address, _why(error), refused=refused) from None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_up_publishing()
        with suppress(*LOST):  # nothing is left to say goodbye to
            await self._client.__aexit__(None, None, None)

    @property
    def is_up(self) -> bool:
        """Return True while the broker is connected, as far as we know."""
        return self._up.is_set()

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        timeout: float | None = ANSWER_TIME,
    ) -> None:
        """Publish one message and return when the broker has it.

        Raise CarewatchError when it has not acknowledged it within `timeout` seconds; None waits
        for ever. Cancelled, it is not sent again after a loss.
        """
        message = self._hand_over(topic, payload, retain, timeout)
        try:
            await self._acknowledged(message)
        except asyncio.CancelledError:
            with suppress(ValueError):
                self._flying.remove(message)
            raise

    async def send(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        timeout: float | None = ANSWER_TIME,
    ) -> None:
        """Publish one message behind those before it; wait only while `WINDOW` are on their way.

        The broker gets them in this order, through an outage too. Raise CarewatchError when an
        earlier one was not acknowledged in time.
        """
        while len(self._flying) >= WINDOW:
            await self._acknowledged(self._flying[0])
        self._hand_over(topic, payload, retain, timeout)
        await asyncio.sleep(0)  # it is handed to the network now, before the next one

    async def settle(self) -> None:
        """Return when the broker has all that was sent. Raise CarewatchError as `publish` does."""
        while self._flying:
            await self._acknowledged(self._flying[0])

    def _hand_over(
        self, topic: str, payload: bytes, retain: bool, timeout: float | None
    ) -> _Flying:
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        message = _Flying(topic, payload, retain, timeout, deadline, loop.create_future())
        self._flying.append(message)
        if self._up.is_set():
            self._start(message)
        return message

    def _start(self, message: _Flying) -> None:
        publishing = asyncio.create_task(self._published(self._client, message))
        self._publishing.add(publishing)
        publishing.add_done_callback(self._publishing.discard)

    async def _published(self, client: aiomqtt.Client, message: _Flying) -> None:
        try:
            await client.publish(
                message.topic, message.payload, qos=1, retain=message.retain, timeout=math.inf
            )
        except aiomqtt.MqttError:
            if client is self._client:
                self._note_loss()  # `messages` mends it, and sends this one again
            return
        if message in self._flying:
            self._flying.remove(message)
            message.acknowledged.set_result(None)

    async def _acknowledged(self, message: _Flying) -> None:
        try:
            async with asyncio.timeout_at(message.deadline):
                await asyncio.shield(message.acknowledged)
        except TimeoutError:
            self._flying.remove(message)
            raise CarewatchError(
                f"the broker at {self._address} has not acknowledged a message within "
                f"{message.timeout:.0f} s: see its log, then do it again (what is stored twice "
                "becomes one row)"
            ) from None

    async def messages(self) -> AsyncGenerator[aiomqtt.Message, None]:
        """Yield what comes, without an end; mend the connection when it is lost."""
        while True:
            while (message := await self._next_message()) is not None:
                yield message
            self._note_loss()
            await self._mend()

    async def _next_message(self) -> aiomqtt.Message | None:
        """Return the next message; None when the connection is lost."""
        coming = asyncio.ensure_future(anext(aiter(self._client.messages)))
        message: aiomqtt.Message | None = await self._first_of(coming)
        return message

    async def keep(self) -> None:
        """Mend the connection whenever it is lost, for those who only publish; never return."""
        async for _ in self.messages():
            continue

    def _note_loss(self) -> None:
        self._up.clear()
        self._lost.set()
        self._give_up_publishing()  # none may reach the broker before those that are lost

    def _give_up_publishing(self) -> None:
        for each in self._publishing:
            each.cancel()

    async def _first_of(self, work: asyncio.Future[Any]) -> Any:
        """Return what `work` gives, or True if that is nothing; None if the connection is lost."""
        lost = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait((work, lost), return_when=asyncio.FIRST_COMPLETED)
            with suppress(aiomqtt.MqttError):
                return (work.result() or True) if work.done() else None
            return None
        finally:
            work.cancel()
            lost.cancel()

    async def _mend(self) -> None:
        """Connect again, by a new client: one that lost its socket may wait for it for ever."""
        pause = FIRST_PAUSE
        while True:
            with suppress(*LOST, TimeoutError):
                await asyncio.wait_for(self._client.__aexit__(None, None, None), FAREWELL)
            await asyncio.sleep(pause)
            with suppress(*LOST):
                self._client = self._new_client()
                await self._connect()
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    def _new_client(self) -> aiomqtt.Client:
        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=self._client_id or None,
            tls_context=tls_context(address.files) if address.tls else None,
            will=aiomqtt.Will(*self._will, qos=1) if self._will is not None else None,
        )
        client.pending_calls_threshold = WINDOW  # above it aiomqtt warns
        return client

    async def _connect(self) -> None:
        await self._client.__aenter__()
        if self._filters:
            await self._client.subscribe(self._filters)
        self._lost.clear()
        self._up.set()
        for each in self._flying:
            self._start(each)


async def reach(url: str) -> None:
    """Return when the broker has taken a connection. Raise BrokerAway."""
    async with Connection(url):
        return


async def envelopes(connection: Connection) -> AsyncGenerator[tuple[Envelope, int], None]:
    """Yield what comes as ingest would see it, with the QoS it came by. Each has a moment of its
    own, in the order received.

    The flag `dup` is never set: a session that starts clean gets nothing a second time.
    """
    stamp = datetime.min.replace(tzinfo=UTC)
    async for message in connection.messages():
        stamp = max(stamp + TICK, datetime.now(UTC))
        payload = message.payload
        yield Envelope(str(message.topic), payload, stamp, None, message.retain), message.qos


def _why(error: aiomqtt.MqttError) -> str:
    """Return what an error of the library says, in a few words."""
    code = getattr(error, "rc", None)
    strerror = getattr(error.__context__, "strerror", None)  # of the OSError it stands for
    return str(code or strerror or error)
