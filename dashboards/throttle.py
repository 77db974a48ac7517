"""Slows down who guesses secrets."""

import time
from collections import deque


class Throttle:
    """Slows guessing: so many tries in so many seconds for one name, and for one address."""

    def __init__(self, tries: int = 10, seconds: float = 300) -> None:
        self._tries, self._seconds = tries, seconds
        self._seen: dict[str, deque[float]] = {}

    def allows(self, *keys: str) -> bool:
        """Count one try under each key; False when any of them has used up its tries."""
        now = time.monotonic()
        if len(self._seen) > 10_000:
            self._seen.clear()
        counted = [self._count(key, now) for key in keys]  # each, even when one says no already
        return all(counted)

    def _count(self, key: str, now: float) -> bool:
        tries = self._seen.setdefault(key, deque(maxlen=self._tries))
        while tries and now - tries[0] > self._seconds:
            tries.popleft()
        if len(tries) >= self._tries:
            return False
        tries.append(now)
        return True
