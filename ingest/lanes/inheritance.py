"""Broker sessions that an earlier release kept under ids that anybody can guess.

Each is taken over once by its old id, and gives up its subscriptions as soon as our own sessions
have theirs; what waits in it is stored as ever, and then it is ended, so that nobody finds it.
What both have is one row by its key.
"""

from collections.abc import Callable
from time import monotonic

import psycopg
import structlog
from psycopg.rows import scalar_row

from devices.broker_address import Address
from ingest.lanes.crossing import OURS
from ingest.lanes.lane import SavingLane
from ingest.mqtt.packets import Publish
from ingest.mqtt.session import Session, SessionHooks

QUIET = 3.0  # seconds without a message after which nothing waits in a session any more
OLD = "old-"  # + the slot: its name in logs, metrics and stamps

log = structlog.get_logger()
LaneOf = Callable[[str, Session], SavingLane]


def old_slots(conn: psycopg.Connection) -> list[str]:
    """Return the slots whose old sessions have not been ended yet. Raises psycopg.Error."""
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT slot FROM old_broker_session ORDER BY slot"
    )
    return found.fetchall()


class OldSession:
    """One of them, while it is emptied."""

    def __init__(
        self, address: Address, client_id: str, slot: str, filters: tuple[str, ...], lane_of: LaneOf
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._slot = slot
        self._heard_at = monotonic()
        self._session = Session(
            address,
            client_id,
            (),
            unwanted=filters,
            hooks=SessionHooks(consumes=self._hears, connected=self._connected),
            name=OLD + slot,
        )
        self._lane = lane_of(OLD + slot, self._session)
        self._farewell: Session | None = None

    def start(self) -> None:
        """Begin to take over what waits in it."""
        log.info("emptying a session of an earlier release", slot=self._slot)
        self._lane.start()

    def is_ended(self, conn: psycopg.Connection) -> bool:
        """Go one step on; return True when the broker keeps nothing any more. Raises psycopg.Error.

        Call it again while it returns False.
        """
        if self._farewell is not None:
            return self._is_forgotten(conn)
        if not self._is_empty():
            return False
        self._lane.stop()
        self._farewell = Session(self._address, self._client_id, (), clean=True, name=OLD + "end")
        self._farewell.start()
        return False

    def stop(self) -> None:
        """Leave what is not emptied to the next process."""
        if self._farewell is None:
            self._lane.stop()
        else:
            self._farewell.stop()

    def _is_forgotten(self, conn: psycopg.Connection) -> bool:
        assert self._farewell is not None
        if not self._farewell.connected:
            return False
        self._farewell.stop()
        conn.execute("DELETE FROM old_broker_session WHERE slot = %s", (self._slot,))
        conn.execute("DELETE FROM first_delivery WHERE slot = %s", (OLD + self._slot,))
        log.info("a session of an earlier release is ended", slot=self._slot)
        return True

    def _is_empty(self) -> bool:
        is_quiet = monotonic() - self._heard_at > QUIET
        return self._session.connected and is_quiet and self._session.held == 0

    def _connected(self) -> None:
        self._heard_at = monotonic()

    def _hears(self, message: Publish) -> bool:
        """Return True for what is no device's."""
        self._heard_at = monotonic()
        return message.topic.startswith((*OURS, "$SYS/"))
