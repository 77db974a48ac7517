"""What the broker says it dropped: acknowledged to a publisher, and delivered to nobody.

Mosquitto counts it under `$SYS`, for all its clients together. With our limits it stays 0; when
it grows, a queue limit is set somewhere, and the promise of no loss is broken: that is an error.
"""

from datetime import UTC, datetime, timedelta

import psycopg
import structlog

from ingest import metrics
from ingest.mqtt.packets import Publish

TOPIC = "$SYS/broker/publish/messages/dropped"
FRESH = timedelta(hours=1)  # how long a loss keeps the process from being called ready

log = structlog.get_logger()


class Drops:
    """The broker's count as we follow it; `consumes` runs on the session's thread."""

    def __init__(self) -> None:
        self._dropped: int | None = None  # None = the broker has not reported yet
        self._kept: int | None = None  # what the database has
        self._grew_at: datetime | None = None

    def consumes(self, message: Publish) -> bool:
        """Return True for the broker's messages on itself, and note its drops."""
        if not message.topic.startswith("$SYS/"):
            return False
        if message.topic == TOPIC and message.payload.isdigit():
            self._note(int(message.payload))
        return True

    def faults(self) -> list[str]:
        """Return the recent loss, in words."""
        if self._grew_at is None or datetime.now(UTC) - self._grew_at > FRESH:
            return []
        return [
            f"the broker drops messages ({self._dropped} since its start): "
            "lift its queue limits as deploy/mosquitto/conf.d/limits.conf does"
        ]

    def keep(self, conn: psycopg.Connection) -> None:
        """Write down what is new, for wall, desk and `carewatch doctor`. Raises psycopg.Error."""
        if self._dropped is None or self._dropped == self._kept:
            return
        if self._kept is None:
            found = conn.execute("SELECT dropped FROM broker_drops").fetchone()
            if found is not None and self._dropped > int(found[0]):
                self._report_loss(self._dropped - int(found[0]))
        dropped = self._dropped
        conn.execute(
            "INSERT INTO broker_drops (dropped, grew_at) VALUES (%s, %s)"
            " ON CONFLICT (one) DO UPDATE SET dropped = excluded.dropped,"
            " grew_at = coalesce(excluded.grew_at, broker_drops.grew_at)",
            (dropped, self._grew_at),
        )
        self._kept = dropped

    def _note(self, dropped: int) -> None:
        before, self._dropped = self._dropped, dropped
        metrics.note_dropped(dropped)
        if before is not None and dropped > before:
            self._report_loss(dropped - before)

    def _report_loss(self, more: int) -> None:
        self._grew_at = datetime.now(UTC)
        log.error("the broker drops acknowledged messages", more=more, total=self._dropped)
