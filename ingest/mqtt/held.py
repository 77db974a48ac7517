"""The messages that a session has taken from the broker and that are not acknowledged yet.

Two threads meet here. The socket's thread writes what came in (`put`, `note_idle`), the saving
thread what went out (`take`, `release`); neither writes the other's fields, so no lock is needed.
"""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

import msgspec

from devices.envelope import Envelope


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One message in our hands, and what it takes to acknowledge it."""

    envelope: Envelope
    packet_id: int  # 0 = QoS 0, nothing to acknowledge
    connection: int  # which connection brought it: an id means nothing on another one


class HeldMessages:
    """A queue of deliveries, bounded by count and bytes, that knows how far it is emptied."""

    def __init__(self, window: int, window_bytes: int) -> None:
        self._window = window
        self._window_bytes = window_bytes
        self._queue: SimpleQueue[list[Delivery]] = SimpleQueue()
        self._unreleased: deque[tuple[int, datetime]] = deque()  # (last number, stamp) a chunk
        # Written by the socket's thread alone:
        self._arrived = 0  # messages
        self._bytes_in = 0
        self._idle_at = datetime.now(UTC)
        # Written by the saving thread alone:
        self._released = 0  # messages
        self._bytes_out = 0

    @property
    def count(self) -> int:
        """Return how many messages are in our hands."""
        return self._arrived - self._released

    # ------------------------------------------------------------ the socket's thread

    @property
    def has_room(self) -> bool:
        """Return True if more may be read from the socket."""
        return self.count < self._window and self._bytes_in - self._bytes_out < self._window_bytes

    def put(self, chunk: list[Delivery], size: int, stamp: datetime) -> None:
        """Hand over what came together: `size` bytes of payload, the first stamped `stamp`."""
        self._bytes_in += size
        self._arrived += len(chunk)
        self._unreleased.append((self._arrived, stamp))
        self._queue.put(chunk)

    def note_idle(self, moment: datetime) -> None:
        """Note that all that came before `moment` has been `put`."""
        self._idle_at = moment

    # ------------------------------------------------------------ the saving thread

    def take(self, timeout: float) -> list[Delivery]:
        """Return the next deliveries that came together; [] after `timeout` seconds without any."""
        try:
            return self._queue.get(timeout=timeout) if timeout > 0 else self._queue.get_nowait()
        except Empty:
            return []

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Make room: these are committed. They are released in the order they were taken."""
        self._bytes_out += sum([len(each.envelope.payload) for each in deliveries])
        self._released += len(deliveries)
        while self._unreleased and self._unreleased[0][0] <= self._released:
            self._unreleased.popleft()

    def seen_until(self) -> datetime:
        """Return the moment before which everything received has been released."""
        idle_at = self._idle_at  # read first: what comes later is stamped later
        return self._unreleased[0][1] if self._unreleased else idle_at
