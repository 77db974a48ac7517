"""Messages told again by their counter: the same number of the same device is the same thing.

A button that says its last press every half minute, one Bluetooth packet heard by two gateways, one
radio frame passed on by two networks: each copy comes at its own time, or bears a time of its own.
It is given the moment of the first, so that it has the first one's key and is a repeat. What came
last is remembered for each device and counter; a count that begins anew is news.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from zlib import crc32

import msgspec
import psycopg
from msgspec.structs import replace

from devices.readings import Reading
from ingest.admission.admit import Admitted, Counted
from ingest.store.save import AdmittedMessage

Name = tuple[str, str]  # device, and what it counts
SLOT = "counted"  # in the table of first deliveries, where broker sessions have theirs
# So long is a number that soon comes round again (a byte) the same thing.
SAME_FOR = {"packet": timedelta(minutes=10)}


class Last(msgspec.Struct, frozen=True, gc=False):
    """The number that a device said last, and the time of what it said first with it."""

    value: str
    at: datetime


def name_of(counted: Counted) -> Name:
    """Return what a number is known by: its device and which of its counters it is."""
    return counted.device, counted.counter


def recounted(admitted: Admitted, came_at: datetime, last: dict[Name, Last]) -> Admitted:
    """What a message says, each repeat of a number at the time of the first; `last` is kept up."""
    readings = list(admitted.readings)
    for counted in admitted.counted:
        name = name_of(counted)
        known = last.get(name)
        if known is not None and _is_same(counted, known, came_at):
            readings = [_at_first(reading, counted, known.at) for reading in readings]
            continue
        own = (each.at for each in readings if _is_of(each, counted))
        last[name] = Last(counted.value, next(own, came_at))
    return replace(admitted, readings=tuple(readings))


def _is_same(counted: Counted, known: Last, came_at: datetime) -> bool:
    limit = SAME_FOR.get(counted.counter)
    fresh = limit is None or abs(came_at - known.at) <= limit
    return known.value == counted.value and fresh


def _at_first(reading: Reading, counted: Counted, at: datetime) -> Reading:
    if not _is_of(reading, counted) or reading.at == at:
        return reading
    if reading.observed_at is None or reading.clock == "quarantined":
        return replace(reading, received_at=at)
    return replace(reading, observed_at=at)


def _is_of(reading: Reading, counted: Counted) -> bool:
    """Whether a reading bears this number; further ones of its message are numbered behind it."""
    if reading.device != counted.device:
        return False
    return reading.id == counted.value or reading.id.startswith(f"{counted.value}.")


# ------------------------------------------------------------------ kept between batches


def settled(
    conn: psycopg.Connection, messages: Sequence[AdmittedMessage]
) -> Sequence[AdmittedMessage]:
    """The messages of a batch with their repeats at the time of the first. Raises psycopg.Error."""
    asked = [each for message in messages for each in message.admitted.counted]
    if not asked:
        return messages
    before = _known(conn, asked)
    last = dict(before)
    told = [
        AdmittedMessage(each.envelope, recounted(each.admitted, each.envelope.received_at, last))
        if each.admitted.counted
        else each
        for each in messages
    ]
    _remember(conn, {name: one for name, one in last.items() if before.get(name) != one})
    return told


def _known(conn: psycopg.Connection, asked: Iterable[Counted]) -> dict[Name, Last]:
    """What is remembered of these, as far as it has the same number: of others it is news."""
    rows = conn.execute(
        "SELECT packet_id, digest, received_at FROM first_delivery"
        " WHERE slot = %s AND packet_id = ANY(%s)",
        (SLOT, [_number(name_of(each)) for each in asked]),
    ).fetchall()
    found = {(number, bytes(digest)): at for number, digest, at in rows}
    values = {(name_of(each), each.value) for each in asked}
    return {
        name: Last(value, found[key])
        for name, value in values
        if (key := (_number(name), _digest(name, value))) in found
    }


def _remember(conn: psycopg.Connection, last: dict[Name, Last]) -> None:
    numbered = {_number(name): (_digest(name, one.value), one.at) for name, one in last.items()}
    with conn.transaction():
        conn.execute(
            "INSERT INTO first_delivery (slot, packet_id, digest, received_at)"
            " SELECT %s, * FROM unnest(%s::int[], %s::bytea[], %s::timestamptz[])"
            " ON CONFLICT (slot, packet_id) DO UPDATE"
            " SET digest = excluded.digest, received_at = excluded.received_at",
            (
                SLOT,
                list(numbered),
                [digest for digest, _ in numbered.values()],
                [at for _, at in numbered.values()],
            ),
        )


def _number(name: Name) -> int:
    """Of two names with one number the first is forgotten; the digest tells them apart."""
    return crc32("\n".join(name).encode("utf-8", "replace")) >> 1


def _digest(name: Name, value: str) -> bytes:
    return blake2b("\n".join((*name, value)).encode("utf-8", "replace"), digest_size=12).digest()
