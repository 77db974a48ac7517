"""How much a device may say by HTTP before it has to wait. An SOS never waits for it."""

import threading
import time
from collections.abc import Callable

from ingest.limits import A_SECOND, BURST


class Rates:
    """What each device may still send now. It holds devices that have shown their secret alone,
    so it is no larger than the register. Any thread may call it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # messages, and as of when
        self._lock = threading.Lock()

    def allows(self, device: str) -> bool:
        """Count one message; False when the device has said too much lately."""
        now = self._clock()
        with self._lock:
            left, as_of = self._left.get(device, (float(BURST), now))
            left = min(float(BURST), left + (now - as_of) * A_SECOND)
            self._left[device] = (max(0.0, left - 1), now)
        return left >= 1
