"""Whether a connection to the broker lives: who was heard last, and when to ask."""

from time import monotonic

KEEP_ALIVE = 20  # seconds; the broker gives us up after half as much again
ANSWER_TIME = 10.0  # seconds for a CONNACK or PINGRESP


class Pulse:
    """When either side was last heard: keeps the connection alive, and knows when it is dead."""

    def __init__(self) -> None:
        self._said_at = self._heard_at = monotonic()

    def asks(self, *, said: bool, heard: bool) -> bool:
        """Whether it is time for a PINGREQ. Raises TimeoutError when the broker is silent."""
        now = monotonic()
        if heard:
            self._heard_at = now
        elif now - self._heard_at > KEEP_ALIVE + ANSWER_TIME:
            raise TimeoutError("the broker does not answer")
        asks = not said and now - self._said_at > KEEP_ALIVE / 2
        if said or asks:
            self._said_at = now
        return asks
