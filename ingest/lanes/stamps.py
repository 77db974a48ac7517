"""When a message first came, for messages that carry no time of their own.

Such a message is judged by our clock, and its key holds that time. When the broker delivers it
again, it is given the first delivery's stamp, so that it is the same row. Two ways it comes again:

- after a crash between commit and acknowledgement: the broker sets the DUP flag and repeats the
  packet id;
- with every subscription, so after every reconnect: the message that is retained on a topic, with
  the RETAIN flag. A press that was heard live is remembered too, so that its retained copy is no
  other. A press may have been missed only where the broker lost the session; all is forgotten then,
  and what is retained counts as new.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from zlib import crc32

import msgspec
import psycopg

from core.insert_many import insert_many, update_on
from devices.envelope import Envelope
from ingest.mqtt.session import Delivery

Name = tuple[str, int]  # slot and number: what is remembered, once each
_LATEST = update_on("slot, packet_id", "digest", "received_at")
RETAINED = " retained"  # behind a slot: its numbers are the topics', not the packets'


def digest(envelope: Envelope) -> bytes:
    """Return what tells one message from another under the same name."""
    whole = blake2b(envelope.topic.encode(), digest_size=12)
    whole.update(b"\0" + envelope.payload)
    return whole.digest()


def restamped(
    conn: psycopg.Connection, slot: str, deliveries: Sequence[Delivery]
) -> list[Delivery]:
    """Return the deliveries, those that came before with the moment of their first coming."""
    again = {_name(slot, each) for each in deliveries if _may_come_again(each)}
    if not again:
        return list(deliveries)
    rows = conn.execute(
        "SELECT slot, packet_id, digest, received_at FROM first_delivery WHERE (slot, packet_id)"
        " IN (SELECT * FROM unnest(%s::text[], %s::int[]))",
        tuple(map(list, zip(*again, strict=True))),
        binary=True,
    )
    first: dict[tuple[Name, bytes], datetime] = {
        ((name, number), key): at for name, number, key, at in rows
    }
    return [_restamped(slot, each, first) if _may_come_again(each) else each for each in deliveries]


def _restamped(
    slot: str, delivery: Delivery, first: dict[tuple[Name, bytes], datetime]
) -> Delivery:
    envelope = delivery.envelope
    key = (_name(slot, delivery), digest(envelope))
    # Filters that overlap bring one retained message several times at once.
    stamp = first.setdefault(key, envelope.received_at) if envelope.retain else first.get(key)
    if stamp is None or stamp == envelope.received_at:
        return delivery
    envelope = msgspec.structs.replace(envelope, received_at=stamp)
    return msgspec.structs.replace(delivery, envelope=envelope)


def remember(
    conn: psycopg.Connection,
    slot: str,
    deliveries: Iterable[Delivery],
    presses: Iterable[Delivery] = (),
) -> None:
    """Write down when these came, before they are stored.

    Of `presses`, those among them that may come again as the broker's retained copy.
    """
    last = {
        _name(slot, each): each.envelope
        for each in deliveries
        if each.packet_id or each.envelope.retain
    }
    last |= {_retained(slot, each): each.envelope for each in presses}
    if not last:
        return
    with conn.transaction():
        insert_many(
            conn,
            "first_delivery",
            {
                ("slot", "text"): [slot for slot, _ in last],
                ("packet_id", "int4"): [number for _, number in last],
                ("digest", "bytea"): [digest(each) for each in last.values()],
                ("received_at", "timestamptz"): [each.received_at for each in last.values()],
            },
            on_conflict=_LATEST,
        )


def forget(conn: psycopg.Connection, slot: str) -> None:
    """Forget a session that the broker lost: its packet ids begin anew."""
    with conn.transaction():
        conn.execute("DELETE FROM first_delivery WHERE slot = ANY(%s)", ([slot, slot + RETAINED],))


def _may_come_again(delivery: Delivery) -> bool:
    return delivery.envelope.retain or bool(delivery.envelope.dup and delivery.packet_id)


def _name(slot: str, delivery: Delivery) -> Name:
    """Return what a delivery is remembered by. Two topics may share a number: see `digest`."""
    return _retained(slot, delivery) if delivery.envelope.retain else (slot, delivery.packet_id)


def _retained(slot: str, delivery: Delivery) -> Name:
    """Return what the broker's retained message of a delivery's topic is remembered by."""
    return slot + RETAINED, crc32(delivery.envelope.topic.encode()) >> 1
