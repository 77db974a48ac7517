"""Keeps what devices announce, and reads it back: all of it, or what is new since a version."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

from core.locks import Lock
from devices.directory import Directory
from devices.discovery.announced import Owned
from devices.discovery.announcement import Announcement, read_announcement
from devices.discovery.ownership import owned
from devices.envelope import Envelope
from devices.readings import Rejection


class StoredAnnouncement(msgspec.Struct, frozen=True):
    """An announcement as it is stored."""

    topic: str
    owner: str  # device id; "" for an account that is no device's
    payload: bytes
    first_at: datetime
    announced_at: datetime
    withdrawn_at: datetime | None
    version: int

    def read(self, directory: Directory) -> Owned | None:
        """Return what is announced, as release and register are now; None where that is nothing."""
        said = read_announcement(Envelope(self.topic, self.payload, self.announced_at))
        if not isinstance(said, Announcement):
            return None
        own = owned(said, directory)
        if isinstance(own, Rejection):
            return None
        if self.withdrawn_at is None:
            return own
        return msgspec.structs.replace(own, said=msgspec.structs.replace(own.said, withdrawn=True))


def keep(conn: psycopg.Connection, news: Sequence[tuple[Owned, datetime]]) -> None:
    """Store announcements with the moment each came; one that says nothing new changes nothing.

    Raises psycopg.Error. What was stored already may be given again.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.ANNOUNCEMENT,))
        for each, at in news:
            if each.said.withdrawn:
                conn.execute(_WITHDRAW, {"topic": each.said.topic, "at": at})
                continue
            told = {"topic": each.said.topic, "owner": each.owner, "payload": each.payload}
            conn.execute(_ANNOUNCE, {**told, "at": at})


def announcements(conn: psycopg.Connection, since: int = 0) -> list[StoredAnnouncement]:
    """Return what is stored with a version above `since`, those that were announced first first."""
    return (
        conn.cursor(row_factory=class_row(StoredAnnouncement))
        .execute(
            "SELECT topic, owner, payload, first_at, announced_at, withdrawn_at, version"
            " FROM announcement WHERE version > %s ORDER BY first_at, topic",
            (since,),
        )
        .fetchall()
    )


def read_all(rows: Iterable[StoredAnnouncement], directory: Directory) -> list[Owned]:
    """Return the announcements that can be read."""
    return [own for row in rows if (own := row.read(directory)) is not None]


_ANNOUNCE = """
INSERT INTO announcement AS known (topic, owner, payload, first_at, announced_at, version)
VALUES (%(topic)s, %(owner)s, %(payload)s, %(at)s, %(at)s, nextval('announcement_version_seq'))
ON CONFLICT (topic) DO UPDATE
SET owner = excluded.owner, payload = excluded.payload, announced_at = excluded.announced_at,
    withdrawn_at = NULL, version = excluded.version
WHERE known.announced_at <= excluded.announced_at
  AND (known.payload <> excluded.payload OR known.owner <> excluded.owner
       OR known.withdrawn_at IS NOT NULL)
"""
_WITHDRAW = """
UPDATE announcement
SET withdrawn_at = %(at)s, version = nextval('announcement_version_seq')
WHERE topic = %(topic)s AND withdrawn_at IS NULL AND announced_at <= %(at)s
"""
