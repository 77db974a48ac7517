"""Rejected messages read again, after a codec was mended or a device registered.

What now reads is stored and enters the feed like any late reading: it keeps the time at which
it was received, so a second replay finds it stored already.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import psycopg

from core.errors import CarewatchError
from devices.directory import Directory
from devices.discovery.announced import NOTHING, Announced
from ingest.admission.containment import contained
from ingest.history import Rejected, rejected, rejections
from ingest.store.announcements import announcements, read_all
from ingest.store.save import AdmittedMessage, MessageOutcome, save

__all__ = ["AT_ONCE", "MessageOutcome", "replay"]

AT_ONCE = 500  # messages a transaction


def replay(
    conn: psycopg.Connection,
    directory: Directory,
    numbers: Sequence[int] | None = None,
    *,
    devices: Collection[str] | None = None,
    reason: str | None = None,
    family: str | None = None,
    since: datetime | None = None,
) -> Counter[MessageOutcome]:
    """Read rejections again: these numbers, or all that were not read yet and fit.

    What is wholly readable now is stored and marked as replayed; the rest stays as it was.
    Answers how many became what. Raises psycopg.Error between two batches of 500, and
    CarewatchError for a number that there is not, before anything is read.
    """
    outcomes: Counter[MessageOutcome] = Counter()
    batches = (
        _waiting(conn, devices=devices, reason=reason, family=family, since=since)
        if numbers is None
        else _numbered(conn, numbers)
    )
    with conn.transaction():
        announced = NOTHING.changed(read_all(announcements(conn), directory))
    for batch in batches:
        outcomes.update(_read_again(conn, directory, announced, batch))
    return outcomes


def _numbered(conn: psycopg.Connection, numbers: Sequence[int]) -> Iterator[list[Rejected]]:
    with conn.transaction():
        found = {n: rejected(conn, n) for n in numbers}
    missing = [str(n) for n, each in found.items() if each is None]
    if missing:
        raise CarewatchError(
            f"no rejected message {', '.join(missing)}; none was read again:"
            " see `carewatch deadletters list --all`"
        )
    yield [each for each in found.values() if each is not None]


def _waiting(
    conn: psycopg.Connection,
    *,
    devices: Collection[str] | None,
    reason: str | None,
    family: str | None,
    since: datetime | None,
) -> Iterator[list[Rejected]]:
    """Yield rejections in the order they came; those that come meanwhile are left alone."""
    with conn.transaction():
        newest = [each.n for each in rejections(conn, limit=1)]
    after = 0
    while newest and after < newest[0]:
        with conn.transaction():
            batch = rejections(
                conn,
                devices=devices,
                reason=reason,
                family=family,
                since=since,
                replayed=False,
                after=after,
                limit=AT_ONCE,
            )
        yield [each for each in batch if each.n <= newest[0]]
        after = batch[-1].n if batch else newest[0]


def _read_again(
    conn: psycopg.Connection, directory: Directory, announced: Announced, batch: Sequence[Rejected]
) -> list[MessageOutcome]:
    admitted = [(each, contained(each.envelope, directory, announced)) for each in batch]
    readable = [(each, result) for each, result in admitted if not result.rejections]
    saved = save(conn, [AdmittedMessage(each.envelope, result) for each, result in readable])
    with conn.transaction():
        conn.execute(
            "UPDATE rejection SET replayed_at = clock_timestamp() WHERE n = ANY(%s)",
            ([each.n for each, _ in readable],),
        )
    unread: list[MessageOutcome] = ["rejected"] * (len(batch) - len(readable))
    return [*saved.outcomes, *unread]
