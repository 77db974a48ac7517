"""What became of the messages, minute by minute and family by family, kept for those who ask.

received = stored + duplicate + rejected + ignored. A lane writes its counts down only between
two batches, so the sums hold at any moment and not only at a quiet one: where they do not, a
message was lost on the way. What a killed process had not written yet is missing on both sides.
"""

from collections import Counter
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

Tally = Counter[tuple[str, str]]  # (family, "received" or its outcome) -> messages


class MessageCount(msgspec.Struct, frozen=True):
    """The messages of one family, and what became of them."""

    family: str
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    ignored: int = 0

    @property
    def missing(self) -> int:
        """Return how many received messages nobody knows more of; 0 where all is well."""
        return self.received - self.stored - self.duplicate - self.rejected - self.ignored


COLUMNS = tuple(name for name in MessageCount.__struct_fields__ if name != "family")


def keep(conn: psycopg.Connection, tally: Tally) -> None:
    """Add these to the counts of the current minute. Raises psycopg.Error."""
    for family in sorted({family for family, _ in tally}):
        conn.execute(
            "INSERT INTO message_count AS kept VALUES"
            " (date_trunc('minute', clock_timestamp()), %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (minute, family) DO UPDATE SET"
            " received = kept.received + excluded.received,"
            " stored = kept.stored + excluded.stored,"
            " duplicate = kept.duplicate + excluded.duplicate,"
            " rejected = kept.rejected + excluded.rejected,"
            " ignored = kept.ignored + excluded.ignored",
            (family, *(tally[family, column] for column in COLUMNS)),
        )


def message_counts(conn: psycopg.Connection, since: datetime) -> list[MessageCount]:
    """Return the messages since (at most 7 days ago, to the minute) by family."""
    return (
        conn.cursor(row_factory=class_row(MessageCount))
        .execute(
            "SELECT family, sum(received)::bigint AS received, sum(stored)::bigint AS stored,"
            " sum(duplicate)::bigint AS duplicate, sum(rejected)::bigint AS rejected,"
            " sum(ignored)::bigint AS ignored FROM message_count WHERE minute >= %s"
            " GROUP BY family ORDER BY family",
            (since,),
        )
        .fetchall()
    )


def recent_drops(conn: psycopg.Connection, since: datetime) -> int:
    """Return what the broker dropped since its start, if any of it after `since`; else 0."""
    found = conn.execute("SELECT dropped FROM broker_drops WHERE grew_at > %s", (since,))
    return sum(dropped for (dropped,) in found)
