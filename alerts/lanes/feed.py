"""What a lane reads: readings and changes of the town in arrival order, and people's words.

Two roads, both read in one snapshot of the database, so that nothing is overtaken, and how far
time may pass (`alerts.lanes.horizon`), asked before:
- the engine's: batches of readings and `TownChanged`, merged by arrival;
- the people's: every inbox entry, read to the end each time, so that an answer waits behind no
  backlog of readings. (The engine asks for none of these; their order among readings is free.)
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
import psycopg
from msgspec.structs import replace

from alerts.lanes.horizon import Horizon
from alerts.types import InboxEntry, LaneName, Stored, TownChanged
from ingest.history import Batch, feed_after

BATCHES = 4  # batches of readings (of up to 2,000) a look: people are answered in between
ENTRIES = 1000  # inbox entries at a time


class FeedRead(msgspec.Struct, frozen=True):
    """What one read of the feed and the inbox brought."""

    stimuli: tuple[Stored | TownChanged, ...]  # the engine's road, in arrival order
    entries: tuple[InboxEntry, ...]  # the people's road
    after: int  # the engine's road is read up to here
    heard: int  # the inbox is read up to here
    is_drained: bool  # there was no more
    horizon: datetime  # everything received before it has been read, if drained


class Feed:
    """One lane's place in the feed. `conn` is its own, for nothing else.

    `waiting` are changes of the town that the people's road has passed and the engine's has not.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        lane: LaneName,
        after: int,
        heard: int,
        waiting: Iterable[TownChanged] = (),
    ) -> None:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._conn = conn
        self._lane = lane
        self._horizon = Horizon(conn, lane)
        self._after = after
        self._heard = heard
        self._waiting = deque(waiting)

    def read(self) -> FeedRead:
        """Read what has come since the last time. Raises psycopg.Error."""
        read_until = self._horizon.look()  # first: what is stored by then is seen below
        with self._conn.transaction():
            is_life = self._lane == "life"
            batches = feed_after(self._conn, self._after, life=is_life, limit=BATCHES)
            entries = inbox_after(self._conn, self._heard, limit=ENTRIES)
        if len(entries) == ENTRIES:  # a change of the town may stand behind: don't overtake it
            batches = [batch for batch in batches if batch.last < entries[-1].arrival]
        is_drained = len(batches) < BATCHES and len(entries) < ENTRIES
        self._heard = entries[-1].arrival if entries else self._heard
        self._waiting.extend(entry for entry in entries if isinstance(entry, TownChanged))
        stimuli = tuple(self._merged(batches, is_drained=is_drained))
        return FeedRead(stimuli, tuple(entries), self._after, self._heard, is_drained, read_until)

    def _merged(self, batches: list[Batch], *, is_drained: bool) -> Iterator[Stored | TownChanged]:
        for batch in batches:
            yield from self._towns_before(batch.first)
            for number, reading in enumerate(batch.readings, batch.first):
                yield Stored(number, reading)
            self._after = batch.last
        if is_drained:
            yield from self._towns_before(self._heard + 1)

    def _towns_before(self, arrival: int) -> Iterator[TownChanged]:
        while self._waiting and self._waiting[0].arrival < arrival:
            town = self._waiting.popleft()
            self._after = max(self._after, town.arrival)
            yield town


class NotifyListener:
    """Waits for NOTIFY `arrival`, a hint that there is something to read. Polls as well."""

    def __init__(self, conn: psycopg.Connection, lane: LaneName) -> None:
        conn.autocommit = True
        conn.execute("LISTEN arrival")
        self._conn = conn
        self._deaf_to = "bulk" if lane == "life" else ""

    def wait(self, seconds: float) -> None:
        """Wait until there may be something new, at most so long. Raises psycopg.Error."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            notes = list(self._conn.notifies(timeout=left, stop_after=1))
            if any(note.payload != self._deaf_to for note in notes):
                return


def inbox_after(conn: psycopg.Connection, arrival: int, *, limit: int) -> list[InboxEntry]:
    """Return the inbox entries above a number, in order."""
    cursor = conn.execute(
        "SELECT arrival, body::text FROM inbox WHERE arrival > %s ORDER BY arrival LIMIT %s",
        (arrival, limit),
    )
    return [entry_of(number, body) for number, body in cursor]


def towns_between(
    conn: psycopg.Connection, after: int, until: int | None = None
) -> list[TownChanged]:
    """Return the changes of the town above `after` and up to `until` (or all), in order."""
    cursor = conn.execute(
        "SELECT arrival, body::text FROM inbox WHERE arrival > %s"
        " AND (%s::bigint IS NULL OR arrival <= %s) AND type = 'town_changed' ORDER BY arrival",
        (after, until, until),
    )
    found = (entry_of(number, body) for number, body in cursor)
    return [entry for entry in found if isinstance(entry, TownChanged)]


_decoder: msgspec.json.Decoder[InboxEntry] = msgspec.json.Decoder(InboxEntry)


def entry_of(arrival: int, body: str) -> InboxEntry:
    """Return a row of the inbox as the entry it holds."""
    return replace(_decoder.decode(body), arrival=arrival)
