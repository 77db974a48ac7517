"""MQTT 3.1.1 as far as a consumer needs it: the packets it sends and the packets it reads (pure).

Section numbers are those of the OASIS standard, version 3.1.1. A consumer never publishes at
QoS 2 and never subscribes at it, so PUBREC, PUBREL and PUBCOMP do not occur.
"""

from collections.abc import Iterable, Sequence

import msgspec

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 9, 11, 13  # 2.2.1

PINGREQ = b"\xc0\x00"  # 3.12
DISCONNECT = b"\xe0\x00"  # 3.14
REFUSED = {  # 3.2.2.3
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses this client id",
    3: "the broker is not available",
    4: "bad user name or password",
    5: "not authorised",
}


class BrokenStream(Exception):
    """What came is not MQTT: the connection is of no more use."""


class Connack(msgspec.Struct, frozen=True):
    """The broker's answer to CONNECT."""

    session_present: bool  # it kept what this client id had before
    code: int  # 0 = accepted, else a key of REFUSED


class Publish(msgspec.Struct, frozen=True, gc=False):
    """One message delivered to us."""

    topic: str
    payload: bytes
    packet_id: int  # 0 for QoS 0: nothing to acknowledge
    dup: bool  # delivered before, and not acknowledged
    retain: bool  # kept by the broker from before we subscribed


class Suback(msgspec.Struct, frozen=True):
    """The broker's answer to SUBSCRIBE: one code a filter, 0x80 = refused."""

    packet_id: int
    codes: bytes


class Pingresp(msgspec.Struct, frozen=True):
    """The broker is there."""


class Puback(msgspec.Struct, frozen=True):
    """The broker has taken what we published."""

    packet_id: int


Packet = Connack | Publish | Puback | Suback | Pingresp


def _length(size: int) -> bytes:
    """Return the remaining length of a packet, 7 bits a byte (2.2.3)."""
    out = bytearray()
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    out.append(size)
    return bytes(out)


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _length(len(body)) + body


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


class Will(msgspec.Struct, frozen=True):
    """What the broker says, retained, when our connection ends without a goodbye."""

    topic: str
    payload: bytes


def connect(
    client_id: str,
    *,
    clean: bool,
    keep_alive: int,
    user: str | None = None,
    password: str | None = None,
    will: Will | None = None,
) -> bytes:
    """Return CONNECT (3.1). `clean` False asks the broker to keep the session while we are away.

    `keep_alive` is in seconds; the will goes out at QoS 1.
    """
    flags = 2 if clean else 0
    tail = _text(client_id)
    if will is not None:
        flags |= 0x2C
        tail += _text(will.topic) + len(will.payload).to_bytes(2, "big") + will.payload
    if user is not None:
        flags |= 128
        tail += _text(user)
        if password is not None:
            flags |= 64
            tail += _text(password)
    return _packet(0x10, _text("MQTT") + bytes((4, flags)) + keep_alive.to_bytes(2, "big") + tail)


def subscribe(packet_id: int, filters: Sequence[str], qos: int = 1) -> bytes:
    """Return SUBSCRIBE (3.8)."""
    wanted = b"".join(_text(each) + bytes((qos,)) for each in filters)
    return _packet(0x82, packet_id.to_bytes(2, "big") + wanted)


def unsubscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Return UNSUBSCRIBE (3.10)."""
    return _packet(0xA2, packet_id.to_bytes(2, "big") + b"".join(map(_text, filters)))


def publish(topic: str, payload: bytes, packet_id: int, *, retain: bool = False) -> bytes:
    """Return PUBLISH (3.3) at QoS 1."""
    return _packet(0x33 if retain else 0x32, _text(topic) + packet_id.to_bytes(2, "big") + payload)


def pubacks(packet_ids: Iterable[int]) -> bytes:
    """Return one PUBACK (3.4) for each id."""
    return b"".join([b"\x40\x02" + each.to_bytes(2, "big") for each in packet_ids])


class Reader:
    """Cuts a byte stream into packets, wherever the network has cut it."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []  # the beginning of a packet that is not whole yet
        self._held = 0  # bytes in _chunks
        self._needed = 2  # bytes of _chunks it takes to get on

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that are whole now. Raises BrokenStream."""
        if not data:
            return []
        if self._chunks:
            self._chunks.append(data)
            self._held += len(data)
            if self._held < self._needed:  # join once, not with each piece of a large packet
                return []
            data = b"".join(self._chunks)
            self._chunks = []
        packets, rest = self._cut(data)
        if rest < len(data):
            self._chunks = [data[rest:]]
            self._held = len(data) - rest
        return packets

    def _cut(self, data: bytes) -> tuple[list[Packet], int]:
        """Return the whole packets of `data`, and where what is not whole begins."""
        packets: list[Packet] = []
        start, end = 0, len(data)
        while end - start >= 2:
            at = start + 1
            size = data[at]
            if size & 128:
                size, at = _long_length(data, at)
                if at == 0:
                    self._needed = end - start + 1
                    return packets, start
            at += 1
            if at + size > end:
                self._needed = at + size - start
                return packets, start
            packet = _read(data[start], data, at, at + size)
            if packet is not None:
                packets.append(packet)
            start = at + size
        self._needed = 2
        return packets, start


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """Return a remaining length of 2 to 4 bytes and where it ends; (0, 0) if it is cut off."""
    size = 0
    for place in range(4):
        if at + place >= len(data):
            return 0, 0
        byte = data[at + place]
        size |= (byte & 127) << (7 * place)
        if not byte & 128:
            return size, at + place
    raise BrokenStream("a remaining length of more than 4 bytes")


def _read(first: int, data: bytes, at: int, end: int) -> Packet | None:
    kind = first >> 4
    if kind == PUBLISH:
        return _read_publish(first, data, at, end)
    if end - at < 2 and kind in (CONNACK, SUBACK, PUBACK):
        raise BrokenStream(f"packet of type {kind} is too short")
    if kind == CONNACK:
        return Connack(bool(data[at] & 1), data[at + 1])
    if kind == SUBACK:
        return Suback(int.from_bytes(data[at : at + 2], "big"), data[at + 2 : end])
    if kind == PUBACK:
        return Puback(int.from_bytes(data[at : at + 2], "big"))
    if kind == PINGRESP:
        return Pingresp()
    if kind == UNSUBACK:
        return None
    raise BrokenStream(f"packet of type {kind} makes no sense to a consumer")


def _read_publish(first: int, data: bytes, at: int, end: int) -> Publish:
    if end - at < 2:
        raise BrokenStream("PUBLISH without a topic")
    body = at + 2 + (data[at] << 8 | data[at + 1])
    topic = data[at + 2 : body].decode("utf-8", "replace")
    packet_id = 0
    if first & 6:
        packet_id = int.from_bytes(data[body : body + 2], "big")
        body += 2
    if body > end:
        raise BrokenStream("PUBLISH shorter than it says")
    return Publish(topic, data[body:end], packet_id, bool(first & 8), bool(first & 1))
