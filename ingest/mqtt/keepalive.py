"""Whether a connection to the broker lives: when either side last sent, and when to ask."""

from time import monotonic

KEEP_ALIVE = 20  # seconds; the broker gives us up after half as much again (MQTT 3.1.1, 3.1.2.10)
ANSWER_TIME = 10.0  # seconds for a CONNACK or PINGRESP


class KeepAlive:
    """When either side last sent something: keeps the connection alive, and finds it dead."""

    def __init__(self) -> None:
        self._sent_at = self._received_at = monotonic()

    def ping_is_due(self, *, sent: bool, received: bool) -> bool:
        """Return True if it is time for a PINGREQ.

        `sent` and `received` tell what has happened since the last call. Raises TimeoutError when
        the broker is silent.
        """
        now = monotonic()
        if received:
            self._received_at = now
        elif now - self._received_at > KEEP_ALIVE + ANSWER_TIME:
            raise TimeoutError("the broker does not answer")
        is_due = not sent and now - self._sent_at > KEEP_ALIVE / 2
        if sent or is_due:
            self._sent_at = now
        return is_due
