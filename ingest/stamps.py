"""When a message first came, for messages that carry no time of their own.

Such a message is judged by our clock, and its key holds that time. When the broker delivers it
again (a crash between commit and acknowledgement), it is given the first delivery's stamp, so
that it is the same row. The broker says "again" by the DUP flag and repeats the packet id.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec
import psycopg

from devices.envelope import Envelope
from ingest.broker import Delivery


def digest(envelope: Envelope) -> bytes:
    """What tells one message from another under the same packet id."""
    whole = blake2b(envelope.topic.encode(), digest_size=12)
    whole.update(b"\0" + envelope.payload)
    return whole.digest()


def restamped(
    conn: psycopg.Connection, slot: str, deliveries: Sequence[Delivery]
) -> list[Delivery]:
    """The deliveries, those that came before with the moment of their first coming."""
    again = [each.packet_id for each in deliveries if each.envelope.dup and each.packet_id]
    if not again:
        return list(deliveries)
    rows = conn.execute(
        "SELECT packet_id, digest, received_at FROM first_delivery"
        " WHERE slot = %s AND packet_id = ANY(%s)",
        (slot, again),
        binary=True,
    )
    first: dict[tuple[int, bytes], datetime] = {(number, key): at for number, key, at in rows}
    return [_restamped(each, first) for each in deliveries]


def _restamped(delivery: Delivery, first: dict[tuple[int, bytes], datetime]) -> Delivery:
    if not delivery.envelope.dup:
        return delivery
    stamp = first.get((delivery.packet_id, digest(delivery.envelope)))
    if stamp is None:
        return delivery
    envelope = msgspec.structs.replace(delivery.envelope, received_at=stamp)
    return msgspec.structs.replace(delivery, envelope=envelope)


def remember(conn: psycopg.Connection, slot: str, deliveries: Iterable[Delivery]) -> None:
    """Write down when these came, before they are stored."""
    last = {each.packet_id: each.envelope for each in deliveries if each.packet_id}
    if not last:
        return
    with conn.transaction():
        conn.execute(
            "INSERT INTO first_delivery (slot, packet_id, digest, received_at)"
            " SELECT %s, * FROM unnest(%s::int[], %s::bytea[], %s::timestamptz[])"
            " ON CONFLICT (slot, packet_id) DO UPDATE"
            " SET digest = excluded.digest, received_at = excluded.received_at",
            (
                slot,
                list(last),
                [digest(each) for each in last.values()],
                [each.received_at for each in last.values()],
            ),
        )


def forget(conn: psycopg.Connection, slot: str) -> None:
    """The broker lost the session: its packet ids begin anew and mean other messages."""
    with conn.transaction():
        conn.execute("DELETE FROM first_delivery WHERE slot = %s", (slot,))
