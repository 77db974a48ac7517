"""Readings as PostgreSQL's binary COPY wants them. Pure, and quick: it runs for every reading
(psycopg's own `write_row` takes about three times as long)."""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, get_args

import msgspec

from devices.readings import KIND_OF, TRACKED, Reading

Table = Literal["reading_track", "reading_event"]
Key = tuple[str, datetime, str, str]  # devices.readings.Said.key
TABLES: tuple[Table, ...] = get_args(Table)
COLUMNS = "arrival, at, received_at, device, id, kind, body"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_arrival = struct.Struct("!hiq").pack  # 7 fields; the first: 8 bytes
_times = struct.Struct("!iqiqi").pack  # at, received_at, then the length of the device's id
_length = struct.Struct("!i").pack
_encode = msgspec.json.Encoder().encode


class ReadingRow(msgspec.Struct, frozen=True, gc=False):
    """One reading on its way into the database."""

    message: int  # number of its message in the batch
    reading: Reading
    table: Table  # what is many is kept short; the rest is few, and kept long
    key: Key
    body: bytes  # the reading as JSON
    fields: bytes  # all columns but the arrival number, as COPY wants them


def row_of(message: int, reading: Reading) -> ReadingRow:
    """Return the row of one reading of the batch's message number `message`.

    Raises UnicodeEncodeError for a text that is not Unicode (half a surrogate pair).
    """
    key, body = reading.key, _encode(reading)
    return ReadingRow(
        message, reading, _TABLE[type(reading)], key, body, _fields(reading, key, body)
    )


def _fields(reading: Reading, key: Key, body: bytes) -> bytes:
    device, at, ident = key[0].encode(), key[1], key[2].encode()
    return b"".join(
        (
            _times(8, microseconds(at), 8, microseconds(reading.received_at), len(device)),
            device,
            _length(len(ident)),
            ident,
            _KIND[type(reading)],
            _length(len(body)),
            body,
        )
    )


def distinct(rows: Iterable[ReadingRow]) -> list[ReadingRow]:
    """Return the first row of each key, in their order."""
    found: dict[Key, ReadingRow] = {}
    for row in rows:
        found.setdefault(row.key, row)
    return list(found.values())


def copy_stream(numbered: Iterable[tuple[int, ReadingRow]]) -> bytes:
    """Return the whole COPY stream for `COLUMNS`: each row with its arrival number."""
    out = [_HEADER]
    for arrival, row in numbered:
        out += (_arrival(7, 8, arrival), row.fields)
    out.append(_TRAILER)
    return b"".join(out)


def json_array(rows: Sequence[ReadingRow]) -> bytes:
    """Return the readings as one JSON array: the form of the feed."""
    return b"[" + b",".join([row.body for row in rows]) + b"]"


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 2000-01-01 UTC, as timestamptz stores them."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_KIND = {type_: _length(len(kind)) + kind.encode() for type_, kind in KIND_OF.items()}
_TABLE: dict[type, Table] = {
    type_: "reading_track" if type_ in TRACKED else "reading_event" for type_ in KIND_OF
}
