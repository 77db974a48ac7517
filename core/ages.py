"""What a metric says when nobody can measure it any more: it grows old while it is scraped."""

import math
import time
from collections.abc import Callable

from prometheus_client import Gauge

FRESH = 3.0  # seconds that a measurement stands as it is: each is renewed at least that often

DATABASE_SILENT = Gauge(
    "carewatch_database_silent_seconds",
    "Since the database last answered this service; 0: it answers",
    ["service"],
)


class Age:
    """A number of seconds that goes on growing when it is no longer measured.

    One thread sets it, others read it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: tuple[float, float] | None = None  # seconds, and when they were measured

    def set(self, seconds: float = 0.0) -> None:
        """Keep what was just measured; 0: it is so now."""
        self._found = seconds, self._clock()

    def forget(self) -> None:
        """Say nothing until it is set again: another process measures it."""
        self._found = None

    def seconds(self) -> float:
        """Return it as of now; not a number where nothing was measured."""
        found = self._found
        if found is None:
            return math.nan
        seconds, at = found
        waited = self._clock() - at
        return seconds if waited <= FRESH else seconds + waited


def database_age(service: str) -> Age:
    """Return what a service sets each time its database has answered, as a metric from now on."""
    age = Age()
    age.set()
    DATABASE_SILENT.labels(service).set_function(age.seconds)
    return age
