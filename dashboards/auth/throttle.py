"""Slows down who guesses secrets, and nobody else.

Only failures count, by account and network together: whoever guesses elsewhere locks nobody out
here. The table has a fixed size (a count-min sketch: four cells a key, the smallest counts) under
a key of this process, so that no flood of names makes it forget one, and forgetting is time's
alone: one failure each `seconds / tries`. Two keys that share a cell only ever count too much,
and all four at once for one in 10^16 pairs.
"""

import hashlib
import secrets
import threading
import time
from array import array
from collections.abc import Callable

CELLS = 2**14  # of a row; a million failures in five minutes are needed to fill them all
ROWS = 4


class Throttle:
    """Counts wrong secrets: so many are borne in so many seconds. Any thread may call it."""

    def __init__(
        self, tries: int = 10, seconds: float = 300, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tries, self._forgiven = tries, tries / seconds  # failures forgotten a second
        self._clock = clock
        self._key = secrets.token_bytes(16)
        self._levels = array("d", bytes(8 * CELLS * ROWS))
        self._as_of = array("d", bytes(8 * CELLS * ROWS))
        self._lock = threading.Lock()

    def allows(self, account: str, network: str) -> bool:
        """Return True if this account may be tried from this network now. Counts nothing."""
        with self._lock:
            level = min(self._level(cell) for cell in self._cells(account, network))
            return level <= self._tries - 1

    def failed(self, account: str, network: str) -> None:
        """Count a wrong secret."""
        with self._lock:
            cells = self._cells(account, network)
            now, levels = self._clock(), [self._level(cell) for cell in cells]
            counted = min(self._tries - 1, *levels) + 1
            for cell, level in zip(cells, levels, strict=True):
                self._levels[cell], self._as_of[cell] = max(level, counted), now

    def _level(self, cell: int) -> float:
        quiet = self._clock() - self._as_of[cell]
        return max(0.0, self._levels[cell] - quiet * self._forgiven)

    def _cells(self, account: str, network: str) -> list[int]:
        text = f"{account}\0{network}".encode(errors="replace")
        found = hashlib.blake2b(text, digest_size=4 * ROWS, key=self._key).digest()
        return [
            row * CELLS + int.from_bytes(found[4 * row : 4 * row + 4], "big") % CELLS
            for row in range(ROWS)
        ]
