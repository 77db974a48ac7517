"""How far timers may go: to where all that was received, and every change of the town, is stored.

Asked before the feed is read: what is stored before the horizon is then in what is read.

- Who was away (we started, the database did, or we were frozen) knows no worker to be dead yet:
  each has some seconds to say how far it has come, since it may hold what it received meanwhile.
- A town that is being changed has its moment, but cannot be read yet: timers wait for it, for
  some seconds at most.
"""

import time
from datetime import UTC, datetime

import psycopg
from psycopg.rows import scalar_row

from alerts.types import LaneName
from core.locks import Lock
from ingest.history import RENEWED_WITHIN, horizon

AWAY = 3.0  # seconds between two looks after which we count as having been away
TOWN_WAIT = 10.0  # seconds that timers wait for a change of the town


class Horizon:
    """The horizon of one lane. `conn` is in autocommit mode."""

    def __init__(self, conn: psycopg.Connection, lane: LaneName) -> None:
        self._conn = conn
        self._lane = lane
        self._back_at = self._looked_at = self._calm_at = time.monotonic()
        self._until: datetime | None = None  # as last found

    def look(self) -> datetime:
        """Return the moment, in UTC, before which all that was received is stored.

        Raises psycopg.Error.
        """
        found = self._stored_until()
        if self._until is None or self._lane == "life" or self._town_is_calm():
            self._until = found
        return self._until

    def _stored_until(self) -> datetime:
        found = self._ask()
        now = time.monotonic()
        was_away, self._looked_at = now - self._looked_at > AWAY, now
        if not was_away:
            return found
        self._back_at = now
        return self._ask()

    def _ask(self) -> datetime:
        back_for = time.monotonic() - self._back_at
        is_back = back_for <= RENEWED_WITHIN[self._lane].total_seconds()
        return horizon(self._conn, self._lane, patient=is_back).astimezone(UTC)

    def _town_is_calm(self) -> bool:
        """Return True if nobody is changing the town, or somebody has been for too long to wait."""
        free = self._conn.cursor(row_factory=scalar_row).execute(
            "SELECT pg_try_advisory_xact_lock_shared(%s)", (Lock.TOWN,)
        )
        now = time.monotonic()
        if free.fetchone():
            self._calm_at = now
        return self._calm_at == now or now - self._calm_at > TOWN_WAIT
