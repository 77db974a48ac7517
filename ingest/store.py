"""Saves what was admitted: one transaction a batch, each reading once, in one order for all.

The road is the same for every batch: binary COPY into a temporary table, `INSERT ... SELECT
... ON CONFLICT DO NOTHING`, one row of `arrival_log` with the readings that were new, NOTIFY,
commit. Arrival numbers are drawn under a short advisory lock that is held until commit, so they
become visible in their order.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal
from weakref import WeakSet

import msgspec
import psycopg
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from devices.envelope import Envelope
from devices.readings import Reading, Reason, Rejection, SosPressed
from ingest.rows import Row, copy_data, row_of

if TYPE_CHECKING:
    from ingest.admission import Admitted

ARRIVAL_LOCK = 726001  # held by every writer of readings or inbox entries until its commit
TRACK = ("position", "status")  # kinds kept in reading_track; all others in reading_event
LONGEST_PAYLOAD = 65_536  # bytes of a rejected message that are kept

Outcome = Literal["stored", "duplicate", "rejected", "ignored"]


class Message(msgspec.Struct, frozen=True):
    """One delivered message and what admission made of it."""

    envelope: Envelope
    admitted: "Admitted"


class Arrivals(msgspec.Struct, frozen=True):
    """What became of a batch. Counting `outcomes` by family makes the sums of the metrics."""

    stored: tuple[Reading, ...]  # the new readings, in the order of their arrival numbers
    outcomes: tuple[Outcome, ...]  # one a message, in the order given
    rejections: tuple[Rejection, ...]  # admission's, and those that the database refused


class _Refused(msgspec.Struct, frozen=True):
    message: int
    rejection: Rejection


def save(conn: psycopg.Connection, messages: Sequence[Message]) -> Arrivals:
    """Store a batch and return when it is committed. `conn` must not be in a transaction.

    A message counts as stored when any of its readings is new, else as duplicate when any is
    known, else as rejected, else as ignored. A row that the database refuses becomes a rejection.
    Raises psycopg.OperationalError when the database is away: the batch may be given again.
    """
    rows = [
        row_of(index, reading)
        for index, message in enumerate(messages)
        for reading in message.admitted.readings
    ]
    rejections = [
        _Refused(index, rejection)
        for index, message in enumerate(messages)
        for rejection in message.admitted.rejections
    ]
    _prepare(conn)
    stored, refused = _store(conn, messages, rows, rejections)
    return Arrivals(
        stored=tuple(row.reading for row in stored),
        outcomes=_outcomes(messages, rows, stored, refused),
        rejections=tuple(each.rejection for each in refused),
    )


def _outcomes(
    messages: Sequence[Message],
    rows: Sequence[Row],
    stored: Sequence[Row],
    refused: Sequence[_Refused],
) -> tuple[Outcome, ...]:
    new = {row.message for row in stored}
    bad = {each.message for each in refused}
    said = {row.message for row in rows} - bad

    def outcome(index: int) -> Outcome:
        if index in new:
            return "stored"
        if index in said:
            return "duplicate"
        return "rejected" if index in bad else "ignored"

    return tuple(outcome(index) for index in range(len(messages)))


_prepared: WeakSet[psycopg.Connection] = WeakSet()


def _prepare(conn: psycopg.Connection) -> None:
    """Give the connection its temporary table, once."""
    if conn in _prepared:
        return
    with conn.transaction():
        conn.execute(
            "CREATE TEMPORARY TABLE arriving (n bigint, at timestamptz, received_at timestamptz,"
            " device text, id text, kind text, body text) ON COMMIT DELETE ROWS"
        )
    _prepared.add(conn)


def _store(
    conn: psycopg.Connection,
    messages: Sequence[Message],
    rows: Sequence[Row],
    rejections: Sequence[_Refused],
) -> tuple[list[Row], list[_Refused]]:
    """Store rows and rejections; what the database refuses is halved until the bad row is found."""
    try:
        return _store_new(conn, messages, rows, rejections), list(rejections)
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, UnicodeError) as error:
        if not rows:
            raise
        if len(rows) == 1:
            refused = _Refused(rows[0].message, Rejection(Reason.BAD_VALUE, _why(error)))
            return _store(conn, messages, [], [*rejections, refused])
    middle = len(rows) // 2
    stored, refused_first = _store(conn, messages, rows[:middle], rejections)
    more, refused_second = _store(conn, messages, rows[middle:], [])
    return stored + more, refused_first + refused_second


def _why(error: Exception) -> str:
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return f"the database can't keep this reading ({first_line}): mend the text in the message"


def _store_new(
    conn: psycopg.Connection,
    messages: Sequence[Message],
    rows: Sequence[Row],
    rejections: Sequence[_Refused],
) -> list[Row]:
    """Store the rows that are new and return them.

    Arrival numbers have no gap inside a batch, so a transaction that meets a row it knows is
    rolled back and tried again without it: repeats are rare, and then come by whole batches.
    """
    waiting = _first_of_each_key(rows)
    while True:
        with conn.transaction() as transaction:
            _copy_rejections(conn, messages, rejections)
            first, fresh = _insert(conn, waiting)
            if 0 < len(fresh) < len(waiting):
                raise psycopg.Rollback(transaction)
            if fresh:
                _log(conn, first, fresh)
            return fresh
        waiting = fresh


def _first_of_each_key(rows: Sequence[Row]) -> list[Row]:
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        found.setdefault(row.key, row)
    return list(found.values())


def _insert(conn: psycopg.Connection, rows: Sequence[Row]) -> tuple[int, list[Row]]:
    """The arrival number of rows[0], and those of the rows that were not there before."""
    if not rows:
        return 0, []
    cursor = conn.cursor(row_factory=scalar_row)
    with cursor.copy("COPY arriving FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(copy_data(rows))
    cursor.execute(
        "SELECT setval('arrival', nextval('arrival') + %s) FROM pg_advisory_xact_lock(%s)",
        (len(rows) - 1, ARRIVAL_LOCK),
    )
    first = _value(cursor) - len(rows) + 1
    new: set[int] = set()
    for table, condition in (
        ("reading_track", "kind = ANY(%s)"),
        ("reading_event", "kind <> ALL(%s)"),
    ):
        cursor.execute(
            f"INSERT INTO {table} (arrival, at, received_at, device, id, kind, body)"
            " SELECT %s + n, at, received_at, device, id, kind, body FROM arriving"
            f" WHERE {condition} ON CONFLICT DO NOTHING RETURNING arrival",
            (first, list(TRACK)),
        )
        new.update(cursor)
    return first, [row for n, row in enumerate(rows, first) if n in new]


def _value(cursor: psycopg.Cursor[int]) -> int:
    found = cursor.fetchone()
    assert found is not None  # a SELECT without a table answers one row
    return found


def _log(conn: psycopg.Connection, first: int, rows: Sequence[Row]) -> None:
    """Tell the readers of the feed: one row, and a hint."""
    life = any(isinstance(row.reading, SosPressed) for row in rows)
    conn.execute(
        "INSERT INTO arrival_log (first, last, life, body) VALUES (%s, %s, %s, %b)",
        (first, first + len(rows) - 1, life, b"[" + b",".join(row.body for row in rows) + b"]"),
    )
    conn.execute("SELECT pg_notify('arrival', %s)", ("life" if life else "bulk",))


def _copy_rejections(
    conn: psycopg.Connection, messages: Sequence[Message], rejections: Sequence[_Refused]
) -> None:
    if not rejections:
        return
    with conn.cursor().copy(
        "COPY rejection (received_at, family, reason, detail, topic, http, payload) FROM STDIN"
    ) as copy:
        for refused in rejections:
            message = messages[refused.message]
            envelope = message.envelope
            copy.write_row(
                (
                    envelope.received_at,
                    message.admitted.family,
                    refused.rejection.reason.value,
                    _storable(refused.rejection.detail),
                    _storable(envelope.topic),
                    Jsonb(msgspec.to_builtins(envelope.http)) if envelope.http else None,
                    envelope.payload[:LONGEST_PAYLOAD],
                )
            )


def _storable(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
