"""The register as ingest knows it: one frozen snapshot, replaced when the database has a newer."""

import gc
import threading
from datetime import UTC, datetime

import psycopg

from devices.directory import Directory
from devices.registry import load_snapshot, refresh
from ingest.lanes.announcements import Announcements


class Register:
    """The directory in force, for all lanes. Reading it costs nothing; any lane may renew it."""

    def __init__(self, directory: Directory, arrival: int) -> None:
        self.directory = directory
        self.announcements = Announcements()
        self._arrival = arrival  # of the newest change that is in it
        self._checked_at = datetime.min.replace(tzinfo=UTC)
        self._turn = threading.Lock()

    @classmethod
    def load(cls, conn: psycopg.Connection) -> "Register":
        """Return the whole register. Raises psycopg.Error."""
        loaded = cls(*load_snapshot(conn))
        gc.collect()
        gc.freeze()  # a million devices stay: don't search them for garbage each time
        return loaded

    def refreshed(self, conn: psycopg.Connection, moment: datetime) -> Directory:
        """Return the directory with all changes committed before `moment`. Raises psycopg.Error."""
        with self._turn:
            if self._checked_at < moment:
                now = datetime.now(UTC)
                self.directory, self._arrival = refresh(conn, self.directory, self._arrival)
                self._checked_at = now
        return self.directory
