"""The pause between attempts at something that is away."""

import random
from collections.abc import Callable

SPREAD = 0.3  # of a pause: processes that lost the same peer do not all come back at once


def jitter() -> float:
    """Return a random factor from 1 - SPREAD to 1 + SPREAD."""
    return random.uniform(1 - SPREAD, 1 + SPREAD)


class Backoff:
    """A pause that doubles from `first` to `longest` seconds, with jitter.

    One for each thing that is attempted, used by one thread. After an attempt that held for more
    than `steady` seconds the next pause is the first again.
    """

    def __init__(
        self,
        first: float,
        longest: float,
        *,
        steady: float = float("inf"),
        jitter: Callable[[], float] = jitter,
    ) -> None:
        self._first = first
        self._longest = longest
        self._steady = steady
        self._jitter = jitter
        self._next = first

    def pause(self, ran_for: float = 0.0) -> float:
        """Return the seconds to wait after an attempt that held for `ran_for` seconds."""
        pause = self._first if ran_for > self._steady else self._next
        self._next = min(pause * 2, self._longest)
        return pause * self._jitter()
