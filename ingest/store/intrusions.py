"""Signs that somebody else reads a broker session of ours, as they are kept for those who watch."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import class_row

Sign = Literal[
    "missing",  # what the broker had for the session never came: somebody acknowledged it
    "taken_over",  # the broker ended our connection again and again, and took us back at once
    "ended",  # the broker had forgotten the session without having been away
]


class Intrusion(msgspec.Struct, frozen=True):
    """One sign, and how many messages, take-overs or ends it stands for."""

    slot: str
    sign: Sign
    count: int


def keep_intrusions(conn: psycopg.Connection, found: Iterable[Intrusion]) -> None:
    """Write new signs down. Raises psycopg.Error."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO session_intrusion (slot, sign, count) VALUES (%s, %s, %s)",
            [(each.slot, each.sign, each.count) for each in found],
        )


def recent_intrusions(conn: psycopg.Connection, since: datetime) -> list[Intrusion]:
    """Return what was seen after `since`, summed by session and sign. Raises psycopg.Error."""
    cursor = conn.cursor(row_factory=class_row(Intrusion))
    return cursor.execute(
        "SELECT slot, sign, sum(count)::int AS count FROM session_intrusion"
        " WHERE seen_at > %s GROUP BY slot, sign ORDER BY slot, sign",
        (since,),
    ).fetchall()
