"""The broker's edge: a persistent MQTT session whose messages are acknowledged when we say so.

Nothing is acknowledged before `ack`, so what is not stored waits in the broker; how much is held
here is bounded by count and bytes. Two threads work on it: the socket's
(`ingest.mqtt.socket_thread`) and one saving thread, which takes and acknowledges. What passes
between them is in `ingest.mqtt.held`. Why this speaks MQTT 3.1.1 itself instead of through paho:
docs/decisions/0018-our-own-mqtt-session.md.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from devices.broker_address import Address
from ingest.mqtt.held import Delivery, HeldMessages
from ingest.mqtt.socket_thread import BEAT, Login, SessionHooks, SocketThread

WINDOW = 20_000  # messages held; Mosquitto's max_inflight_messages is usually the lower bound
WINDOW_BYTES = 64_000_000  # bytes of payload held; reached by a full window of 3 kB each

__all__ = ["BEAT", "Delivery", "Session", "SessionHooks"]


class Session:
    """A session that the broker keeps under `client_id`, as the threads that use it see it.

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
        self._held = HeldMessages(window, WINDOW_BYTES)
        login = Login(address, client_id, name or client_id, clean, pause)
        self._socket = SocketThread(login, filters, unwanted, self._held, hooks or SessionHooks())

    # ------------------------------------------------------------ for the saving thread

    def take(self, timeout: float) -> list[Delivery]:
        """Return the next deliveries that came together; [] after `timeout` seconds without any."""
        return self._held.take(timeout)

    def current(self, delivery: Delivery) -> bool:
        """Return False if the broker will deliver this message again, on a newer connection."""
        return (
            delivery.connection == self._socket.connection
            or delivery.packet_id == 0
            or not self._socket.is_kept
        )

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge these, which are committed (or not current), and make room for others."""
        now = self._socket.connection
        ids = [each.packet_id for each in deliveries if each.connection == now and each.packet_id]
        if ids:
            self._socket.acknowledge(ids, now)
        self._held.release(deliveries)
        self._socket.wake()

    def seen_until(self) -> datetime:
        """Return the moment before which everything received has been acknowledged by `ack`."""
        return self._held.seen_until()

    # ------------------------------------------------------------ for any thread

    def start(self) -> None:
        """Begin to connect and to read."""
        self._socket.start()

    def stop(self) -> None:
        """Send what is acknowledged, say goodbye and end the thread. The broker keeps the rest."""
        self._socket.stop()

    def change(self, filters: Iterable[str]) -> None:
        """Have these filters from now on.

        `SessionHooks.granted` is called when the broker has agreed.
        """
        self._socket.change(filters)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1, once, without waiting; lost when the connection is lost."""
        self._socket.publish(topic, payload, retain=retain)

    @property
    def connected(self) -> bool:
        """Return True if the broker has accepted the connection."""
        return self._socket.connected

    @property
    def listening(self) -> bool:
        """Return True if the session is connected and every subscription answered."""
        return self._socket.connected and self._socket.subscriptions.is_answered

    @property
    def begun(self) -> int:
        """Return how many times the broker did not know the session and began a new one."""
        return self._socket.begun

    @property
    def refused(self) -> frozenset[str]:
        """Return the filters that the broker did not grant."""
        return self._socket.subscriptions.refused

    @property
    def confirmed(self) -> frozenset[str]:
        """Return the filters that the broker granted on this connection."""
        return self._socket.subscriptions.confirmed

    @property
    def held(self) -> int:
        """Return how many messages are in our hands."""
        return self._held.count
