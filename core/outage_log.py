"""One line when something goes away, one a minute while it is, one when it is back."""

import time
from collections.abc import Callable
from typing import Protocol

AGAIN = 60.0  # seconds between two lines on the same outage


class Log(Protocol):
    """What is written to; a structlog logger is one."""

    def warning(self, event: str, **fields: object) -> object:
        """Write that something is wrong."""

    def info(self, event: str, **fields: object) -> object:
        """Write that something is as it should be."""


class OutageLog:
    """Says how the database of one loop is, however often the loop tries. For one thread."""

    def __init__(
        self, log: Log, *, clock: Callable[[], float] = time.monotonic, **fields: object
    ) -> None:
        """`fields` stand in each line."""
        self._log, self._fields, self._clock = log, fields, clock
        self._since: float | None = None  # when it went away; None = it is there
        self._said_at = 0.0
        self._tries = 0

    def away(self, why: str) -> None:
        """Note a try that failed. `why` holds no secret."""
        now = self._clock()
        self._tries += 1
        if self._since is not None and now - self._said_at < AGAIN:
            return
        self._since = now if self._since is None else self._since
        self._said_at = now
        self._log.warning(
            "database away",
            why=why,
            seconds=round(now - self._since),
            tries=self._tries,
            **self._fields,
        )

    def back(self) -> None:
        """Note that it answers."""
        if self._since is None:
            return
        self._log.info("database back", seconds=round(self._clock() - self._since), **self._fields)
        self._since, self._tries = None, 0
