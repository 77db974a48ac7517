"""Saves what was admitted: one transaction a batch, each reading once, in one order for all.

The road: binary COPY of the readings, one row of `arrival_log` with the same readings for those
who follow the feed, NOTIFY, commit. Arrival numbers are drawn under a short advisory lock that
is held until commit, so they become visible in their order. A repeat breaks the unique key; the
batch is then sifted and goes the same road without it, and the next batches are sifted before.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import scalar_row

from core.database import first_line
from core.locks import Lock
from devices.envelope import Envelope
from devices.readings import Reading, Reason, Rejection, SosPressed
from devices.redaction import cut_private
from ingest.admission.admit import Admitted
from ingest.store.repeats import RepeatGuard, unknown
from ingest.store.rows import (
    COLUMNS,
    TABLES,
    Key,
    ReadingRow,
    copy_stream,
    distinct,
    json_array,
    row_of,
)

LONGEST_PAUSE = (
    "1500ms"  # a worker frozen while it holds the lock loses its connection, and the lock
)
LONGEST_PAYLOAD = 65_536  # bytes of a rejected message that are kept

MessageOutcome = Literal["stored", "duplicate", "rejected", "ignored"]
# What the database says of a row that it can't keep: a text with NUL, an id too long to index.
REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)


class AdmittedMessage(msgspec.Struct, frozen=True, gc=False):
    """One delivered message and what admission made of it."""

    envelope: Envelope
    admitted: Admitted


class Arrivals(msgspec.Struct, frozen=True):
    """What became of a batch. Counting `outcomes` by family makes the sums of the metrics."""

    stored: tuple[Reading, ...]  # the new readings, in the order of their arrival numbers
    outcomes: tuple[MessageOutcome, ...]  # one a message, in the order given
    rejections: tuple[Rejection, ...]  # admission's, and those that the database refused


class Refused(msgspec.Struct, frozen=True):
    """A rejection and the number of its message in the batch."""

    message: int
    rejection: Rejection
    key: Key | None = None  # of the row that the database refused


def save(
    conn: psycopg.Connection, messages: Sequence[AdmittedMessage], guard: RepeatGuard | None = None
) -> Arrivals:
    """Store a batch and return when it is committed. `conn` must not be in a transaction.

    A message counts as stored when any of its readings is new, else as duplicate when any is
    known, else as rejected, else as ignored. A row that the database refuses becomes a rejection.
    Whoever saves batch after batch gives the same `guard` each time: repeats cost less then.
    Raises psycopg.OperationalError when the database is away: the batch may be given again.
    """
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        raise ValueError("save() commits: end the connection's transaction first")
    rows, refused = _parts(messages)
    guard, unique = guard or RepeatGuard(), distinct(rows)
    stored, refused = _store(conn, messages, unique, refused, guard)
    guard.note(met=len(stored) < len(unique))
    return Arrivals(
        stored=tuple(row.reading for row in stored),
        outcomes=_outcomes(len(messages), rows, stored, refused),
        rejections=tuple(each.rejection for each in refused),
    )


def _parts(messages: Sequence[AdmittedMessage]) -> tuple[list[ReadingRow], list[Refused]]:
    """Return the readings and rejections of a batch, each with the number of its message."""
    rows: list[ReadingRow] = []
    refused: list[Refused] = []
    for index, message in enumerate(messages):
        refused += [Refused(index, rejection) for rejection in message.admitted.rejections]
        for reading in message.admitted.readings:
            try:
                rows.append(row_of(index, reading))
            except UnicodeEncodeError as error:
                refused.append(Refused(index, Rejection(Reason.BAD_VALUE, _why(error))))
    return rows, refused


def _outcomes(
    count: int, rows: Sequence[ReadingRow], stored: Sequence[ReadingRow], refused: Sequence[Refused]
) -> tuple[MessageOutcome, ...]:
    unkept = {each.key for each in refused}
    new = {row.message for row in stored}
    known = {row.message for row in rows if row.key not in unkept}
    bad = {each.message for each in refused} | {row.message for row in rows} - known

    def outcome(message: int) -> MessageOutcome:
        if message in new:
            return "stored"
        if message in known:
            return "duplicate"
        return "rejected" if message in bad else "ignored"

    return tuple(outcome(message) for message in range(count))


def _store(
    conn: psycopg.Connection,
    messages: Sequence[AdmittedMessage],
    rows: Sequence[ReadingRow],
    refused: Sequence[Refused],
    guard: RepeatGuard,
) -> tuple[list[ReadingRow], list[Refused]]:
    """Return the rows that were new, and all refusals. Halves a batch down to its bad row."""
    try:
        return _store_new(conn, messages, rows, refused, guard), list(refused)
    except REFUSALS as error:
        if not rows:
            raise
        if len(rows) == 1:
            bad = Rejection(Reason.BAD_VALUE, _why(error))
            refused = [*refused, Refused(rows[0].message, bad, rows[0].key)]
            return _store(conn, messages, [], refused, guard)
    middle = len(rows) // 2
    stored, refused_before = _store(conn, messages, rows[:middle], refused, guard)
    more, refused_after = _store(conn, messages, rows[middle:], [], guard)
    return stored + more, refused_before + refused_after


def _why(error: Exception) -> str:
    return (
        f"the database can't keep this reading ({first_line(error)}): mend the text in the message"
    )


def _store_new(
    conn: psycopg.Connection,
    messages: Sequence[AdmittedMessage],
    rows: Sequence[ReadingRow],
    refused: Sequence[Refused],
    guard: RepeatGuard,
) -> list[ReadingRow]:
    """Store the rows that are new and return them."""
    if guard.looks_first:
        rows = unknown(conn, rows)
    while True:
        try:
            _commit(conn, messages, rows, refused)
        except psycopg.errors.UniqueViolation:
            new = unknown(conn, rows)
            if len(new) == len(rows):
                raise
            rows = new
        else:
            return list(rows)


def _commit(
    conn: psycopg.Connection,
    messages: Sequence[AdmittedMessage],
    rows: Sequence[ReadingRow],
    refused: Sequence[Refused],
) -> None:
    """Write all of it or nothing. Raises UniqueViolation when a row is known already."""
    with conn.transaction():
        _copy_refused(conn, messages, refused)
        if not rows:
            return
        first = _draw_arrivals(conn, len(rows))
        for table in TABLES:
            numbered = [(n, row) for n, row in enumerate(rows, first) if row.table == table]
            if numbered:
                with conn.cursor().copy(f"COPY {table} ({COLUMNS}) FROM STDIN BINARY") as copy:
                    copy.write(copy_stream(numbered))
        _log(conn, first, rows)


def _draw_arrivals(conn: psycopg.Connection, count: int) -> int:
    """Return the first of `count` arrival numbers, ours alone until the transaction ends."""
    cursor = conn.cursor(row_factory=scalar_row).execute(
        "SELECT setval('arrival', nextval('arrival') + %s) FROM pg_advisory_xact_lock(%s),"
        " set_config('idle_in_transaction_session_timeout', %s, true)",
        (count - 1, Lock.ARRIVAL, LONGEST_PAUSE),
    )
    last: int = cursor.fetchone()  # type: ignore[assignment]  # one row, always
    return last - count + 1


def _log(conn: psycopg.Connection, first: int, rows: Sequence[ReadingRow]) -> None:
    """Tell those who follow the feed: one row, and a hint."""
    life = any(isinstance(row.reading, SosPressed) for row in rows)
    conn.execute(
        "WITH hint AS (SELECT pg_notify('arrival', %s))"
        " INSERT INTO arrival_log (first, last, life, body)"
        " SELECT %s, %s, %s, %b::bytea FROM hint",
        ("life" if life else "bulk", first, first + len(rows) - 1, life, json_array(rows)),
    )


def _copy_refused(
    conn: psycopg.Connection, messages: Sequence[AdmittedMessage], refused: Sequence[Refused]
) -> None:
    if not refused:
        return
    with conn.cursor().copy(
        "COPY rejection (received_at, family, reason, detail, topic, http, payload, device)"
        " FROM STDIN"
    ) as copy:
        for each in refused:
            message = messages[each.message]
            envelope = message.envelope
            copy.write_row(
                (
                    envelope.received_at,
                    message.admitted.family,
                    each.rejection.reason.value,
                    _storable(each.rejection.detail),
                    _storable(envelope.topic),
                    msgspec.json.encode(envelope.http).decode() if envelope.http else None,
                    cut_private(envelope.payload)[0][:LONGEST_PAYLOAD],
                    _storable(message.admitted.device),
                )
            )


def _storable(text: str) -> str:
    """Return the text without what PostgreSQL refuses: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
