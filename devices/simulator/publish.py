"""(edge) Publishes what simulated devices say, through MQTT like any device.

A running simulator listens on `CONTROL` for wishes of the command line ("let c-7 walk off").
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from core.errors import CarewatchError
from devices.broker_tls import tls_context
from devices.simulator.speech import Message
from devices.simulator.town import SimulatedTown

CONTROL = "carewatch-simulator/wish"
STEP = 0.2  # seconds between looks at the clock
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class Wish(msgspec.Struct, frozen=True):
    """Something the command line asks of a running simulator."""

    client: str  # who walks out of the fence
    seconds: float  # for how long


class Publisher:
    """A connection to a broker that publishes with QoS 1. Use it as a context manager.

    Raises CarewatchError when the broker cannot be reached at the start; later it reconnects.
    """

    def __init__(self, url: str, client_id: str = "") -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or DEFAULT_PORTS.get(parts.scheme, 1883)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self._connected = threading.Event()
        self._on_wish: Callable[[Wish], None] | None = None
        self._client.on_connect = self._note_connection
        self._client.on_message = self._note_wish
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set_context(tls_context(url))

    def __enter__(self) -> "Publisher":
        try:
            self._client.connect(self._host, self._port)
        except OSError as error:
            raise CarewatchError(
                f"no broker at {self._host}:{self._port} ({error}): start one, or set "
                "CAREWATCH_MQTT_URL"
            ) from None
        self._client.loop_start()
        if not self._connected.wait(10):
            raise CarewatchError(
                f"the broker at {self._host}:{self._port} refused us: "
                "check the user and password in CAREWATCH_MQTT_URL"
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, message: Message) -> mqtt.MQTTMessageInfo:
        """Hand one message over; `wait_for_publish` of the result waits for the broker."""
        return self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)

    def say(self, message: Message) -> None:
        """Publish one message and return when the broker has it."""
        self.publish(message).wait_for_publish(10)

    def wish(self, wish: Wish) -> None:
        """Ask a running simulator for something."""
        self.say(Message(CONTROL, msgspec.json.encode(wish)))

    def hear_wishes(self, heard: Callable[[Wish], None]) -> None:
        """Call `heard` with each wish from now on (on the network thread)."""
        self._on_wish = heard
        self._client.subscribe(CONTROL)

    def _note_connection(self, client: mqtt.Client, *rest: Any) -> None:
        if getattr(rest[2], "is_failure", False):
            return
        self._connected.set()
        if self._on_wish is not None:
            client.subscribe(CONTROL)

    def _note_wish(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        if self._on_wish is None:
            return
        try:
            self._on_wish(msgspec.json.decode(message.payload, type=Wish))
        except msgspec.MsgspecError:
            return  # not a wish of ours


def run(town: SimulatedTown, publisher: Publisher, stop: threading.Event, end: datetime) -> None:
    """Let the town speak in real time until `stop` is set or `end` has come."""

    def grant(wish: Wish) -> None:
        now = datetime.now(UTC)
        town.wander(wish.client, now, now + timedelta(seconds=wish.seconds))

    publisher.hear_wishes(grant)
    while not stop.is_set() and (now := datetime.now(UTC)) < end:
        for message in town.due(now):
            publisher.publish(message)
        time.sleep(STEP)
