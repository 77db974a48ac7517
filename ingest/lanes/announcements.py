"""What devices have announced, as one process knows it: for all its lanes, any of which adds to it.

Every round it reads what other processes have stored; what a lane of its own reads counts at once,
so that a device is understood by the very next message.
"""

import threading
from collections.abc import Iterable

import psycopg

from devices.directory import Directory
from devices.discovery.announced import NOTHING, Announced, Owned
from ingest.store.announcements import announcements, read_all


class Announcements:
    """The snapshot in force. Reading it costs nothing."""

    def __init__(self) -> None:
        self.current: Announced = NOTHING
        self._version = 0
        self._turn = threading.Lock()

    def refresh(self, conn: psycopg.Connection, directory: Directory) -> None:
        """Take in what was stored since the last time. Raises psycopg.Error."""
        rows = announcements(conn, self._version)
        if not rows:
            return
        self.take(read_all(rows, directory))
        self._version = max(row.version for row in rows)

    def take(self, news: Iterable[Owned]) -> None:
        """Take in what was just read."""
        with self._turn:
            self.current = self.current.changed(news)
